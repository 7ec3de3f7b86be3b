import { defineEvaluation, type EvaluationContext, type InputFile } from "../../evaluation.ts";
import type { ScoreEvidence } from "../../report/evidence.ts";
import { type CsvTable, parseCsv } from "../../training/csv.ts";
import { unusableFile } from "../../training/input-file.ts";
import { classifierReport, positiveRate } from "../../training/metrics.ts";
import { readLabels, type TabularSpec } from "../../training/tabular-design.ts";
import { fitShopperModel, stratifiedFolds } from "./shopper-model.ts";

/**
 * UCI "Online Shoppers Purchasing Intention" (Sakar, Polat, Katircioglu and Kastro, 2018): one
 * finished session a line. Its columns are not our features, so it tests the fit, not the fold.
 */
export const WITH_PAGE_VALUES: TabularSpec = {
  label: "Revenue",
  numeric: [
    "Administrative",
    "Administrative_Duration",
    "Informational",
    "Informational_Duration",
    "ProductRelated",
    "ProductRelated_Duration",
    "BounceRates",
    "ExitRates",
    "PageValues",
    "SpecialDay",
  ],
  categorical: ["Month", "OperatingSystems", "Browser", "Region", "TrafficType", "VisitorType", "Weekend"],
  gate: "PageValues",
};

/** `PageValues` is computed from later purchases and nearly tells the answer. */
export const WITHOUT_PAGE_VALUES: TabularSpec = {
  ...WITH_PAGE_VALUES,
  numeric: WITH_PAGE_VALUES.numeric.filter((name) => name !== "PageValues"),
  gate: null,
};

const FOLDS = 10;

/** Figures of one model, the mean over the parts that it was tested on. */
export interface FileFigures {
  readonly auc: number;
  readonly averagePrecision: number;
  readonly logLoss: number;
  readonly brier: number;
  readonly calibrationError: number;
}

/** What `millrace evaluate propensity` prints. */
export interface UciReport extends FileFigures {
  /** Sessions tested. */
  readonly rows: number;
  readonly positives: number;
  readonly method: "train-test" | "stratified-10-fold";
  readonly seed: number;
  /** The training part's share of purchases, said of every session. */
  readonly baseline: FileFigures;
  /** The same without the column that nearly tells the answer. */
  readonly withoutPageValues: FileFigures;
}

export interface UciTables {
  readonly train: CsvTable;
  /** Null: cross-validation on `train`. */
  readonly test: CsvTable | null;
  readonly seed: number;
  readonly onProgress: (message: string) => void;
  readonly onEvidence?: EvaluationContext["onEvidence"];
}

export const uciEvaluation = defineEvaluation({
  doc: "UCI Online Shoppers: train and measure on the columns of that file, with and without PageValues",
  options: {
    train: { kind: "file", doc: "training file, UCI CSV", required: true },
    test: {
      kind: "file",
      doc: "test file; without it, stratified 10-fold cross-validation",
      required: false,
    },
  },
  example: "--train online_shoppers_intention.csv",
  async run({ train, test }, { seed, onProgress, onEvidence }) {
    const report = evaluateUciShoppers({
      train: await readShoppers(train),
      test: test === null ? null : await readShoppers(test),
      seed,
      onProgress,
      onEvidence,
    });
    return { ...report };
  },
});

/** Rejects with code `file-unusable`. */
export async function readShoppers(file: InputFile): Promise<CsvTable> {
  return parseCsv(await file.text(), file.path);
}

