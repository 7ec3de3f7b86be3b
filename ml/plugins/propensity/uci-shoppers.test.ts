import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseCsv } from "../../training/csv.ts";
import { openInputFile } from "../../training/input-file.ts";
import { createRandom } from "../../training/random.ts";
import { evaluateUciShoppers, type UciReport, uciEvaluation } from "./uci-shoppers.ts";

const DATA = process.env.MILLRACE_DATA ?? "../shared/data";
const HEADER =
  "Administrative,Administrative_Duration,Informational,Informational_Duration,ProductRelated,ProductRelated_Duration,BounceRates,ExitRates,PageValues,SpecialDay,Month,OperatingSystems,Browser,Region,TrafficType,VisitorType,Weekend,Revenue";

/** Sessions whose purchase depends on PageValues and the month. */
function sessions(count: number, seed: number): string {
  const random = createRandom(seed);
  const lines = Array.from({ length: count }, () => {
    const pageValue = random() < 0.3 ? 30 * random() : 0;
    const november = random() < 0.3;
    const bought = random() < (pageValue > 0 ? 0.6 : 0.03) + (november ? 0.1 : 0);
    const month = november ? "Nov" : "May";
    const visitor = random() < 0.8 ? "Returning_Visitor" : "New_Visitor";
    return `0,-1,0,0,${Math.floor(40 * random())},${900 * random()},0,${0.2 * random()},${pageValue},0,${month},1,2,${Math.ceil(4 * random())},2,${visitor},FALSE,${bought ? "TRUE" : "False"}`;
  });
  return [HEADER, ...lines].join("\n");
}

function evaluateTexts(texts: { train: string; test?: string; seed: number }): UciReport {
  return evaluateUciShoppers({
    train: parseCsv(texts.train, "train.csv"),
    test: texts.test === undefined ? null : parseCsv(texts.test, "test.csv"),
    seed: texts.seed,
    onProgress() {},
  });
}

async function evaluateFile(path: string): Promise<UciReport> {
  const context = { seed: 1, onProgress() {}, clock: () => 0 };
  const report = await uciEvaluation.run({ train: openInputFile(path), test: null }, context);
  return report as unknown as UciReport;
}

describe("propensity on the UCI shoppers", () => {
  it("comes near the published figures in stratified 10-fold cross-validation", async () => {
    const report = await evaluateFile(`${DATA}/propensity/uci-online-shoppers-dev.csv.gz`);
    // Published: AUC .937, average precision .754; without PageValues AUC .79.
    expect(report).toMatchObject({ rows: 9864, positives: 1526, method: "stratified-10-fold" });
    expect(report.auc).toBeGreaterThan(0.925);
    expect(report.averagePrecision).toBeGreaterThan(0.73);
    expect(report.withoutPageValues.auc).toBeGreaterThan(0.755);
    expect(report.logLoss).toBeLessThan(0.6 * report.baseline.logLoss);
    expect(report.brier).toBeLessThan(0.6 * report.baseline.brier);
  });

  it("tests on the second file where there is one, unknown categories included", () => {
    const test = sessions(1000, 2).replaceAll("New_Visitor", "Other");
    const report = evaluateTexts({ train: sessions(3000, 1), test, seed: 1 });
    expect(report).toMatchObject({ rows: 1000, method: "train-test" });
    expect(report.auc).toBeGreaterThan(report.withoutPageValues.auc + 0.1);
    expect(report.averagePrecision).toBeGreaterThan(report.baseline.averagePrecision + 0.2);
  });

  it("gives the same figures for the same seed", () => {
    const train = sessions(600, 3);
    expect(evaluateTexts({ train, seed: 4 })).toEqual(evaluateTexts({ train, seed: 4 }));
    expect(evaluateTexts({ train, seed: 5 }).auc).not.toBe(evaluateTexts({ train, seed: 4 }).auc);
  });

  it.each([
    ["another header", "a,b\n1,2\n", /has no column/],
    [
      "a cell that is no number",
      sessions(50, 1).replace("0,-1,", "0,x,"),
      /^train.csv cannot be used: line 2: column Administrative_Duration/,
    ],
    [
      "a label that is no truth value",
      `${HEADER}\n${"0,".repeat(17)}maybe\n`,
      /column Revenue: found "maybe"/,
    ],
    ["one class", `${HEADER}\n${"0,".repeat(17)}TRUE\n`, /with and without a purchase/],
    ["too few for the folds", sessions(20, 1), /10 folds need 10 sessions/],
  ])("refuses a file with %s", (_, train, message) => {
    const run = (): unknown => evaluateTexts({ train, seed: 1 });
    expect(run).toThrow(message);
    expect(run).toThrow(expect.objectContaining({ code: "file-unusable", origin: "user" }));
  });

  it("says which file it cannot read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-uci-"));
    try {
      const binary = join(folder, "binary.csv");
      await writeFile(binary, Buffer.from([0xff, 0xfe, 0x00]));
      for (const train of [binary, folder, join(folder, "missing.csv")]) {
        await expect(evaluateFile(train)).rejects.toMatchObject({
          code: "file-unusable",
          message: expect.stringContaining(train),
        });
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
