import { MillraceError } from "../../../schema/index.ts";
import { CANDIDATES, type Candidate, type CandidateOptions, makeCandidates } from "./candidates.ts";
import {
  type BackTest,
  DEMAND_MEDIAN,
  fitCombination,
  medianForecast,
  weightedForecast,
} from "./combination.ts";
import { type Interval, makeIntervals } from "./intervals.ts";

export interface PanelOptions {
  /** Steps to forecast. */
  readonly horizon: number;
  /** Steps a season: 12 for months, 7 for days, 1 for none. */
  readonly period: number;
  readonly seed: number;
  /** Whether the values are demand; absent: they are where none is below 0 and some are 0. */
  readonly demand?: boolean;
  /**
   * For demand, make only the candidates that its combination takes: a fraction of the time, the same
   * forecasts. {@link PanelForecast.candidate} and the weights are then those of stand-ins.
   */
  readonly membersOnly?: boolean;
}

export type Combined = "weighted" | "median";

/** Forecasts of all series; arrays by series, then step. */
export interface PanelForecast {
  readonly mean: Float64Array;
  readonly intervals: readonly Interval[];
  /** Which combination `mean` is: the median for demand, else the better one in the back-tests. */
  readonly chosen: Combined;
  readonly demand: boolean;
  /** What demand forecasts were multiplied by against their bias in the back-tests; 1 for others. */
  readonly levelFactor: number;
  /** By candidate, the same for all series: what each series' own weights are shrunk towards. */
  readonly globalWeights: Readonly<Record<Candidate, number>>;
  /** Origins that the combination and the intervals were learned at. */
  readonly backTests: number;
  /** Forecasts of one candidate alone, for comparison. */
  candidate(name: Candidate): Float64Array;
}

/** Values that a series keeps before the origin of a back-test. */
const HISTORY_MIN = 10;
const BACK_TESTS_MAX = 12;
/** Values of all series times back-tests: bounds the time, whatever the panel. */
const BACK_TEST_VALUES_MAX = 150_000;
/** A bias of this share is left: correcting it, too, would chase the last weeks' swing. */
const BIAS_MAX = 0.08;
const LEVEL_FACTOR_MAX = 1.25;

/**
 * Forecasts every series by all candidates and combines them as did best in rolling-origin
 * back-tests on the last values of the series themselves. A series needs one value; those too short
 * for a back-test share what the others taught. Throws code `dataset-unusable` where a series is
 * empty or has a value that is no number.
 */
export function forecastPanel(series: readonly Float64Array[], options: PanelOptions): PanelForecast {
  requireNumbers(series);
  const { horizon } = options;
  const demand = options.demand ?? looksLikeDemand(series);
  const own: CandidateOptions = {
    ...options,
    demand,
    ...(demand && options.membersOnly === true && { wanted: new Set<string>(DEMAND_MEDIAN) }),
  };
  const backTests = backTestPanel(series, own);
  const combination = fitCombination(backTests, { seriesCount: series.length, horizon, demand });
  const [weighted, median] = [
    judge(
      "weighted",
      backTests.map((test) => weightedForecast(test.candidates, combination, test.series, horizon)),
      backTests,
      own,
    ),
    judge(
      "median",
      backTests.map(({ candidates }) => medianForecast(candidates, horizon, demand)),
      backTests,
      own,
    ),
  ];
  // Weights fitted to erratic demand look better in the back-tests than they are afterwards.
  const { kind: chosen, levelFactor, byStep } = demand || median.loss < weighted.loss ? median : weighted;

  const candidates = makeCandidates(series, own);
  const everySeries = Int32Array.from(series.keys());
  const mean = (
    chosen === "median"
      ? medianForecast(candidates, horizon, demand)
      : weightedForecast(candidates, combination, everySeries, horizon)
  ).map((value) => value * levelFactor);
  return {
    mean,
    intervals: makeIntervals(mean, candidates.scales, { byStep }, demand ? 0 : null),
    chosen,
    demand,
    levelFactor,
    globalWeights: Object.fromEntries(
      CANDIDATES.map((name, m) => [name, combination.globalWeights[m]]),
    ) as Record<Candidate, number>,
    backTests: backTests.length,
    candidate(name) {
      const m = CANDIDATES.indexOf(name);
      return mean.map((_, i) => {
        const row = Math.floor(i / horizon);
        return candidates.values[(row * CANDIDATES.length + m) * horizon + (i % horizon)];
      });
    },
  };
}

