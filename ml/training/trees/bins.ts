/** Labelled rows by columns; NaN is a missing value. */
export interface ColumnTable {
  readonly featureNames: readonly string[];
  /** One array a feature, each `rows` long. Single precision: what the trees compare. */
  readonly columns: readonly Float32Array[];
  readonly rows: number;
}

/** Upper ends of the bins of one feature, rising; the last bin has none. */
export type BinEdges = Float32Array;

/** A table with each value replaced by the number of its bin. */
export interface BinnedTable {
  readonly columns: readonly Uint8Array[];
  /** Bins of each feature, the one of missing values included. */
  readonly binCounts: Int32Array;
  readonly rows: number;
}

/** Bin of missing values; the others count from 1. */
export const MISSING_BIN = 0;

/** Bins of a feature, the missing one included: a byte tells them apart. */
const BINS_MAX = 255;

/** Values that quantiles are taken of; more change no edge by a row in a thousand. */
const QUANTILE_ROWS_MAX = 200_000;

/**
 * Edges at quantiles of each column, or at every value where there are few. A bin holds the values
 * above the edge before it, up to and including its own.
 */
export function fitBins(table: ColumnTable): BinEdges[] {
  return table.columns.map((column) => edgesOf(sortedSample(column)));
}

export function binTable(table: ColumnTable, edges: readonly BinEdges[]): BinnedTable {
  return {
    columns: table.columns.map((column, feature) => binColumn(column, edges[feature])),
    binCounts: Int32Array.from(edges, (own) => own.length + 2),
    rows: table.rows,
  };
}

function binColumn(column: Float32Array, edges: BinEdges): Uint8Array {
  const bins = new Uint8Array(column.length);
  for (let row = 0; row < column.length; row++) bins[row] = binOf(edges, column[row]);
  return bins;
}

/** Number of a value's bin: 1 + the edges below it. */
function binOf(edges: BinEdges, value: number): number {
  if (Number.isNaN(value)) return MISSING_BIN;
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low + 1;
}

function sortedSample(column: Float32Array): Float32Array {
  const stride = Math.max(1, Math.ceil(column.length / QUANTILE_ROWS_MAX));
  const sample = stride === 1 ? column : column.filter((_, row) => row % stride === 0);
  return sample.filter((value) => !Number.isNaN(value)).sort();
}

function edgesOf(sorted: Float32Array): BinEdges {
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  // The largest value needs no edge: what is above the last edge is the last bin.
  if (distinct.length < BINS_MAX) return distinct.subarray(0, Math.max(0, distinct.length - 1));
  const edges = new Float32Array(BINS_MAX - 2);
  let count = 0;
  for (let k = 1; k <= edges.length; k++) {
    const value = sorted[Math.floor((k * sorted.length) / (edges.length + 1)) - 1];
    if (count === 0 || value > edges[count - 1]) edges[count++] = value;
  }
  if (edges[count - 1] === sorted[sorted.length - 1]) count--;
  return edges.subarray(0, count);
}
