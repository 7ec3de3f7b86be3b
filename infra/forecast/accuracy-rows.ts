import type { StepAccuracy } from "../../ml/plugins/forecast/index.ts";
import { goldForecastAccuracy, RowBuffer, recordAppender } from "../../schema/index.ts";
import { TableSink } from "../../stream/index.ts";

export interface AccuracySinkOptions {
  readonly taskId: string;
  readonly nonce: string;
  readonly fileBytesMax: number;
}

/** The rows of `gold.forecast_accuracy`, in a sink of their own. Times are ms. */
export function accuracySink(
  steps: readonly StepAccuracy[],
  measured: { readonly until: number; readonly at: number },
  options: AccuracySinkOptions,
): TableSink {
  const sink = new TableSink(goldForecastAccuracy, options);
  const rows = new RowBuffer(goldForecastAccuracy, (columns, length) => sink.append(columns, 0, length));
  const append = recordAppender(rows);
  for (const step of steps) {
    append({
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
    });
  }
  rows.flush();
  return sink;
}
