import { beforeAll, describe, expect, it } from "vitest";
import { openInputFile } from "../../training/input-file.ts";
import { evaluatePayments } from "./evaluation.ts";
import { type PaymentTable, readPayments } from "./payments.ts";

const DATA = process.env.MILLRACE_DATA ?? "../shared/data";
const CONTEXT = { seed: 1, onProgress() {}, clock: () => 0 };

/** One terminal in eight of the handbook's data, to 31 July: no day of the published test. */
async function readSlice(): Promise<PaymentTable> {
  const file = openInputFile(`${DATA}/fraud/handbook-2018-04-01-to-2018-08-14.csv.gz`);
  const lines = await file.lines();
  const slice = lines.filter((line, index) => {
    if (index === 0) return true;
    const [, time, , terminal] = line.split(",");
    return time < "2018-08" && Number(terminal) % 8 === 0;
  });
  return readPayments([{ ...file, lines: async () => slice }]);
}

describe("fraud on the handbook's payments", () => {
  let table: PaymentTable;
  beforeAll(async () => {
    table = await readSlice();
  });

  it("tells fraud far better than the amount or a linear model, and within what can be known", async () => {
    const report = await evaluatePayments(table, CONTEXT);
    expect(report).toMatchObject({
      trainedOn: { from: "2018-05-01", to: "2018-07-10" },
      heldOut: { from: "2018-07-11", to: "2018-07-17" },
      testedOn: { from: "2018-07-25", to: "2018-07-31" },
    });
    const { auc, averagePrecision, logLoss, baselines, decisions } = report as unknown as {
      auc: number;
      averagePrecision: number;
      logLoss: number;
      baselines: Record<"amount" | "logistic", { averagePrecision: number; logLoss: number }>;
      decisions: { cost: number; costWithoutModel: number };
    };
    expect(auc).toBeGreaterThan(0.8);
    expect(averagePrecision).toBeGreaterThan(0.6);
    // A fifth of the frauds cannot be told by anyone: more would be a leak.
    expect(averagePrecision).toBeLessThan(0.85);
    expect(averagePrecision).toBeGreaterThan(baselines.logistic.averagePrecision);
    expect(averagePrecision).toBeGreaterThan(2 * baselines.amount.averagePrecision);
    expect(logLoss).toBeLessThan(baselines.logistic.logLoss);
    expect(decisions.cost).toBeLessThan(0.6 * decisions.costWithoutModel);
  });
});
