/** Reflection, expansion, contraction and shrinkage of Nelder and Mead (1965). */
const EXPANSION = 2;
const CONTRACTION = 0.5;
const SHRINKAGE = 0.5;

export interface NelderMeadOptions {
  /** First edge of the simplex along each parameter; not zero. */
  readonly steps: readonly number[];
  readonly evaluationsMax: number;
  /** Ends where best and worst corner differ by no more than this share of the best. */
  readonly tolerance: number;
}

/**
 * Minimises `cost` from `start` by the simplex of Nelder and Mead, "A simplex method for function
 * minimization" (1965); returns the best point found, and never fails. Bounds are the caller's: it
 * clamps inside `cost`, or answers Infinity.
 */
export function nelderMead(
  cost: (point: Float64Array) => number,
  start: ArrayLike<number>,
  { steps, evaluationsMax, tolerance }: NelderMeadOptions,
): Float64Array {
  const size = start.length;
  const corners = Array.from({ length: size + 1 }, (_, i) => {
    const corner = Float64Array.from(start);
    if (i > 0) corner[i - 1] += steps[i - 1];
    return corner;
  });
  const costs = corners.map(cost);
  let evaluations = size + 1;
  const center = new Float64Array(size);
  let trial = new Float64Array(size);
  let second = new Float64Array(size);
  const towards = (out: Float64Array, from: Float64Array, factor: number): number => {
    for (let j = 0; j < size; j++) out[j] = center[j] + factor * (from[j] - center[j]);
    evaluations++;
    return cost(out);
  };

  while (evaluations < evaluationsMax) {
    let best = 0;
    let worst = 0;
    let next = -1;
    for (let i = 1; i <= size; i++) {
      if (costs[i] < costs[best]) best = i;
      if (costs[i] >= costs[worst]) worst = i;
    }
    for (let i = 0; i <= size; i++) {
      if (i !== worst && (next < 0 || costs[i] > costs[next])) next = i;
    }
    if (costs[worst] - costs[best] <= tolerance * Math.abs(costs[best])) break;

    center.fill(0);
    for (let i = 0; i <= size; i++) {
      if (i === worst) continue;
      for (let j = 0; j < size; j++) center[j] += corners[i][j] / size;
    }
    let trialCost = towards(trial, corners[worst], -1);
    if (trialCost < costs[best]) {
      const secondCost = towards(second, corners[worst], -EXPANSION);
      if (secondCost < trialCost) {
        [trial, second] = [second, trial];
        trialCost = secondCost;
      }
    } else if (!(trialCost < costs[next])) {
      const outside = trialCost < costs[worst];
      const secondCost = towards(second, outside ? trial : corners[worst], CONTRACTION);
      if (secondCost < (outside ? trialCost : costs[worst])) {
        [trial, second] = [second, trial];
        trialCost = secondCost;
      } else {
        for (let i = 0; i <= size; i++) {
          if (i === best) continue;
          for (let j = 0; j < size; j++) {
            corners[i][j] = corners[best][j] + SHRINKAGE * (corners[i][j] - corners[best][j]);
          }
          costs[i] = cost(corners[i]);
          evaluations++;
        }
        continue;
      }
    }
    const kept = corners[worst];
    corners[worst] = trial;
    costs[worst] = trialCost;
    trial = kept;
  }
  return corners[costs.indexOf(Math.min(...costs))];
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
