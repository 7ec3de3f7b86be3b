import type { StepAccuracy } from "../../ml/plugins/forecast/index.ts";
import { goldForecastAccuracy, RowBuffer } from "../../schema/index.ts";
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
  for (const step of steps) {
    const r = rows.next();
    rows.setText(rows.text("model_version"), r, step.modelVersion);
    rows.setText(rows.text("step"), r, step.step);
    const figures = {
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
    };
    for (const [name, value] of Object.entries(figures)) rows.float64(name).values[r] = value;
  }
  rows.flush();
  return sink;
}
