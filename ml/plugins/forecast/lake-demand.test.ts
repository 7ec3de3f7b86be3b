import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  DuckDbFileRewriter,
  DuckDbQueryEngine,
  FileCatalog,
  LocalObjectStore,
} from "../../../lakehouse/adapters/index.ts";
import { createLakePublisher, dataFileKey, ensureTables, type SqlValue } from "../../../lakehouse/index.ts";
import { icebergSchema } from "../../../lakehouse/table/schema.ts";
import {
  bronzeTable,
  inventoryUpdateContract,
  orderContract,
  silverEvents,
  type TableSpec,
  tableName,
} from "../../../schema/index.ts";
import { createRandom } from "../../training/random.ts";
import { forecastLakeDemand } from "./forecast-demand.ts";
import { DAY_MS, type LakeDemand, readLakeDemand, weekOf } from "./lake-demand.ts";

const orders = bronzeTable(orderContract);
const stock = bronzeTable(inventoryUpdateContract);
const TABLES = [silverEvents, orders, stock];
/** A Monday. */
const START = Date.UTC(2026, 0, 5);
const DAYS = 40;
const OPTIONS = { historyDays: 1000, seriesMax: 1000 };

type Row = Readonly<Record<string, SqlValue>>;

const TYPES = {
  string: "VARCHAR",
  int: "INTEGER",
  long: "BIGINT",
  double: "DOUBLE",
  boolean: "BOOLEAN",
  timestamptz: "TIMESTAMPTZ",
};
const FILLS = { string: "x", int: 0, long: 0, double: 0, boolean: false, timestamptz: new Date(START) };

function literal(value: SqlValue): string {
  if (value instanceof Date) return `to_timestamp(${value.getTime() / 1000})`;
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}

/** A lake in a temporary folder. */
class DemandLake {
  readonly engine: DuckDbQueryEngine;
  private readonly deps;
  private epoch = 0;

  private constructor(private readonly folder: string) {
    const objectStore = new LocalObjectStore(folder);
    const catalog = new FileCatalog({ objectStore, clock: Date.now });
    this.deps = { catalog, objectStore, clock: Date.now, sleep: async () => undefined, random: Math.random };
    this.engine = new DuckDbQueryEngine({ catalog, objectStore });
  }

  static async create(): Promise<DemandLake> {
    const lake = new DemandLake(await mkdtemp(join(tmpdir(), "millrace-demand-")));
    await ensureTables(TABLES, lake.deps);
    return lake;
  }

  /** Required columns that a row leaves out get any value. */
  async commit(table: TableSpec, rows: readonly Row[]): Promise<void> {
    const rewriter = new DuckDbFileRewriter({ objectStore: this.deps.objectStore });
    const days = Map.groupBy(rows, (row) =>
      Math.floor((row[table.partitionByDayOf] as Date).getTime() / DAY_MS),
    );
    const files = [];
    for (const [day, ofDay] of days) {
      const key = dataFileKey(
        tableName(table),
        { field: `${table.partitionByDayOf}_day`, day },
        randomUUID(),
      );
      const columns = table.columns.map(({ name, type }, i) => `CAST(c${i} AS ${TYPES[type]}) AS ${name}`);
      const values = ofDay.map(
        (row) =>
          `(${table.columns.map(({ name, type, required }) => literal(row[name] ?? (required ? FILLS[type] : null))).join(", ")})`,
      );
      const names = table.columns.map((_, i) => `c${i}`).join(", ");
      const sql = `SELECT ${columns.join(", ")} FROM (VALUES ${values.join(", ")}) AS v(${names})`;
      files.push(
        await rewriter.write({ table: tableName(table), fields: icebergSchema(table).fields, key, day }, sql),
      );
    }
    await rewriter.close();
    const publisher = createLakePublisher({ ...this.deps, tables: TABLES });
    await publisher.publish([{ taskId: "test", epoch: ++this.epoch, files }]);
  }

