import { forecastGlobally } from "./global-model.ts";
import {
  forecastLocally,
  LOCAL_METHODS,
  type PreparedSeries,
  prepareSeries,
} from "./methods/local-methods.ts";
import { clipOutliers } from "./methods/outliers.ts";

/** Every forecaster that a combination may draw on, in the order of {@link Candidates.values}. */
export const CANDIDATES = [...LOCAL_METHODS, "global"] as const;

export type Candidate = (typeof CANDIDATES)[number];

/** Forecasts of all candidates for all series from one origin. */
export interface Candidates {
  /** By series, then candidate, then step: `(series · CANDIDATES.length + candidate) · horizon + step`. */
  readonly values: Float64Array;
  /** Whether there were rows enough for the global model; its forecasts are else the median method's. */
  readonly hasGlobal: boolean;
  /** Mean absolute change from step to step without season, by series; never 0. */
  readonly scales: Float64Array;
}

export interface CandidateOptions {
  readonly horizon: number;
  readonly period: number;
  readonly seed: number;
  /** Demand: never below 0, and single large orders are clipped. */
  readonly demand: boolean;
  /** Candidates that are asked for; of the others only the cheap ones are made. Absent: all. */
  readonly wanted?: ReadonlySet<string>;
}

/** Milder than Hampel's 3: sales are skewed, and what is cut is missing from the mean. */
const DEVIATIONS_MAX = 6;
/** Steps that a series' scale is taken of. */
const SCALE_WINDOW = 104;

export function makeCandidates(histories: readonly Float64Array[], options: CandidateOptions): Candidates {
  const { horizon, period, demand } = options;
  const width = CANDIDATES.length * horizon;
  const values = new Float64Array(histories.length * width);
  const panel = histories.map((history) =>
    prepareSeries(
      demand ? clipOutliers(history, { deviationsMax: DEVIATIONS_MAX, period }) : history,
      period,
    ),
  );
  panel.forEach((series, s) => {
    forecastLocally(series, horizon, values.subarray(s * width, (s + 1) * width), options.wanted);
  });
  const global = forecastGlobally(panel, options);
  const at = CANDIDATES.indexOf("global") * horizon;
  const standIn = CANDIDATES.indexOf("theta") * horizon;
  for (let s = 0; s < panel.length; s++) {
    const own = values.subarray(s * width, (s + 1) * width);
    own.set(
      global === null
        ? own.subarray(standIn, standIn + horizon)
        : global.subarray(s * horizon, (s + 1) * horizon),
      at,
    );
  }
  histories.forEach((history, s) => {
    if (!history.every((value) => value >= 0)) return;
    for (let i = s * width; i < (s + 1) * width; i++) values[i] = Math.max(0, values[i]);
  });
  return { values, hasGlobal: global !== null, scales: Float64Array.from(panel, scaleOf) };
}

function scaleOf({ adjusted }: PreparedSeries): number {
  const recent = adjusted.subarray(Math.max(0, adjusted.length - SCALE_WINDOW));
  let changes = 0;
  let size = 0;
  for (let t = 1; t < recent.length; t++) changes += Math.abs(recent[t] - recent[t - 1]);
  for (const value of recent) size += Math.abs(value);
  return changes / Math.max(1, recent.length - 1) || size / recent.length || 1;
}
