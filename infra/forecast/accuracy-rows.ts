import type { StepAccuracy } from "../../ml/plugins/forecast/index.ts";
import { goldForecastAccuracy } from "../../schema/index.ts";
import { sinkOfRecords, type TableSink, type TableSinkOptions } from "../../stream/index.ts";

/** The rows of `gold.forecast_accuracy`, in a sink of their own. Times are ms. */
export function accuracySink(
  steps: readonly StepAccuracy[],
  measured: { readonly until: number; readonly at: number },
  options: TableSinkOptions,
): TableSink {
  const records = steps.map((step) => ({
    model_version: step.modelVersion,
    step: step.step,
    step_start: step.stepStart,
    data_until: step.dataUntil,
    forecasts: step.forecasts,
    units: step.units,
    expected_units: step.expected,
    absolute_error: step.absoluteError,
    within_80: step.within80,
    within_95: step.within95,
    measured_until: measured.until,
    measured_at: measured.at,
  }));
  return sinkOfRecords(goldForecastAccuracy, records, options);
}
