import { defineTable } from "./table-spec.ts";

export const goldDemandForecasts = defineTable({
  namespace: "gold",
  name: "demand_forecasts",
  doc: "Units that are expected to be asked for, by product and warehouse, day by day and week by week. Each run adds its own rows; those of the newest `made_at` hold.",
  partitionByDayOf: "made_at",
  key: ["product_id", "warehouse_id", "step", "step_start", "made_at"],
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
});
