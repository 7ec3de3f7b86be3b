/** Values either side of the middle one in the running median. */
const HALF_WINDOW = 5;
/** A normal distribution's standard deviation is this many median absolute deviations. */
const NORMAL_SCALE = 1.4826;

export interface ClipOptions {
  /** Deviations from the running median that stay: 3 is Hampel's, larger is milder. */
  readonly deviationsMax: number;
}

/**
 * Hampel's filter (1974) against values that are no demand: what lies more than `deviationsMax`
 * robust deviations above the median of the whole is cut down to that bound. A value in the last
 * place is cut as well: a single order is no new level. Only upwards; copies.
 */
export function clipOutliers(values: Float64Array, { deviationsMax }: ClipOptions): Float64Array {
  const bounds = new Float64Array(values.length);
  const deviations = new Float64Array(values.length);
  for (let t = 0; t < values.length; t++) {
    bounds[t] = medianOf(values.subarray(Math.max(0, t - HALF_WINDOW), t + HALF_WINDOW + 1));
    deviations[t] = Math.abs(values[t] - bounds[t]);
  }
  const spread = NORMAL_SCALE * medianOf(deviations);
  // More than half the values on their running median: no spread to judge by.
  if (!(spread > 0)) return Float64Array.from(values);
  return values.map((value, t) => Math.min(value, bounds[t] + deviationsMax * spread));
}

/** Median of a copy; NaN of nothing. */
export function medianOf(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
