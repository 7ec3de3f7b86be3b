import type { Config } from "../config/index.ts";
import type { ForecastLakeOptions } from "./forecast-lake.ts";

/** Forecasts outlive a run that is missed. */
const LIFE_INTERVALS = 2;

/** The settings of one run. */
export function forecastOptions(config: Config): Omit<ForecastLakeOptions, "seed" | "onProgress"> {
  return {
    horizonDays: config.forecastHorizonDays,
    historyDays: config.forecastHistoryDays,
    seriesMax: config.forecastSeriesMax,
    calendarFile: config.forecastCalendar === "" ? null : config.forecastCalendar,
    hotTtlMs: Math.max(config.hotTtlMs, LIFE_INTERVALS * config.forecastIntervalMs),
    fileBytesMax: config.fileBytesMax,
  };
}
