import type { QueryEngine } from "../../lakehouse/index.ts";
import { type LiveAccuracy, type LiveForecasts, openInputFile } from "../../ml/index.ts";
import {
  DAY_MS,
  type DemandForecasts,
  FORECAST_VERSION,
  forecastLakeDemand,
  liveAccuracy,
  measureForecasts,
  readCalendar,
  readLakeDemand,
} from "../../ml/plugins/forecast/index.ts";
import { goldDemandForecasts, RowBuffer } from "../../schema/index.ts";
import {
  type Alert,
  type AlertBus,
  HotBatchWriter,
  HotNamespace,
  type HotStore,
  TableSink,
} from "../../stream/index.ts";
import { type PublishDeps, publishSinks } from "../platform/publish-sinks.ts";
import { accuracySink } from "./accuracy-rows.ts";
import { demandRecords } from "./demand-records.ts";
import { storeOutlook } from "./stored-outlook.ts";

export interface ForecastLakeDeps extends PublishDeps {
  readonly queryEngine: QueryEngine;
  readonly hotStore: HotStore;
  readonly alertBus: AlertBus;
  /** Names the files: never the same twice. */
  readonly nonce: string;
}

export interface ForecastLakeOptions {
  readonly horizonDays: number;
  readonly historyDays: number;
  readonly seriesMax: number;
  /** Promotions and holidays, see {@link readCalendar}; null: none. */
  readonly calendarFile: string | null;
  /** How long the forecasts live in the hot store. */
  readonly hotTtlMs: number;
  readonly fileBytesMax: number;
  readonly seed: number;
  readonly onProgress?: (message: string) => void;
}

export interface ForecastLakeReport {
  readonly series: number;
  readonly products: number;
  readonly rows: number;
  /** End of the demand that was seen, exclusive, ms. */
  readonly dataUntil: number;
  /** Of the steps that ended since the run before. */
  readonly live: LiveForecasts;
  readonly seconds: number;
}

const TASK = "demand-forecast";

/**
 * Holds earlier forecasts against the demand that came, and forecasts the lake's demand once: rows to
 * `gold.forecast_accuracy` and `gold.demand_forecasts` in one publication, then a record a product to the
 * hot store, and one object for the stream. A crash before the snapshots leaves files that nothing names,
 * which maintenance removes; one behind them leaves hot store and stream with the forecasts before, which
 * the next run replaces. Of two runs at the same time the one that began later holds.
 */
export async function forecastLake(
  deps: ForecastLakeDeps,
  options: ForecastLakeOptions,
): Promise<ForecastLakeReport> {
  const madeAt = deps.clock();
  const demand = await readLakeDemand(deps.queryEngine, options);
  const calendar =
    options.calendarFile === null ? null : await readCalendar(openInputFile(options.calendarFile));
  const forecasts = forecastLakeDemand(demand, { ...options, ...(calendar !== null && { calendar }) });
  const dataUntil = (demand.lastDay + 1) * DAY_MS;
  const steps = await measureForecasts(deps.queryEngine, demand, options);
  const live = { day: liveAccuracy(steps, "day"), week: liveAccuracy(steps, "week") };
  const measured = accuracySink(
    steps,
    { until: dataUntil, at: madeAt },
    { taskId: TASK, nonce: deps.nonce, fileBytesMax: options.fileBytesMax },
  );
  const rows = await publishRows(forecasts, { madeAt, dataUntil }, measured, deps, options);
  await deps.alertBus.publish(driftAlerts(live, dataUntil));
  const records = demandRecords(forecasts, { madeAt, modelVersion: FORECAST_VERSION });
  const writer = new HotBatchWriter(HotNamespace.demandForecasts, options.hotTtlMs);
  for (const [productId, record] of records) {
    writer.put(productId, JSON.stringify(record));
    if (writer.count === HOT_BATCH_RECORDS) await deps.hotStore.putMany(writer.take());
  }
  if (writer.count > 0) await deps.hotStore.putMany(writer.take());
  await storeOutlook(deps.objects, forecasts, madeAt);
  return {
    series: demand.series.length,
    products: records.size,
    rows,
    dataUntil,
    live,
    seconds: (deps.clock() - madeAt) / 1000,
  };
}

