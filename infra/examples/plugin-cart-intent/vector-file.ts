import {
  classifierReport,
  csvColumn,
  type EvaluationContext,
  type EvaluationResult,
  fitLogistic,
  type InputFile,
  parseCsv,
  positiveRate,
  unusableFile,
} from "../../../ml/index.ts";
import { encodeModel, loadModel } from "./model.ts";
import { VISIT_FEATURES } from "./visit-features.ts";

/** Vectors of a file, row-major. */
export interface LabelledVectors {
  readonly vectors: Float64Array;
  readonly labels: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** Rejects with code `file-unusable`, with the line, where the file is not of the form. */
export async function readVectors(file: InputFile): Promise<LabelledVectors> {
  const table = parseCsv(await file.text(), file.path);
  const columns = VISIT_FEATURES.map((name) => csvColumn(table, name));
  const label = csvColumn(table, "label");
  const vectors = new Float64Array(table.rows.length * columns.length);
  const labels = new Float64Array(table.rows.length);
  table.rows.forEach((cells, row) => {
    columns.forEach((column, j) => {
      vectors[row * columns.length + j] = numberOf(cells[column], file.path, row);
    });
    labels[row] = numberOf(cells[label], file.path, row);
    if (labels[row] !== 0 && labels[row] !== 1)
      throw unusableFile(file.path, "label is 0 or 1", { line: row + 2 });
  });
  return { vectors, labels, rows: table.rows.length, columns: columns.length };
}

/** Fits on one file and measures on the other, beside a baseline that always says the base rate. */
export function evaluateVectors(
  train: LabelledVectors,
  test: LabelledVectors,
  { seed, onEvidence }: EvaluationContext,
): EvaluationResult {
  const scorer = loadModel(encodeModel(fitLogistic(train, { l2: 1 })), "evaluated");
  const scores = new Float64Array(test.rows);
  scorer.score(test.vectors, test.rows, scores);
  onEvidence?.({ kind: "scores", title: "test", labels: test.labels, series: [{ name: "ours", scores }] });
  const { metrics, reliability, rows, positives } = classifierReport(
    { scores, labels: test.labels },
    positiveRate(train.labels),
  );
  const side = (name: "model" | "baseline"): Record<string, number> =>
    Object.fromEntries(Object.entries(metrics).map(([metric, figure]) => [metric, figure[name]]));
  return { rows, positives, seed, ...side("model"), baseline: side("baseline"), reliability };
}

function numberOf(cell: string, path: string, row: number): number {
  const value = Number(cell);
  if (cell.trim() !== "" && Number.isFinite(value)) return value;
  throw unusableFile(path, `"${cell}" is no number`, { line: row + 2 });
}
