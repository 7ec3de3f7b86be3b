import { between, holds, oneOf } from "./checks.ts";
import { defineTable } from "./table-spec.ts";

/** Lengths of the steps of a forecast: the column `step`. Weeks begin on Monday. */
export const FORECAST_STEPS = ["day", "week"] as const;
export type ForecastStep = (typeof FORECAST_STEPS)[number];

export const goldDemandForecasts = defineTable({
  namespace: "gold",
  name: "demand_forecasts",
  doc: "Units that are expected to be asked for, by product and warehouse, day by day and week by week. Each run adds its own rows; those of the newest `made_at` hold.",
  partitionByDayOf: "made_at",
  key: ["product_id", "warehouse_id", "step", "step_start", "made_at"],
  newestRunBy: "made_at",
  columns: [
    ["product_id", "string", "required", "The product."],
    ["warehouse_id", "string", "optional", "The warehouse; null: all of them together."],
    ["step", "string", "required", "day or week (from Monday)."],
    ["step_start", "timestamptz", "required", "Where the step begins, UTC."],
    ["mean", "double", "required", "Units expected."],
    ["lower_80", "double", "required", "Lower end of the 80 % interval."],
    ["upper_80", "double", "required", "Upper end of the 80 % interval."],
    ["lower_95", "double", "required", "Lower end of the 95 % interval."],
    ["upper_95", "double", "required", "Upper end of the 95 % interval."],
    ["model_version", "string", "required", "What made the forecast."],
    ["data_until", "timestamptz", "required", "End of the demand that it was made from, exclusive."],
    ["made_at", "timestamptz", "required", "When the run began: the same in all of its rows."],
  ],
  checks: [
    oneOf("step", FORECAST_STEPS),
    between("mean", 0),
    holds("intervals-nested", "lower_95 <= lower_80 AND lower_80 <= upper_80 AND upper_80 <= upper_95"),
  ],
});

export const goldForecastAccuracy = defineTable({
  namespace: "gold",
  name: "forecast_accuracy",
  doc: "Forecasts of demand beside what was asked for, once their step is over: all series together, by how much demand was known when they were made.",
  partitionByDayOf: "step_start",
  key: ["model_version", "step", "step_start", "data_until", "measured_at"],
  columns: [
    ["model_version", "string", "required", "What made the forecasts."],
    ["step", "string", "required", "day or week (from Monday)."],
    ["step_start", "timestamptz", "required", "Where the step begins, UTC."],
    ["data_until", "timestamptz", "required", "End of the demand that they were made from, exclusive."],
    ["forecasts", "long", "required", "Series that were forecast."],
    ["units", "double", "required", "Units asked for."],
    ["expected_units", "double", "required", "Units expected."],
    ["absolute_error", "double", "required", "Sum over the series of |expected − asked for|."],
    ["within_80", "long", "required", "Series whose 80 % interval holds what was asked for."],
    ["within_95", "long", "required", "Series whose 95 % interval does."],
    ["measured_until", "timestamptz", "required", "End of the demand that it was measured by, exclusive."],
    ["measured_at", "timestamptz", "required", "When the run that measured began."],
  ],
  checks: [
    oneOf("step", FORECAST_STEPS),
    between("absolute_error", 0),
    holds("counts-add-up", "0 <= within_80 AND within_80 <= within_95 AND within_95 <= forecasts"),
  ],
});