/** Records of one write to the hot store: a megabyte or two. */
const HOT_BATCH_RECORDS = 256;

/** An 80 % interval that holds less than this is none; of fewer forecasts chance says it. */
const COVERAGE_MIN = 0.65;
const COVERAGE_FORECASTS_MIN = 200;

/** An alert a length of steps whose intervals no longer hold. */
function driftAlerts(live: LiveForecasts, dataUntil: number): Alert[] {
  return Object.entries(live).flatMap(([step, accuracy]: [string, LiveAccuracy | null]) => {
    if (accuracy === null || accuracy.forecasts < COVERAGE_FORECASTS_MIN) return [];
    if (accuracy.coverage80 >= COVERAGE_MIN) return [];
    const { forecasts, coverage80, coverage95, wape, bias } = accuracy;
    return {
      id: `model-drift:forecast:${FORECAST_VERSION}:${step}:${dataUntil}`,
      revision: 1,
      status: "raised",
      kind: "model-drift",
      severity: "medium",
      title: `demand by ${step} was in ${Math.round(100 * coverage80)} % of the 80 % intervals that were forecast`,
      userId: null,
      productId: null,
      orderId: null,
      eventTime: dataUntil,
      windowStart: null,
      windowEnd: null,
      figures: {
        plugin: "forecast",
        modelVersion: FORECAST_VERSION,
        ...{ step, forecasts, coverage80, coverage95 },
        ...(wape !== null && bias !== null && { wape, bias }),
      },
    };
  });
}

/** Publishes the forecasts and what was measured of earlier ones; returns how many forecasts there are. */
async function publishRows(
  forecasts: readonly DemandForecasts[],
  made: { readonly madeAt: number; readonly dataUntil: number },
  measured: TableSink,
  deps: ForecastLakeDeps,
  { fileBytesMax }: ForecastLakeOptions,
): Promise<number> {
  const sink = new TableSink(goldDemandForecasts, { taskId: TASK, nonce: deps.nonce, fileBytesMax });
  const rows = new RowBuffer(goldDemandForecasts, (columns, length) => sink.append(columns, 0, length));
  const out = {
    productId: rows.text("product_id"),
    warehouseId: rows.text("warehouse_id"),
    step: rows.text("step"),
    stepStart: rows.float64("step_start"),
    figures: [
      ["mean", rows.float64("mean")],
      ["lower80", rows.float64("lower_80")],
      ["upper80", rows.float64("upper_80")],
      ["lower95", rows.float64("lower_95")],
      ["upper95", rows.float64("upper_95")],
    ] as const,
    modelVersion: rows.text("model_version"),
    dataUntil: rows.float64("data_until"),
    madeAt: rows.float64("made_at"),
  };
  let count = 0;
  for (const forecast of forecasts) {
    forecast.keys.forEach(({ productId, warehouseId }, s) => {
      for (let h = 0; h < forecast.horizon; h++, count++) {
        const r = rows.next();
        rows.setText(out.productId, r, productId);
        rows.setText(out.warehouseId, r, warehouseId);
        rows.setText(out.step, r, forecast.step);
        out.stepStart.values[r] = forecast.startMs + h * forecast.stepMs;
        for (const [name, column] of out.figures) column.values[r] = forecast[name][s * forecast.horizon + h];
        rows.setText(out.modelVersion, r, FORECAST_VERSION);
        out.dataUntil.values[r] = made.dataUntil;
        out.madeAt.values[r] = made.madeAt;
      }
    });
  }
  rows.flush();
  await publishSinks(TASK, [sink, measured], deps, made.madeAt);
  return count;
}