  async remove(): Promise<void> {
    await this.engine.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function purchase(day: number, changes: Row = {}): Row {
  return { event_type: "purchase", event_time: new Date(START + day * DAY_MS + 3_600_000), ...changes };
}

function seriesOf({ keys, series }: LakeDemand, productId: string, warehouseId: string | null = null) {
  const at = keys.findIndex((key) => key.productId === productId && key.warehouseId === warehouseId);
  return at < 0 ? null : [...series[at]];
}

describe("demand of the lake", () => {
  let lake: DemandLake;
  const random = createRandom(17);
  const sold: Row[] = Array.from({ length: 1500 }, (_, k) =>
    purchase(Math.floor(DAYS * random()), {
      event_id: `e${k}`,
      user_id: `u${Math.floor(30 * random())}`,
      product_id: `p${Math.floor(12 ** random())}`,
      quantity: random() < 0.2 ? null : 1 + Math.floor(5 * random()),
      order_id: random() < 0.5 ? `o${Math.floor(300 * random())}` : null,
    }),
  );
  const orderRows: Row[] = Array.from({ length: 60 }, (_, k) => ({
    event_id: `c${k}`,
    order_id: `o${k * 5}`,
    user_id: "u1",
    order_time: new Date(START + k * 3_600_000),
    status: k % 3 === 0 ? "cancelled" : k % 3 === 1 ? "refunded" : "shipped",
  }));
  const updates: Row[] = Array.from({ length: 400 }, (_, k) => ({
    event_id: `i${k}`,
    product_id: `p${k % 7}`,
    warehouse_id: `w${k % 2}`,
    update_time: new Date(START + Math.floor(k / 11) * DAY_MS),
    kind: k % 13 === 0 ? "snapshot" : "delta",
    quantity: k % 17 === 0 ? 5 : -1 - (k % 4),
    reason: k % 19 === 0 ? "damage" : "sale",
  }));

  beforeAll(async () => {
    lake = await DemandLake.create();
    await lake.commit(silverEvents, [
      ...sold,
      purchase(DAYS, { event_id: "last", product_id: "p0", quantity: 7 }),
      { ...purchase(5, { event_id: "view", product_id: "p0" }), event_type: "item_view" },
    ]);
    await lake.commit(orders, orderRows);
    // The log had some of them twice.
    await lake.commit(stock, [...updates, ...updates.filter((_, k) => k % 5 === 0)]);
  });
  afterAll(() => lake.remove());

  it("is what SQL over the lake says, day by day, without cancelled orders and the day under way", async () => {
    const demand = await readLakeDemand(lake.engine, OPTIONS);
    expect(demand.lastDay).toBe(START / DAY_MS + DAYS - 1);
    const { rows } = await lake.engine.query(
      `WITH days AS (SELECT unnest(range(${DAYS})) AS day),
            gone AS (SELECT DISTINCT order_id FROM {bronze.orders} WHERE status IN ('cancelled', 'refunded')),
            good AS (SELECT e.* FROM {silver.events} e ANTI JOIN gone g ON g.order_id = e.order_id
                     WHERE event_type = 'purchase' AND event_id <> 'last')
       SELECT p.product_id AS product, list(coalesce(
         (SELECT sum(coalesce(quantity, 1)) FROM good g WHERE g.product_id = p.product_id
            AND epoch_ms(g.event_time) // ${DAY_MS} = ${START / DAY_MS} + d.day), 0) ORDER BY d.day)::VARCHAR AS units
       FROM (SELECT DISTINCT product_id FROM good) p, days d GROUP BY 1`,
      [],
    );
    expect(rows.length).toBeGreaterThan(8);
    for (const { product, units } of rows) {
      const all = JSON.parse(String(units)) as number[];
      expect(seriesOf(demand, String(product)), String(product)).toEqual(
        all.slice(all.findIndex((value) => value > 0)),
      );
    }
    const totals = demand.keys.flatMap(({ warehouseId }, s) =>
      warehouseId === null ? [demand.series[s].reduce((a, b) => a + b, 0)] : [],
    );
    expect(totals).toHaveLength(rows.length);
    expect(totals).toEqual(totals.toSorted((a, b) => b - a));
  });

  it("is that of each warehouse by the sales of its inventory, each update once", async () => {
    const demand = await readLakeDemand(lake.engine, OPTIONS);
    for (const warehouse of ["w0", "w1"]) {
      const units = new Float64Array(DAYS);
      for (const row of updates) {
        const counts =
          row.product_id === "p3" &&
          row.warehouse_id === warehouse &&
          row.kind === "delta" &&
          row.reason === "sale" &&
          Number(row.quantity) < 0;
        if (!counts) continue;
        units[((row.update_time as Date).getTime() - START) / DAY_MS] -= Number(row.quantity);
      }
      expect(seriesOf(demand, "p3", warehouse)).toEqual([...units.slice(units.findIndex((u) => u > 0))]);
    }
    expect(demand.keys.every(({ productId }) => seriesOf(demand, productId) !== null)).toBe(true);
  });

  it("looks back no further, and keeps no more series, than it is told", async () => {
    const demand = await readLakeDemand(lake.engine, { historyDays: 10, seriesMax: 5 });
    expect(demand.keys).toHaveLength(5);
    for (const series of demand.series) expect(series.length).toBeLessThanOrEqual(10);
  });

  it("leaves out what a customer took back in the same week by an order of its own", async () => {
    const own = await DemandLake.create();
    try {
      await own.commit(silverEvents, [
        purchase(0, { event_id: "a", user_id: "u", product_id: "p", quantity: 3 }),
        purchase(1, { event_id: "b", user_id: "u", product_id: "p", quantity: 74_215 }),
        purchase(1, { event_id: "c", user_id: "v", product_id: "p", quantity: 4 }),
        purchase(8, { event_id: "d", user_id: "u", product_id: "p", quantity: 5 }),
        purchase(9, { event_id: "e", user_id: "w", product_id: "q", quantity: 1 }),
      ]);
      const back = (id: string, day: number, user: string, quantity: number): Row => ({
        event_id: id,
        order_id: id,
        user_id: user,
        order_time: new Date(START + day * DAY_MS + 7_200_000),
        status: "cancelled",
        lines: JSON.stringify([{ productId: "p", quantity, unitPriceMinor: 1 }, { productId: 7 }]),
      });
      await own.commit(orders, [
        back("C1", 1, "u", 74_215),
        back("C1", 1, "u", 74_215),
        // Another week, another quantity, another customer: no reversal.
        back("C2", 7, "u", 3),
        back("C3", 8, "u", 4),
        back("C4", 8, "w", 5),
      ]);
      const demand = await readLakeDemand(own.engine, OPTIONS);
      expect(seriesOf(demand, "p")).toEqual([3, 4, 0, 0, 0, 0, 0, 0, 5]);
    } finally {
      await own.remove();
    }
  });

  it("is refused where there is no whole day of it", async () => {
    const empty = await DemandLake.create();
    try {
      const unusable = { code: "dataset-unusable", message: expect.stringContaining("no whole day") };
      await expect(readLakeDemand(empty.engine, OPTIONS)).rejects.toMatchObject(unusable);
      await empty.commit(silverEvents, [purchase(0, { event_id: "a", product_id: "p" })]);
      await expect(readLakeDemand(empty.engine, OPTIONS)).rejects.toMatchObject(unusable);
    } finally {
      await empty.remove();
    }
  });

  it("is forecast by day and by week from the first step that is not whole", async () => {
    const demand = await readLakeDemand(lake.engine, OPTIONS);
    const [daily, weekly] = forecastLakeDemand(demand, { horizonDays: 14, seed: 1 });
    expect(daily).toMatchObject({ step: "day", horizon: 14, startMs: START + DAYS * DAY_MS });
    expect(daily.keys).toBe(demand.keys);
    // 40 days are five weeks and five days: the sixth week is forecast whole.
    expect(weekly).toMatchObject({ step: "week", horizon: 2, startMs: START + 35 * DAY_MS });
    for (const forecast of [daily, weekly]) {
      for (const [low, high] of [
        [forecast.lower95, forecast.lower80],
        [forecast.lower80, forecast.mean],
        [forecast.mean, forecast.upper80],
        [forecast.upper80, forecast.upper95],
      ]) {
        expect(low).toHaveLength(forecast.keys.length * forecast.horizon);
        expect(low.every((value, i) => value >= 0 && value <= high[i])).toBe(true);
      }
    }
    const perWeek = daily.mean.subarray(0, 7).reduce((a, b) => a + b, 0);
    expect(weekly.mean[0]).toBeGreaterThan(0.5 * perWeek);
    expect(weekly.mean[0]).toBeLessThan(2 * perWeek);
    expect(weekOf(START / DAY_MS - 1)).toBe(weekOf(START / DAY_MS) - 1);
    const short = { ...demand, series: demand.series.map((values) => values.subarray(values.length - 3)) };
    expect(forecastLakeDemand(short, { horizonDays: 7, seed: 1 }).map(({ step }) => step)).toEqual(["day"]);
  });
});
