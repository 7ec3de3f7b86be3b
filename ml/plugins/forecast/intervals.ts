/** Coverages of the intervals that every forecast has. */
export const COVERAGES = [0.8, 0.95] as const;

export interface Interval {
  readonly coverage: number;
  /** By series, then step. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Errors of back-tests in units of each series' scale, by step. */
export interface ScaledErrors {
  /** One list a step ahead. */
  readonly byStep: readonly (readonly number[])[];
}

/** Fewer errors than this at a step have no tail to take a quantile of: neighbouring steps help out. */
const ERRORS_MIN = 80;
/** Errors of a handful, all of one sign, still leave this much room on the other side, in scales. */
const ROOM_MIN = 0.05;

/**
 * Split-conformal intervals (Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, 2018): the forecast and
 * the quantiles of the back-tests' signed errors at the same step, in units of each series' scale.
 * `floor` bounds them below; null: nothing does. Without back-tests, as for a normal random walk.
 */
export function makeIntervals(
  mean: Float64Array,
  scales: Float64Array,
  errors: ScaledErrors,
  floor: number | null,
): Interval[] {
  const horizon = errors.byStep.length;
  const pools = errors.byStep.map((_, h) => poolOf(errors, h));
  return COVERAGES.map((coverage) => {
    const tails = pools.map((pool, h) => tailsOf(pool, coverage, h));
    const lower = mean.map((value, i) => {
      const bound = value + tails[i % horizon][0] * scales[Math.floor(i / horizon)];
      return floor === null ? bound : Math.max(floor, bound);
    });
    const upper = mean.map((value, i) =>
      Math.max(lower[i], value + tails[i % horizon][1] * scales[Math.floor(i / horizon)]),
    );
    return { coverage, lower, upper };
  });
}

/** Errors at step `h`, with those of the steps around it where they are few. */
function poolOf({ byStep }: ScaledErrors, h: number): Float64Array {
  const pool = [...byStep[h]];
  for (let reach = 1; pool.length < ERRORS_MIN && reach < byStep.length; reach++) {
    pool.push(...(byStep[h - reach] ?? []), ...(byStep[h + reach] ?? []));
  }
  return Float64Array.from(pool).sort();
}

function tailsOf(sorted: Float64Array, coverage: number, h: number): readonly [number, number] {
  const tail = (1 - coverage) / 2;
  if (sorted.length * tail < 1) {
    const reach = Math.sqrt(h + 1) * (coverage < 0.9 ? 1.2816 : 1.96);
    const widest = Math.max(reach, -(sorted[0] ?? 0), sorted[sorted.length - 1] ?? 0);
    return [-widest, widest];
  }
  // The ranks of split conformal prediction: one more than the share, so that coverage is not short.
  const rank = Math.max(1, Math.floor((sorted.length + 1) * tail));
  return [Math.min(-ROOM_MIN, sorted[rank - 1]), Math.max(ROOM_MIN, sorted[sorted.length - rank])];
}
