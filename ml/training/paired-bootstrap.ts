import type { PrimaryMetric } from "../plugin.ts";
import { createRandom } from "./random.ts";
import type { WeightedFigure } from "./weighted-figures.ts";

const RESAMPLES = 1000;
/** Share of the resamples in which the difference is below the bound. */
const TAIL = 0.05;

export interface PairedFigures {
  readonly own: WeightedFigure;
  readonly other: WeightedFigure;
  readonly better: PrimaryMetric["better"];
  /** Of each row: rows of a session stand or fall together, so that whole groups are drawn. */
  readonly groups: Int32Array;
  readonly seed: number;
}

/**
 * How much better `own` is than `other` on the same rows at the least: one-sided 95 % bound of the
 * difference, positive where it is better, by the paired percentile bootstrap over groups (Efron and
 * Tibshirani, An Introduction to the Bootstrap, 1993, 13.3). Of two models that are equally good one in
 * twenty has a bound above 0. Null where a twentieth of the resamples or more have no figure.
 */
export function advantageMin({ own, other, better, groups, seed }: PairedFigures): number | null {
  const random = createRandom(seed);
  const { numbers, count } = numbered(groups);
  const drawn = new Int32Array(count);
  const counts = new Float64Array(groups.length);
  const differences = Float64Array.from({ length: RESAMPLES }, () => {
    drawn.fill(0);
    for (let i = 0; i < count; i++) drawn[Math.floor(random() * count)]++;
    for (let row = 0; row < counts.length; row++) counts[row] = drawn[numbers[row]];
    const difference = better === "higher" ? own(counts) - other(counts) : other(counts) - own(counts);
    return Number.isNaN(difference) ? Number.NEGATIVE_INFINITY : difference;
  });
  const bound = differences.sort()[Math.floor(TAIL * RESAMPLES)];
  return Number.isFinite(bound) ? bound : null;
}

/** Groups as the numbers from 0 on. */
function numbered(groups: Int32Array): { readonly numbers: Int32Array; readonly count: number } {
  const known = new Map<number, number>();
  const numbers = groups.map((group) => {
    const number = known.get(group) ?? known.size;
    known.set(group, number);
    return number;
  });
  return { numbers, count: known.size };
}
