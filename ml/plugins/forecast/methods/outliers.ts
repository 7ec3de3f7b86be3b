/** Values either side of the middle one in the running median. */
const HALF_WINDOW = 5;
/** A normal distribution's standard deviation is this many median absolute deviations. */
const NORMAL_SCALE = 1.4826;

/** Seasons from which on a phase's own values tell what is usual in it: of two, neither is the odd one. */
const SEASONS_MIN = 3;

export interface ClipOptions {
  /** Deviations from the running median that stay: 3 is Hampel's, larger is milder. */
  readonly deviationsMax: number;
  /** Values a season: 7 for days, 1 for none. */
  readonly period: number;
}

/**
 * Hampel's filter (1974) against values that are no demand: what lies more than `deviationsMax`
 * robust deviations above the median of the values around it is cut down to that bound. With a season
 * it has to lie as far above the same phase of the seasons around, too, and is cut to the higher
 * bound: what comes back every Saturday is the season's peak. A value in the last place is cut as
 * well: a single order is no new level. Only upwards; copies.
 */
export function clipOutliers(values: Float64Array, { deviationsMax, period }: ClipOptions): Float64Array {
  const bounds = boundsOf(values, deviationsMax);
  // More than half the values on their running median: no spread to judge by.
  if (bounds === null) return Float64Array.from(values);
  for (let phase = 0; period > 1 && phase < period; phase++) {
    const own = values.filter((_, t) => t % period === phase);
    if (own.length < SEASONS_MIN) continue;
    const ownBounds = boundsOf(own, deviationsMax) ?? runningMedian(own);
    for (let i = 0; i < own.length; i++) {
      const t = i * period + phase;
      bounds[t] = Math.max(bounds[t], ownBounds[i]);
    }
  }
  return values.map((value, t) => Math.min(value, bounds[t]));
}

/** What a value may be at most beside those around it; null where they have no spread. */
function boundsOf(values: Float64Array, deviationsMax: number): Float64Array | null {
  const medians = runningMedian(values);
  const spread = NORMAL_SCALE * medianOf(values.map((value, t) => Math.abs(value - medians[t])));
  return spread > 0 ? medians.map((median) => median + deviationsMax * spread) : null;
}

function runningMedian(values: Float64Array): Float64Array {
  return values.map((_, t) => medianOf(values.subarray(Math.max(0, t - HALF_WINDOW), t + HALF_WINDOW + 1)));
}

/** Median of a copy; NaN of nothing. */
export function medianOf(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
