import { reorderProposal, runoutDate } from "../../../ml/index.ts";
import { bronzeTable, goldDemandForecasts, inventoryUpdateContract } from "../../../schema/index.ts";
import {
  type DemandForecastRecord,
  type DemandStepsRecord,
  HotNamespace,
  type HotStore,
} from "../../../stream/index.ts";
import { userError } from "../common/errors.ts";
import { readHot } from "../common/hot-reader.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { number, type Row, text, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type {
  DemandForecast,
  DemandForecastArgs,
  ForecastPoint,
  ForecastStep,
  ReorderArgs,
  StockReorder,
  StockRunout,
} from "./type.ts";

const DAY_MS = 86_400_000;
const DAYS_MAX = 3650;
const STEP_MS: Readonly<Record<ForecastStep, number>> = { day: DAY_MS, week: 7 * DAY_MS };
const bronzeInventory = bronzeTable(inventoryUpdateContract);

export class ForecastsService {
  private readonly lake: LakeReader;
  private readonly hotStore: HotStore;

  constructor(lake: LakeReader, hotStore: HotStore) {
    this.lake = lake;
    this.hotStore = hotStore;
  }

  /** The newest forecast; null for a product, or a place, that has none. */
  async forecast(args: DemandForecastArgs): Promise<DemandForecast | null> {
    const { productId, warehouseId = null, step, asOf } = args;
    const record =
      asOf === null || asOf === undefined
        ? await readHot<DemandForecastRecord>(this.hotStore, HotNamespace.demandForecasts, productId)
        : null;
    if (record === null) return this.fromLake(args);
    const place =
      warehouseId === null ? record : record.warehouses.find((one) => one.warehouseId === warehouseId);
    const steps = step === "day" ? place?.daily : place?.weekly;
    if (steps === undefined || steps === null) return null;
    return {
      productId,
      warehouseId,
      step,
      dailyRate: rateOf(steps.mean, step),
      points: pointsOf(steps),
      modelVersion: record.modelVersion,
      madeAt: record.madeAt,
      source: "live",
      freshness: { watermark: this.lake.watermark(), snapshotId: null, committedAt: null },
    };
  }

  /** When the stock is used up; null where no stock is known. */
  async runout(forecast: DemandForecast, stock: number | null): Promise<StockRunout | null> {
    const units = stock ?? (await this.stockOf(forecast));
    if (units === null) return null;
    const { expectedMs, earliestMs, latestMs } = runoutDate(units, toFigures(forecast));
    return { stock: units, expected: expectedMs, earliest: earliestMs, latest: latestMs };
  }

  /** What to order; null where no stock is known. */
  async reorder(forecast: DemandForecast, args: ReorderArgs): Promise<StockReorder | null> {
    const { leadTimeDays, reviewTimeDays, serviceLevel, packUnits } = args;
    for (const [name, days] of Object.entries({ leadTimeDays, reviewTimeDays })) {
      if (!(days >= 0 && days <= DAYS_MAX)) {
        throw userError("invalid-argument", `${name} must be between 0 and ${DAYS_MAX}, it is ${days}.`);
      }
    }
    if (!(serviceLevel >= 0.5 && serviceLevel < 1)) {
      throw userError("invalid-argument", `serviceLevel must be 0.5 up to below 1, it is ${serviceLevel}.`);
    }
    if (packUnits < 1) {
      throw userError("invalid-argument", `packUnits must be 1 or more, it is ${packUnits}.`);
    }
    const stock = args.stock ?? (await this.stockOf(forecast));
    if (stock === null) return null;
    const proposal = reorderProposal(toFigures(forecast), {
      stock,
      leadTimeMs: leadTimeDays * DAY_MS,
      reviewTimeMs: reviewTimeDays * DAY_MS,
      serviceLevel,
      packUnits,
    });
    return { stock, ...proposal };
  }

  private async fromLake({
    productId,
    warehouseId,
    step,
    asOf,
  }: DemandForecastArgs): Promise<DemandForecast | null> {
    const pinned = await this.lake.pin(goldDemandForecasts, asOf);
    const conditions = new Conditions().compare("product_id", "=", productId).compare("step", "=", step);
    if (warehouseId !== null && warehouseId !== undefined)
      conditions.compare("warehouse_id", "=", warehouseId);
    const place = warehouseId === null || warehouseId === undefined ? "warehouse_id is null" : "true";
    const columns = goldDemandForecasts.columns.map(({ name }) => name).join(", ");
    const rows = await this.lake.rows(
      pinned,
      `select ${columns} from (select ${columns}, max(made_at) over () as newest
       from {gold.demand_forecasts}${conditions.toSql()} and ${place}) as known
       where made_at = newest order by step_start`,
      conditions,
    );
    if (rows.length === 0) return null;
    return {
      productId,
      warehouseId: warehouseId ?? null,
      step,
      dailyRate: rateOf(
        rows.map((row) => number(row, "mean")),
        step,
      ),
      points: rows.map((row) => toPoint(row, STEP_MS[step])),
      modelVersion: text(rows[0], "model_version"),
      madeAt: time(rows[0], "made_at"),
      source: "lake",
      freshness: pinned.freshness,
    };
  }

  /** Units in stock by the inventory updates of the lake: the newest count and the changes since. */
  private async stockOf({ productId, warehouseId }: DemandForecast): Promise<number | null> {
    const pinned = await this.lake.pin(bronzeInventory);
    const conditions = new Conditions()
      .compare("product_id", "=", productId)
      .compare("warehouse_id", "=", warehouseId);
    const [row] = await this.lake.rows(
      pinned,
      `select sum(case when kind = 'delta' and (counted_at is null or update_time > counted_at)
                         or kind = 'snapshot' and update_time = counted_at then quantity else 0 end) as units
       from (select kind, quantity, update_time,
               max(case when kind = 'snapshot' then update_time end) over (partition by warehouse_id) as counted_at
             from (select distinct event_id, warehouse_id, kind, quantity, update_time
                   from {bronze.inventory_updates}${conditions.toSql()}) as updates) as counted`,
      conditions,
    );
    const units = row?.units;
    return units === null || units === undefined ? null : Math.max(0, Number(units));
  }
}

function toFigures({ points, step }: DemandForecast) {
  const column = (name: "mean" | "lower80" | "upper80"): Float64Array =>
    Float64Array.from(points, (point) => point[name]);
  return {
    mean: column("mean"),
    lower80: column("lower80"),
    upper80: column("upper80"),
    stepMs: STEP_MS[step],
    startMs: points[0].start,
  };
}

function rateOf(mean: readonly number[], step: ForecastStep): number {
  const total = mean.reduce((sum, units) => sum + units, 0);
  return (total / mean.length) * (DAY_MS / STEP_MS[step]);
}

function pointsOf({ startMs, stepMs, mean, ...bounds }: DemandStepsRecord): ForecastPoint[] {
  return mean.map((units, h) => ({
    start: startMs + h * stepMs,
    end: startMs + (h + 1) * stepMs,
    mean: units,
    lower80: bounds.lower80[h],
    upper80: bounds.upper80[h],
    lower95: bounds.lower95[h],
    upper95: bounds.upper95[h],
  }));
}

function toPoint(row: Row, stepMs: number): ForecastPoint {
  const start = time(row, "step_start");
  return {
    start,
    end: start + stepMs,
    mean: number(row, "mean"),
    lower80: number(row, "lower_80"),
    upper80: number(row, "upper_80"),
    lower95: number(row, "lower_95"),
    upper95: number(row, "upper_95"),
  };
}