/** Test on the second table, or by stratified, shuffled 10-fold cross-validation on the first. */
export function evaluateUciShoppers({ train, test, seed, onProgress, onEvidence }: UciTables): UciReport {
  const parts = test === null ? foldsOf(train, seed) : [wholeFiles(train, test)];
  const full = parts.map((part, index) => {
    onProgress(`part ${index + 1} of ${parts.length}`);
    return evaluatePart(WITH_PAGE_VALUES, part, seed);
  });
  const without = parts.map((part, index) => {
    onProgress(`part ${index + 1} of ${parts.length}, without PageValues`);
    return evaluatePart(WITHOUT_PAGE_VALUES, part, seed);
  });
  onEvidence?.(pooled("with PageValues", parts, full));
  onEvidence?.(pooled("without PageValues", parts, without));
  return {
    rows: full.reduce((total, { rows }) => total + rows, 0),
    positives: full.reduce((total, { positives }) => total + positives, 0),
    method: test === null ? "stratified-10-fold" : "train-test",
    seed,
    ...figures(full, "model"),
    baseline: figures(full, "baseline"),
    withoutPageValues: figures(without, "model"),
  };
}

/** One fit and what it is tested on. */
export interface ShopperPart {
  readonly train: CsvTable;
  readonly trainRows: Int32Array;
  readonly test: CsvTable;
  readonly testRows: Int32Array;
  readonly testLabels: Float64Array;
}

type PartReport = ReturnType<typeof classifierReport> & { readonly scores: Float64Array };

function evaluatePart(spec: TabularSpec, part: ShopperPart, seed: number): PartReport {
  const model = fitShopperModel(spec, part.train, part.trainRows, seed);
  const trainLabels = readLabels(spec, part.train, part.trainRows);
  const scores = model.score(part.test, part.testRows);
  return { ...classifierReport({ scores, labels: part.testLabels }, positiveRate(trainLabels)), scores };
}

/** The scores of all parts, each session scored by a model that did not see it. */
function pooled(title: string, parts: readonly ShopperPart[], reports: readonly PartReport[]): ScoreEvidence {
  const joined = (arrays: readonly Float64Array[]): Float64Array =>
    Float64Array.from(arrays.flatMap((array) => [...array]));
  const scores = joined(reports.map((report) => report.scores));
  return {
    kind: "scores",
    title,
    labels: joined(parts.map(({ testLabels }) => testLabels)),
    series: [{ name: "ours", scores }],
  };
}

function figures(parts: readonly PartReport[], side: "model" | "baseline"): FileFigures {
  const mean = (name: keyof FileFigures): number =>
    parts.reduce((total, { metrics }) => total + metrics[name][side], 0) / parts.length;
  return {
    auc: mean("auc"),
    averagePrecision: mean("averagePrecision"),
    logLoss: mean("logLoss"),
    brier: mean("brier"),
    calibrationError: mean("calibrationError"),
  };
}

function wholeFiles(train: CsvTable, test: CsvTable): ShopperPart {
  requireBothLabels(train);
  const testLabels = requireBothLabels(test);
  return { train, trainRows: allRows(train), test, testRows: allRows(test), testLabels };
}

/** Ten parts with the same share of purchases each; every session is tested once. */
export function foldsOf(table: CsvTable, seed: number): ShopperPart[] {
  const labels = requireBothLabels(table);
  const bought = labels.reduce((total, label) => total + label, 0);
  if (Math.min(bought, labels.length - bought) < FOLDS) {
    throw unusableFile(
      table.path,
      `${FOLDS} folds need ${FOLDS} sessions with a purchase and ${FOLDS} without`,
    );
  }
  const fold = stratifiedFolds(labels, FOLDS, seed);
  const rows = allRows(table);
  return Array.from({ length: FOLDS }, (_, index) => ({
    train: table,
    trainRows: rows.filter((row) => fold[row] !== index),
    test: table,
    testRows: rows.filter((row) => fold[row] === index),
    testLabels: labels.filter((_, row) => fold[row] === index),
  }));
}

function requireBothLabels(table: CsvTable): Float64Array {
  const labels = readLabels(WITH_PAGE_VALUES, table, allRows(table));
  if (labels.includes(0) && labels.includes(1)) return labels;
  throw unusableFile(table.path, "it needs sessions with and without a purchase");
}

function allRows(table: CsvTable): Int32Array {
  return Int32Array.from({ length: table.rows.length }, (_, row) => row);
}
