/**
 * What a report's plots are drawn from, as an evaluation hands it over beside its figures. The first
 * series is the model's, the others are what it is held against.
 */
export type Evidence = ScoreEvidence | ImportanceEvidence | HitEvidence | ResidualEvidence;

/** Probabilities of one outcome: ROC, precision and recall, and calibration are drawn from them. */
export interface ScoreEvidence {
  readonly kind: "scores";
  readonly title: string;
  /** 0 or 1, row by row. */
  readonly labels: Float64Array;
  readonly series: readonly { readonly name: string; readonly scores: Float64Array }[];
}

/** How much each feature moves the scores, in any unit; the largest are drawn. */
export interface ImportanceEvidence {
  readonly kind: "importance";
  readonly title: string;
  readonly unit: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Ranked lists: share of the cases whose target stands at or before each position. */
export interface HitEvidence {
  readonly kind: "hits";
  readonly title: string;
  /** `shares[i]` is the hit rate at `i + 1`. */
  readonly series: readonly { readonly name: string; readonly shares: readonly number[] }[];
}

/** Forecasts beside what came. */
export interface ResidualEvidence {
  readonly kind: "residuals";
  readonly title: string;
  readonly actual: Float64Array;
  readonly series: readonly { readonly name: string; readonly forecast: Float64Array }[];
}
