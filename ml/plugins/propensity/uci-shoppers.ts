import { defineEvaluation } from "../../evaluation.ts";
import { type CsvTable, parseCsv } from "../../training/csv.ts";
import { unusableFile } from "../../training/input-file.ts";
import { fitLogistic, logOdds, sigmoid } from "../../training/logistic-regression.ts";
import { classifierReport } from "../../training/metrics.ts";
import { createRandom, permutation } from "../../training/random.ts";
import { fitTabular, readLabels, type TabularSpec } from "../../training/tabular-design.ts";

/**
 * UCI "Online Shoppers Purchasing Intention" (Sakar, Polat, Katircioglu and Kastro, 2018): one
 * finished session a line. Its columns are not our features, so it tests the fit, not the fold.
 */
const WITH_PAGE_VALUES: TabularSpec = {
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
const WITHOUT_PAGE_VALUES: TabularSpec = {
  ...WITH_PAGE_VALUES,
  numeric: WITH_PAGE_VALUES.numeric.filter((name) => name !== "PageValues"),
  gate: null,
};

const FOLDS = 10;
const L2 = 30;

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
  async run({ train, test }, { seed, onProgress }) {
    const report = evaluateUciShoppers({
      train: parseCsv(await train.text(), train.path),
      test: test === null ? null : parseCsv(await test.text(), test.path),
      seed,
      onProgress,
    });
    return { ...report };
  },
});

/** Test on the second table, or by stratified, shuffled 10-fold cross-validation on the first. */
export function evaluateUciShoppers({ train, test, seed, onProgress }: UciTables): UciReport {
  const parts = test === null ? foldsOf(train, seed) : [wholeFiles(train, test)];
  const full = parts.map((part, index) => {
    onProgress(`part ${index + 1} of ${parts.length}`);
    return evaluatePart(WITH_PAGE_VALUES, part);
  });
  const without = parts.map((part, index) => {
    onProgress(`part ${index + 1} of ${parts.length}, without PageValues`);
    return evaluatePart(WITHOUT_PAGE_VALUES, part);
  });
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

interface Part {
  readonly train: CsvTable;
  readonly trainRows: Int32Array;
  readonly test: CsvTable;
  readonly testRows: Int32Array;
}

type PartReport = ReturnType<typeof classifierReport>;

function evaluatePart(spec: TabularSpec, part: Part): PartReport {
  const encoder = fitTabular(spec, part.train, part.trainRows);
  const design = encoder.design(part.train, part.trainRows);
  const model = fitLogistic(design, { l2: L2, center: false });
  const test = encoder.design(part.test, part.testRows);
  const scores = Float64Array.from({ length: test.rows }, (_, row) =>
    sigmoid(logOdds(model, test.vectors, row * test.columns)),
  );
  const baseRate = design.labels.reduce((total, label) => total + label, 0) / design.rows;
  return classifierReport({ scores, labels: test.labels }, baseRate);
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

function wholeFiles(train: CsvTable, test: CsvTable): Part {
  requireBothLabels(test);
  return { train, trainRows: allRows(train), test, testRows: allRows(test) };
}

/** Ten parts with the same share of purchases each; every session is tested once. */
function foldsOf(table: CsvTable, seed: number): Part[] {
  const labels = requireBothLabels(table);
  const fold = new Int32Array(labels.length);
  const dealt = [0, 0];
  for (const row of permutation(labels.length, createRandom(seed))) fold[row] = dealt[labels[row]]++ % FOLDS;
  if (Math.min(...dealt) < FOLDS) {
    throw unusableFile(
      table.path,
      `${FOLDS} folds need ${FOLDS} sessions with a purchase and ${FOLDS} without`,
    );
  }
  const rows = allRows(table);
  return Array.from({ length: FOLDS }, (_, index) => ({
    train: table,
    trainRows: rows.filter((row) => fold[row] !== index),
    test: table,
    testRows: rows.filter((row) => fold[row] === index),
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
