import { ARIMA_PERIOD_MAX, autoArima } from "./arima.ts";
import { autoEts, ETS_PERIOD_MAX, fitEts, forecastEts } from "./ets.ts";
import { autoTsb, sba, zeroShare } from "./intermittent.ts";
import { medianOf } from "./outliers.ts";
import { addSeason, findSeasonality, removeSeason, type Seasonality } from "./seasonality.ts";
import { forecastTheta } from "./theta.ts";

/** The methods that see one series alone, in the order of their forecasts. */
export const LOCAL_METHODS = [
  "naive",
  "seasonalNaive",
  "windowMean",
  "windowMedian",
  "ses",
  "dampedHolt",
  "ets",
  "theta",
  "dynamicTheta",
  "arima",
  "sba",
  "tsb",
] as const;

export type LocalMethod = (typeof LOCAL_METHODS)[number];

/** One series as the methods want it: its season is looked for once. */
export interface PreparedSeries {
  readonly values: Float64Array;
  /** Values a season as it was given; 1: none. */
  readonly period: number;
  readonly seasonality: Seasonality;
  readonly adjusted: Float64Array;
}

/** Steps that the moving mean and median look back, as in the weekly benchmark. */
const WINDOW = 8;
/** Values that a smoothed trend needs; fewer are forecast flat. */
const TREND_VALUES_MIN = 8;
/** Smoothing constant of Croston's method, as Syntetos and Boylan advise. */
const SBA_ALPHA = 0.1;
/** Older values move no smoothed state, and would only cost time; a season is judged by some more. */
const HISTORY_MAX = 400;
const SEASONS_MAX = 4;

export function prepareSeries(values: Float64Array, period: number): PreparedSeries {
  const recent = values.subarray(Math.max(0, values.length - Math.max(HISTORY_MAX, SEASONS_MAX * period)));
  const seasonality = findSeasonality(recent, period);
  return { values: recent, period, seasonality, adjusted: removeSeason(recent, seasonality) };
}

/**
 * Forecasts one series by every local method, `horizon` values each, one method after the other, into
 * `out`. A method that the values are too few for answers as the simpler one before it does; of those
 * that take time, one that is not `wanted` as simple exponential smoothing does.
 */
export function forecastLocally(
  series: PreparedSeries,
  horizon: number,
  out: Float64Array,
  wanted: ReadonlySet<string> = new Set(LOCAL_METHODS),
): void {
  const { values, adjusted, seasonality } = series;
  const start = values.length;
  const write = (method: LocalMethod, forecast: Float64Array): void => {
    out.set(forecast, LOCAL_METHODS.indexOf(method) * horizon);
  };
  const flat = (value: number): Float64Array => new Float64Array(horizon).fill(value);
  const seasonal = (forecast: Float64Array): Float64Array => addSeason(forecast, start, seasonality);

  write("naive", flat(values[start - 1]));
  write("seasonalNaive", seasonalNaive(values, series.period, horizon));
  const window = adjusted.subarray(Math.max(0, start - WINDOW));
  const mean = window.reduce((total, value) => total + value, 0) / window.length;
  write("windowMean", seasonal(flat(mean)));
  write("windowMedian", seasonal(flat(medianOf(window))));

  const plain: Seasonality = { kind: "none", indices: new Float64Array(), strength: 0 };
  const ses = fitEts(adjusted, { error: "A", trend: "N", season: "N" }, plain);
  const level = ses === null ? mean : ses.level;
  const long = start >= TREND_VALUES_MIN;
  const damped =
    long && wanted.has("dampedHolt")
      ? fitEts(adjusted, { error: "A", trend: "Ad", season: "N" }, plain)
      : null;
  const dampedForecast = damped === null ? flat(level) : forecastEts(damped, horizon);
  write("ses", seasonal(flat(level)));
  write("dampedHolt", seasonal(Float64Array.from(dampedForecast)));

  const etsDirect = seasonality.indices.length <= ETS_PERIOD_MAX;
  const ets =
    long && wanted.has("ets")
      ? autoEts(etsDirect ? values : adjusted, etsDirect ? seasonality : plain)
      : null;
  if (ets === null) write("ets", seasonal(flat(level)));
  else write("ets", etsDirect ? forecastEts(ets, horizon) : seasonal(forecastEts(ets, horizon)));

  const theta = (dynamic: boolean): Float64Array =>
    long && wanted.has(dynamic ? "dynamicTheta" : "theta")
      ? seasonal(forecastTheta(adjusted, horizon, { dynamic, optimised: dynamic }))
      : seasonal(flat(level));
  write("theta", theta(false));
  write("dynamicTheta", theta(true));

  const arimaDirect = seasonality.indices.length <= ARIMA_PERIOD_MAX;
  const arima =
    long && wanted.has("arima")
      ? autoArima(arimaDirect ? values : adjusted, horizon, arimaDirect ? seasonality : plain)
      : null;
  if (arima === null) write("arima", seasonal(flat(level)));
  else write("arima", arimaDirect ? arima.mean : seasonal(arima.mean));

  const intermittent = zeroShare(values) > 0;
  write("sba", seasonal(flat(intermittent ? sba(values, SBA_ALPHA) : level)));
  write("tsb", seasonal(flat(intermittent ? autoTsb(values) : level)));
}

function seasonalNaive(values: Float64Array, period: number, horizon: number): Float64Array {
  const step = values.length >= period ? period : 1;
  return Float64Array.from({ length: horizon }, (_, h) => values[values.length - step + (h % step)]);
}