/** Candidates from earlier origins; the latest origin's `horizon` values are the last. */
function backTestPanel(series: readonly Float64Array[], options: CandidateOptions): BackTest[] {
  const { horizon } = options;
  const values = series.reduce((total, { length }) => total + length, 0);
  const origins = Math.max(1, Math.min(BACK_TESTS_MAX, Math.floor(BACK_TEST_VALUES_MAX / values)));
  const stride = Math.max(1, Math.floor(horizon / 4));
  // Of a large panel every n-th series tells enough of the others.
  const every = Math.max(1, Math.ceil(values / BACK_TEST_VALUES_MAX));
  const tests: BackTest[] = [];
  for (let k = 0; k < origins; k++) {
    const cut = horizon + k * stride;
    const long = Int32Array.from(series.keys()).filter(
      (s) => s % every === 0 && series[s].length - cut >= HISTORY_MIN,
    );
    if (long.length === 0) break;
    const actuals = new Float64Array(long.length * horizon);
    const histories = Array.from(long, (s, row) => {
      const origin = series[s].length - cut;
      actuals.set(series[s].subarray(origin, origin + horizon), row * horizon);
      return series[s].subarray(0, origin);
    });
    tests.push({ candidates: makeCandidates(histories, options), series: long, actuals });
  }
  return tests;
}

interface Judged {
  readonly kind: Combined;
  readonly levelFactor: number;
  /** Errors in scales of each series, by step. */
  readonly byStep: readonly number[][];
  /** Sum of absolute errors: of demand in units, so that what sells counts; else in scales. */
  readonly loss: number;
}

/** What one combination, its level corrected, would have erred; `forecasts` has an array a back-test. */
function judge(
  kind: Combined,
  forecasts: readonly Float64Array[],
  backTests: readonly BackTest[],
  { horizon, demand }: CandidateOptions,
): Judged {
  const levelFactor = demand ? levelFactorOf(forecasts, backTests) : 1;
  const byStep = Array.from({ length: horizon }, (): number[] => []);
  let loss = 0;
  backTests.forEach(({ candidates, actuals }, k) => {
    actuals.forEach((actual, i) => {
      const scale = candidates.scales[Math.floor(i / horizon)];
      const error = actual - levelFactor * forecasts[k][i];
      byStep[i % horizon].push(error / scale);
      loss += Math.abs(demand ? error : error / scale);
    });
  });
  return { kind, levelFactor, byStep, loss };
}

function levelFactorOf(forecasts: readonly Float64Array[], backTests: readonly BackTest[]): number {
  let forecast = 0;
  let actual = 0;
  backTests.forEach(({ actuals }, k) => {
    for (let i = 0; i < actuals.length; i++) {
      forecast += forecasts[k][i];
      actual += actuals[i];
    }
  });
  if (!(forecast > 0) || !(actual > 0)) return 1;
  const share = forecast / actual;
  const wanted = Math.min(1 + BIAS_MAX, Math.max(1 - BIAS_MAX, share));
  return Math.min(LEVEL_FACTOR_MAX, Math.max(1 / LEVEL_FACTOR_MAX, wanted / share));
}

function looksLikeDemand(series: readonly Float64Array[]): boolean {
  return series.every((one) => one.every((value) => value >= 0)) && series.some((one) => one.includes(0));
}

function requireNumbers(series: readonly Float64Array[]): void {
  series.forEach((values, s) => {
    if (values.length > 0 && values.every(Number.isFinite)) return;
    throw new MillraceError(
      `series ${s} cannot be forecast: it ${values.length === 0 ? "is empty" : "has a value that is no number"}`,
      { code: "dataset-unusable", origin: "user" },
    );
  });
}
