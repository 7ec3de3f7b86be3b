import type { QueryEngine, SqlValue } from "../../../lakehouse/index.ts";
import { goldDemandForecasts, goldForecastAccuracy, tableName } from "../../../schema/index.ts";
import type { LiveAccuracy } from "../../monitoring/live-accuracy.ts";
import type { DemandStep } from "./forecast-demand.ts";
import { DAY_MS, type DemandKey, type LakeDemand } from "./lake-demand.ts";

const FORECASTS = tableName(goldDemandForecasts);
const ACCURACY = tableName(goldForecastAccuracy);
const STEP_DAYS: Readonly<Record<DemandStep, number>> = { day: 1, week: 7 };

/** Forecasts of one step that were made from the same demand, beside what was asked for. */
export interface StepAccuracy {
  readonly modelVersion: string;
  readonly step: DemandStep;
  /** Where the step begins, and the end of the demand that was known, ms. */
  readonly stepStart: number;
  readonly dataUntil: number;
  forecasts: number;
  /** Units asked for, and expected; sum of |expected − asked for|. */
  units: number;
  expected: number;
  absoluteError: number;
  /** Forecasts whose interval holds what was asked for. */
  within80: number;
  within95: number;
}

export interface MeasureOptions {
  /** Longest horizon of the forecasts. */
  readonly horizonDays: number;
  /** Series that demand was read of, at most: of a series beyond them nothing is known. */
  readonly seriesMax: number;
}

/**
 * Joins the demand of the lake back to the forecasts that were made of it: of every step that has ended
 * since the last measurement, all forecasts, by how long before they were made. Of two runs over the same
 * demand the later counts.
 */
export async function measureForecasts(
  engine: QueryEngine,
  demand: LakeDemand,
  { horizonDays, seriesMax }: MeasureOptions,
): Promise<StepAccuracy[]> {
  const until = (demand.lastDay + 1) * DAY_MS;
  const since = await measuredUntil(engine);
  if (since >= until || (await engine.snapshot(goldDemandForecasts)) === null) return [];
  const longest = (horizonDays + STEP_DAYS.week) * DAY_MS;
  const { rows } = await engine.query(
    `SELECT product_id, warehouse_id, step, step_start, mean, lower_80, upper_80, lower_95, upper_95,
            model_version, data_until
     FROM (SELECT *, row_number() OVER (
             PARTITION BY product_id, warehouse_id, step, step_start, data_until ORDER BY made_at DESC) AS age
           FROM {${FORECASTS}} WHERE step_start < $1 AND data_until >= $2) AS made
     WHERE age = 1`,
    [new Date(until), new Date(Math.max(0, since - longest))],
  );
  const actuals = new Actuals(demand, demand.keys.length < seriesMax);
  const steps = new Map<string, StepAccuracy>();
  for (const row of rows) {
    const { step, modelVersion, stepStart, dataUntil } = stepOf(row);
    const end = stepStart + STEP_DAYS[step] * DAY_MS;
    if (end > until || end <= since) continue;
    const units = actuals.unitsOf(keyOf(row), stepStart / DAY_MS, STEP_DAYS[step]);
    if (units === null) continue;
    const name = JSON.stringify([modelVersion, step, stepStart, dataUntil]);
    const total = steps.get(name) ?? {
      ...{ modelVersion, step, stepStart, dataUntil },
      ...{ forecasts: 0, units: 0, expected: 0, absoluteError: 0, within80: 0, within95: 0 },
    };
    steps.set(name, total);
    addForecast(total, row, units);
  }
  return [...steps.values()].sort(
    (a, b) =>
      a.step.localeCompare(b.step) ||
      a.stepStart - b.stepStart ||
      a.dataUntil - b.dataUntil ||
      a.modelVersion.localeCompare(b.modelVersion),
  );
}

/** Of the steps of one length together; null where there is none. */
export function liveAccuracy(steps: readonly StepAccuracy[], length: DemandStep): LiveAccuracy | null {
  const own = steps.filter(({ step }) => step === length);
  const sum = (figure: (step: StepAccuracy) => number): number =>
    own.reduce((total, step) => total + figure(step), 0);
  const forecasts = sum((step) => step.forecasts);
  if (forecasts === 0) return null;
  const units = sum((step) => step.units);
  const share = (part: number): number | null => (units > 0 ? part / units : null);
  return {
    forecasts,
    coverage80: sum((step) => step.within80) / forecasts,
    coverage95: sum((step) => step.within95) / forecasts,
    wape: share(sum((step) => step.absoluteError)),
    bias: share(sum((step) => step.expected) - units),
  };
}

/** End of the demand that forecasts were last held against, ms; -Infinity before the first time. */
async function measuredUntil(engine: QueryEngine): Promise<number> {
  if ((await engine.snapshot(goldForecastAccuracy)) === null) return Number.NEGATIVE_INFINITY;
  const { rows } = await engine.query(`SELECT max(measured_until) AS last FROM {${ACCURACY}}`, []);
  const last = rows[0]?.last;
  return last instanceof Date ? last.getTime() : Number.NEGATIVE_INFINITY;
}

type Row = Readonly<Record<string, SqlValue>>;

function stepOf(row: Row): Pick<StepAccuracy, "step" | "modelVersion" | "stepStart" | "dataUntil"> {
  return {
    step: row.step === "week" ? "week" : "day",
    modelVersion: String(row.model_version),
    stepStart: (row.step_start as Date).getTime(),
    dataUntil: (row.data_until as Date).getTime(),
  };
}

function keyOf({ product_id, warehouse_id }: Row): DemandKey {
  return {
    productId: String(product_id),
    warehouseId: warehouse_id === null ? null : String(warehouse_id),
  };
}

function addForecast(total: StepAccuracy, row: Row, units: number): void {
  const isWithin = (lower: SqlValue, upper: SqlValue): boolean =>
    units >= Number(lower) && units <= Number(upper);
  total.forecasts++;
  total.units += units;
  total.expected += Number(row.mean);
  total.absoluteError += Math.abs(Number(row.mean) - units);
  if (isWithin(row.lower_80, row.upper_80)) total.within80++;
  if (isWithin(row.lower_95, row.upper_95)) total.within95++;
}

/** Units asked for by series and days. */
class Actuals {
  private readonly places: ReadonlyMap<string, number>;
  private readonly demand: LakeDemand;
  private readonly isComplete: boolean;

  /** @param isComplete every series with demand is there, so that of others nothing was asked for */
  constructor(demand: LakeDemand, isComplete: boolean) {
    this.demand = demand;
    this.isComplete = isComplete;
    this.places = new Map(demand.keys.map((key, s) => [nameOf(key), s]));
  }

  /** Null where it is not known. */
  unitsOf(key: DemandKey, firstDay: number, days: number): number | null {
    const place = this.places.get(nameOf(key));
    if (place === undefined) return this.isComplete ? 0 : null;
    const series = this.demand.series[place];
    // A series ends with the last day; nothing was asked for before its first.
    const from = firstDay - (this.demand.lastDay - series.length + 1);
    let units = 0;
    for (let day = Math.max(0, from); day < from + days; day++) units += series[day];
    return units;
  }
}

function nameOf({ productId, warehouseId }: DemandKey): string {
  return JSON.stringify([productId, warehouseId]);
}
