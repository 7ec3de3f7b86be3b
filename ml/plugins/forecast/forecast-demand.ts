import type { ForecastStep } from "../../../schema/index.ts";
import { adjustForCalendar, type DemandCalendar } from "./demand-calendar.ts";
import { DAY_MS, type DemandKey, type LakeDemand, weekOf } from "./lake-demand.ts";
import { forecastPanel, type PanelForecast } from "./panel-forecast.ts";

export type DemandStep = ForecastStep;

/** Forecasts of all series by one length of steps; arrays by series, then step. */
export interface DemandForecasts {
  readonly step: DemandStep;
  readonly stepMs: number;
  readonly horizon: number;
  /** Where the first forecast step begins, ms. */
  readonly startMs: number;
  readonly keys: readonly DemandKey[];
  readonly mean: Float64Array;
  readonly lower80: Float64Array;
  readonly upper80: Float64Array;
  readonly lower95: Float64Array;
  readonly upper95: Float64Array;
}

export interface DemandForecastOptions {
  readonly horizonDays: number;
  readonly seed: number;
  /** Promotions and holidays; absent: none. */
  readonly calendar?: DemandCalendar;
  readonly onProgress?: (message: string) => void;
}

/** What made the forecasts, as rows and records name it. */
export const FORECAST_VERSION = "demand-median-1";

const WEEK_DAYS = 7;
/** Weeks of history without which days alone are forecast. */
const WEEKS_MIN = 2;

/**
 * Daily and weekly forecasts of the lake's demand. Days have a season of a week; weeks run from Monday,
 * and only those that are whole are learned from. Too short a history has no weekly forecast. With a
 * calendar, its days are forecast as ordinary ones, times what days of their name changed before.
 */
export function forecastLakeDemand(
  demand: LakeDemand,
  { horizonDays, seed, calendar, onProgress }: DemandForecastOptions,
): DemandForecasts[] {
  const adjusted = calendar === undefined ? null : adjustForCalendar(demand, calendar);
  const forecasts = forecastOrdinary(adjusted?.demand ?? demand, { horizonDays, seed, onProgress });
  if (adjusted === null) return forecasts;
  const places = new Map(demand.keys.map((key, s) => [key, s]));
  return forecasts.map((forecast) =>
    scaled(forecast, (key, day) => adjusted.factor(places.get(key) ?? -1, day)),
  );
}

/** What is expected, by the factors of the days of each step. */
function scaled(forecast: DemandForecasts, factor: (key: DemandKey, day: number) => number): DemandForecasts {
  const { keys, horizon, startMs, stepMs } = forecast;
  const days = stepMs / DAY_MS;
  const factors = new Float64Array(keys.length * horizon);
  keys.forEach((key, s) => {
    for (let h = 0; h < horizon; h++) {
      let sum = 0;
      for (let d = 0; d < days; d++) sum += factor(key, startMs / DAY_MS + h * days + d);
      factors[s * horizon + h] = sum / days;
    }
  });
  const times = (values: Float64Array): Float64Array => values.map((value, i) => value * factors[i]);
  return {
    ...forecast,
    mean: times(forecast.mean),
    lower80: times(forecast.lower80),
    upper80: times(forecast.upper80),
    lower95: times(forecast.lower95),
    upper95: times(forecast.upper95),
  };
}

function forecastOrdinary(
  demand: LakeDemand,
  {
    horizonDays,
    seed,
    onProgress,
  }: Pick<DemandForecastOptions, "horizonDays" | "seed"> & {
    readonly onProgress: DemandForecastOptions["onProgress"] | undefined;
  },
): DemandForecasts[] {
  const { keys, series, lastDay } = demand;
  onProgress?.(`forecasting ${series.length} series by day`);
  const byDay = {
    ...forecastSteps(series, { horizon: horizonDays, period: WEEK_DAYS, seed }),
    step: "day" as const,
    stepMs: DAY_MS,
    startMs: (lastDay + 1) * DAY_MS,
    keys,
  };
  const weekly = series.map((days) => wholeWeeks(days, lastDay));
  const long = keys.filter((_, s) => weekly[s].length > 0);
  if (weekly.every((weeks) => weeks.length < WEEKS_MIN)) return [byDay];
  onProgress?.(`forecasting ${long.length} series by week`);
  const horizon = Math.ceil(horizonDays / WEEK_DAYS);
  const byWeek = forecastSteps(
    weekly.filter(({ length }) => length > 0),
    { horizon, period: 1, seed },
  );
  // The week that is under way is the first that is forecast.
  const startMs = (WEEK_DAYS * weekOf(lastDay + 1) - 3) * DAY_MS;
  return [byDay, { ...byWeek, step: "week", stepMs: WEEK_DAYS * DAY_MS, startMs, keys: long }];
}

function forecastSteps(
  series: readonly Float64Array[],
  options: { readonly horizon: number; readonly period: number; readonly seed: number },
) {
  const { mean, intervals } = forecastPanel(series, { ...options, demand: true, membersOnly: true });
  return { horizon: options.horizon, mean, ...boundsOf(intervals) };
}

function boundsOf(intervals: PanelForecast["intervals"]) {
  const [inner, outer] = [0.8, 0.95].map((coverage) => {
    const interval = intervals.find((one) => one.coverage === coverage);
    if (interval === undefined) throw new Error(`forecasts have no interval of ${coverage}`);
    return interval;
  });
  return {
    lower80: inner.lower,
    upper80: inner.upper,
    lower95: outer.lower,
    upper95: outer.upper,
  };
}

/** Sums of the whole weeks from Monday; `days` ends with `lastDay`. */
function wholeWeeks(days: Float64Array, lastDay: number): Float64Array {
  const first = lastDay - days.length + 1;
  // The first week counts from the first demand on: a series begins with it.
  const from = weekOf(first);
  const weeks = new Float64Array(Math.max(0, weekOf(lastDay + 1) - from));
  for (let k = 0; k < days.length; k++) {
    const week = weekOf(first + k) - from;
    if (week < weeks.length) weeks[week] += days[k];
  }
  return weeks;
}
