import { createRandom } from "../../training/random.ts";
import type { LabelledTable } from "../../training/trees/boost.ts";
import { type FoldSummary, FRAUD_FEATURES, foldPayments } from "./payment-fold.ts";
import type { PaymentRole, PaymentSplit } from "./payment-split.ts";
import type { PaymentTable } from "./payments.ts";

/** Rows with their vectors, and which payments they are. */
export interface PaymentRows extends LabelledTable {
  readonly weights: Float32Array;
  readonly payments: Int32Array;
}

export interface FoldedPayments {
  readonly train: PaymentRows;
  readonly holdOut: PaymentRows;
  readonly test: PaymentRows;
  readonly summary: FoldSummary;
}

/**
 * Folds all payments once and keeps the vectors that are needed: all frauds, `negativeShare` of the
 * genuine payments of the training, each standing for its like, and all of hold-out and test.
 */
export function foldRows(
  table: PaymentTable,
  split: PaymentSplit,
  options: { readonly negativeShare: number; readonly seed: number },
): FoldedPayments {
  const random = createRandom(options.seed);
  const kept: Record<Exclude<PaymentRole, "fold-only">, number[]> = { train: [], "hold-out": [], test: [] };
  /** Which part a payment's vector goes to. */
  const partOf = new Map<number, { readonly role: keyof typeof kept; readonly at: number }>();
  for (let row = 0; row < table.rows; row++) {
    const role = split.roleOf(row);
    if (role === "fold-only") continue;
    if (role === "train" && table.fraud[row] === 0 && random() >= options.negativeShare) continue;
    partOf.set(row, { role, at: kept[role].length });
    kept[role].push(row);
  }
  const parts = {
    train: emptyRows(table, kept.train, options.negativeShare),
    "hold-out": emptyRows(table, kept["hold-out"], 1),
    test: emptyRows(table, kept.test, 1),
  };
  const summary = foldPayments(
    table,
    (row) => partOf.has(row),
    (row, vector) => {
      const part = partOf.get(row);
      if (part === undefined) return;
      const { columns } = parts[part.role];
      for (let feature = 0; feature < vector.length; feature++) columns[feature][part.at] = vector[feature];
    },
  );
  return { train: parts.train, holdOut: parts["hold-out"], test: parts.test, summary };
}

function emptyRows(table: PaymentTable, payments: readonly number[], negativeShare: number): PaymentRows {
  const labels = Uint8Array.from(payments, (row) => table.fraud[row]);
  return {
    featureNames: FRAUD_FEATURES,
    columns: FRAUD_FEATURES.map(() => new Float32Array(payments.length)),
    rows: payments.length,
    labels,
    weights: Float32Array.from(labels, (label) => (label === 1 ? 1 : 1 / negativeShare)),
    payments: Int32Array.from(payments),
  };
}

/** Vectors row by row, as scorers take them. */
export function vectorsOf(rows: PaymentRows): Float64Array {
  const width = rows.columns.length;
  const vectors = new Float64Array(rows.rows * width);
  rows.columns.forEach((column, feature) => {
    for (let row = 0; row < rows.rows; row++) vectors[row * width + feature] = column[row];
  });
  return vectors;
}
