import { CANDIDATES, type Candidate, type Candidates } from "./candidates.ts";
import { medianOf } from "./methods/outliers.ts";

/** What a combination is learned from: candidates of one earlier origin and what then came. */
export interface BackTest {
  readonly candidates: Candidates;
  /** Number of each back-tested series in the whole panel; others were too short at that origin. */
  readonly series: Int32Array;
  /** By back-tested series, then step. */
  readonly actuals: Float64Array;
}

export interface Combination {
  /** By series, then candidate; those of a series add up to 1. */
  readonly weights: Float64Array;
  /** The weights that those of the series are shrunk towards. */
  readonly globalWeights: Float64Array;
}

/** Equal weights of the published best simple combination (Petropoulos and Svetunkov, 2020), and the global model. */
const PRIOR: Partial<Record<Candidate, number>> = {
  dampedHolt: 1,
  ets: 2,
  theta: 1,
  dynamicTheta: 2,
  arima: 2,
  global: 2,
};
const DEMAND_PRIOR: Partial<Record<Candidate, number>> = {
  windowMean: 1,
  windowMedian: 2,
  ses: 1,
  theta: 1,
  tsb: 1,
  global: 3,
};
/** Members of the median: of different kinds, so that no two err alike. */
const MEDIAN: readonly Candidate[] = ["ets", "dynamicTheta", "arima", "dampedHolt", "global"];
export const DEMAND_MEDIAN: readonly Candidate[] = ["windowMedian", "ses", "theta", "tsb", "global"];

/** Few and small steps: the weights stay near the prior unless the back-tests are clear. */
const STEPS = 60;
const STEP_SIZE = 0.15;
const SAMPLES_MAX = 40_000;
/** Steps of back-tests after which a series' own weights count as much as the global ones. */
const OWN_STEPS_HALF = 60;
/** How strongly a series turns from a candidate that erred more than the best. */
const SHARPNESS = 3;

/**
 * Weights by exponentiated gradient on the absolute error of the weighted mean, in units of each
 * series' scale (Kivinen and Warmuth, 1997), first over all series, then for each series shrunk
 * towards these by the number of its own back-tested steps.
 */
export function fitCombination(
  backTests: readonly BackTest[],
  { seriesCount, horizon, demand }: { seriesCount: number; horizon: number; demand: boolean },
): Combination {
  const count = CANDIDATES.length;
  const prior = priorWeights(
    demand,
    backTests.every(({ candidates }) => candidates.hasGlobal),
  );
  const globalWeights = descend(backTests, prior, horizon);
  const errors = new Float64Array(seriesCount * count);
  const steps = new Float64Array(seriesCount);
  for (const { candidates, series, actuals } of backTests) {
    series.forEach((s, row) => {
      for (let m = 0; m < count; m++) {
        for (let h = 0; h < horizon; h++) {
          const forecast = candidates.values[(row * count + m) * horizon + h];
          errors[s * count + m] += Math.abs(forecast - actuals[row * horizon + h]);
        }
      }
      steps[s] += horizon;
    });
  }
  const weights = new Float64Array(seriesCount * count);
  for (let s = 0; s < seriesCount; s++) {
    const own = errors.subarray(s * count, (s + 1) * count);
    const typical = medianOf(own) || 1;
    let total = 0;
    for (let m = 0; m < count; m++) {
      const weight = globalWeights[m] * Math.exp((-SHARPNESS * own[m]) / typical);
      weights[s * count + m] = weight;
      total += weight;
    }
    const trust = total > 0 ? steps[s] / (steps[s] + OWN_STEPS_HALF) : 0;
    for (let m = 0; m < count; m++) {
      const at = s * count + m;
      weights[at] = trust * (weights[at] / (total || 1)) + (1 - trust) * globalWeights[m];
    }
  }
  return { weights, globalWeights };
}

/** Weighted means, by row of `candidates`, then step; `series` says whose weights each row has. */
export function weightedForecast(
  { values }: Candidates,
  { weights }: Combination,
  series: Int32Array,
  horizon: number,
): Float64Array {
  const count = CANDIDATES.length;
  const out = new Float64Array(series.length * horizon);
  series.forEach((s, row) => {
    for (let m = 0; m < count; m++) {
      const weight = weights[s * count + m];
      for (let h = 0; h < horizon; h++)
        out[row * horizon + h] += weight * values[(row * count + m) * horizon + h];
    }
  });
  return out;
}

/** Medians over members of different kinds, by row of `candidates`, then step. */
export function medianForecast({ values }: Candidates, horizon: number, demand: boolean): Float64Array {
  const count = CANDIDATES.length;
  const members = (demand ? DEMAND_MEDIAN : MEDIAN).map((member) => CANDIDATES.indexOf(member));
  const rows = values.length / (count * horizon);
  const out = new Float64Array(rows * horizon);
  const picked = new Float64Array(members.length);
  for (let row = 0; row < rows; row++) {
    for (let h = 0; h < horizon; h++) {
      members.forEach((m, i) => {
        picked[i] = values[(row * count + m) * horizon + h];
      });
      out[row * horizon + h] = medianOf(picked);
    }
  }
  return out;
}

function priorWeights(demand: boolean, hasGlobal: boolean): Float64Array {
  const prior = demand ? DEMAND_PRIOR : PRIOR;
  const weights = Float64Array.from(CANDIDATES, (name) =>
    name === "global" && !hasGlobal ? 0 : (prior[name] ?? 0),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function descend(backTests: readonly BackTest[], prior: Float64Array, horizon: number): Float64Array {
  const count = CANDIDATES.length;
  const samples = backTests.reduce((total, { actuals }) => total + actuals.length, 0);
  const stride = Math.max(1, Math.ceil(samples / SAMPLES_MAX));
  const weights = Float64Array.from(prior);
  const gradient = new Float64Array(count);
  for (let step = 0; step < STEPS; step++) {
    gradient.fill(0);
    let used = 0;
    for (const { candidates, actuals } of backTests) {
      const { values, scales } = candidates;
      for (let i = 0; i < actuals.length; i += stride) {
        const row = Math.floor(i / horizon);
        const base = row * count * horizon + (i % horizon);
        let mean = 0;
        for (let m = 0; m < count; m++) mean += weights[m] * values[base + m * horizon];
        const sign = Math.sign(mean - actuals[i]) / scales[row];
        for (let m = 0; m < count; m++) gradient[m] += sign * (values[base + m * horizon] - mean);
        used++;
      }
    }
    let total = 0;
    for (let m = 0; m < count; m++) {
      weights[m] *= Math.exp((-STEP_SIZE * gradient[m]) / Math.max(1, used));
      total += weights[m];
    }
    for (let m = 0; m < count; m++) weights[m] /= total;
  }
  return weights;
}
