import type { MlPlugin } from "../../plugin.ts";
import { forecastEvaluation } from "./evaluate-forecast.ts";

export * from "./demand-calendar.ts";
export * from "./forecast-demand.ts";
export * from "./lake-demand.ts";
export * from "./live-accuracy.ts";
export * from "./panel-forecast.ts";

/** How much of each product will be asked for? Forecasts many series together, with intervals. */
export const forecast: MlPlugin = {
  name: "forecast",
  doc: "Coming values of many time series: exponential smoothing, theta, ARIMA, intermittent methods and boosted trees, combined by back-tests.",
  evaluation: forecastEvaluation,
};
