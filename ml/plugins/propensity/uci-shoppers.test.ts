import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CsvTable, parseCsv } from "../../training/csv.ts";
import { openInputFile } from "../../training/input-file.ts";
import { createRandom } from "../../training/random.ts";
import { evaluateUciShoppers, foldsOf, readShoppers, type UciReport, uciEvaluation } from "./uci-shoppers.ts";

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
  it("comes near the published figures on a fifth of the file that it was not trained on", async () => {
    const table = await readShoppers(openInputFile(`${DATA}/propensity/uci-online-shoppers-dev.csv.gz`));
    const part = (test: boolean): CsvTable => ({
      ...table,
      rows: table.rows.filter((_, row) => (row % 5 === 0) === test),
    });
    const report = evaluateUciShoppers({ train: part(false), test: part(true), seed: 1, onProgress() {} });
    // Published: AUC .937, average precision .754; without PageValues AUC .79. A fifth varies by .01.
    expect(report).toMatchObject({ rows: 1973, method: "train-test" });
    expect(report.auc).toBeGreaterThan(0.92);
    expect(report.averagePrecision).toBeGreaterThan(0.72);
    expect(report.withoutPageValues.auc).toBeGreaterThan(0.77);
    expect(report.withoutPageValues.averagePrecision).toBeGreaterThan(0.36);
    expect(report.logLoss).toBeLessThan(0.6 * report.baseline.logLoss);
    expect(report.brier).toBeLessThan(0.6 * report.baseline.brier);
  });

  it("cross-validates: each session is tested once, by a model that has not seen it", async () => {
    const table = parseCsv(sessions(200, 7), "train.csv");
    const parts = foldsOf(table, 1);
    const tested = parts.flatMap(({ testRows }) => [...testRows]);
    expect(parts).toHaveLength(10);
    expect(tested.sort((a, b) => a - b)).toEqual([...table.rows.keys()]);
    for (const { trainRows, testRows } of parts) {
      expect(new Set([...trainRows, ...testRows]).size).toBe(table.rows.length);
    }
    const positives = parts.map(({ testLabels }) => testLabels.reduce((total, label) => total + label, 0));
    expect(Math.max(...positives) - Math.min(...positives)).toBeLessThanOrEqual(1);
  });

  it("tests on the second file where there is one, unknown categories included", () => {
    const test = sessions(1000, 2).replaceAll("New_Visitor", "Other");
    const report = evaluateTexts({ train: sessions(3000, 1), test, seed: 1 });
    expect(report).toMatchObject({ rows: 1000, method: "train-test" });
    expect(report.auc).toBeGreaterThan(report.withoutPageValues.auc + 0.1);
    expect(report.averagePrecision).toBeGreaterThan(report.baseline.averagePrecision + 0.2);
  });

  it("gives the same figures for the same seed", () => {
    const texts = { train: sessions(400, 3), test: sessions(200, 4) };
    const first = evaluateTexts({ ...texts, seed: 4 });
    expect(evaluateTexts({ ...texts, seed: 4 })).toEqual(first);
    expect(evaluateTexts({ ...texts, seed: 5 }).auc).not.toBe(first.auc);
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
