import type { Dataset, Scorer } from "../plugin.ts";

/**
 * How a figure was distributed in training. The bins are: below `min`, up to each edge in turn
 * (`edges[i - 1] < x <= edges[i]`), above the last edge up to `max`, above `max`. So there are
 * `edges.length + 3` of them, and the outer two are empty in training.
 */
export interface ReferenceBins {
  readonly min: number;
  readonly max: number;
  /** Strictly ascending. */
  readonly edges: readonly number[];
  /** Share of the rows in each bin. */
  readonly shares: readonly number[];
}

/** What a model saw and said when it was trained: live traffic is held against it. */
export interface ModelReference {
  /** Scores of the validation rows. */
  readonly score: ReferenceBins;
  /** Values of the training rows, by feature. */
  readonly features: Readonly<Record<string, ReferenceBins>>;
}

/** Bins between the outer two, at most. */
const INNER_BINS_MAX = 10;
/** Most bins of one figure. */
export const REFERENCE_BINS_MAX = INNER_BINS_MAX + 2;

/**
 * Bins of equal shares as far as the values allow; a value that many rows share is one edge. Missing
 * values (NaN) are in the lowest bin of the range.
 */
export function referenceBins(values: Float64Array): ReferenceBins {
  // Infinite ones lie beyond the range, as some of live traffic do: a card has no number for them.
  const sorted = values.filter(Number.isFinite).sort();
  const min = sorted[0] ?? 0;
  const max = sorted[sorted.length - 1] ?? 0;
  const edges: number[] = [];
  for (let i = 1; i < INNER_BINS_MAX; i++) {
    const edge = sorted[Math.floor((i * sorted.length) / INNER_BINS_MAX)];
    if (edge < max && edge !== edges.at(-1)) edges.push(edge);
  }
  const counts = new Int32Array(edges.length + 3);
  const bins = { min, max, edges };
  for (const value of values) counts[binOf(bins, value)]++;
  return { ...bins, shares: Array.from(counts, (count) => count / values.length) };
}

/** Number of the bin that a value falls into. */
export function binOf({ min, max, edges }: Omit<ReferenceBins, "shares">, value: number): number {
  if (value < min) return 0;
  if (value > max) return edges.length + 2;
  let bin = 1;
  for (let i = 0; i < edges.length && value > edges[i]; i++) bin++;
  return bin;
}

/** Reference of a model: features as in training, scores as on the later rows of the validation. */
export function modelReference(
  scorer: Scorer,
  { train, validation }: { readonly train: Dataset; readonly validation: Dataset },
): ModelReference {
  const scores = new Float64Array(validation.rows);
  scorer.score(validation.vectors, validation.rows, scores);
  const width = train.featureNames.length;
  const column = new Float64Array(train.rows);
  const features = train.featureNames.map((name, j) => {
    for (let row = 0; row < train.rows; row++) column[row] = train.vectors[row * width + j];
    return [name, referenceBins(column)] as const;
  });
  return { score: referenceBins(scores), features: Object.fromEntries(features) };
}
