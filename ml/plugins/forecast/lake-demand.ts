import type { QueryEngine, SqlValue } from "../../../lakehouse/index.ts";
import {
  bronzeTable,
  inventoryUpdateContract,
  MillraceError,
  orderContract,
  silverEvents,
  tableName,
} from "../../../schema/index.ts";
import { cancelReversals } from "./reversals.ts";

export const DAY_MS = 86_400_000;

/** One product, in one warehouse or in all of them together (null). */
export interface DemandKey {
  readonly productId: string;
  readonly warehouseId: string | null;
}

/** Units asked for by day; each series begins with its first demand and ends with the last whole day. */
export interface LakeDemand {
  readonly keys: readonly DemandKey[];
  readonly series: readonly Float64Array[];
  /** UTC day of the last value of every series, as days since 1970. */
  readonly lastDay: number;
}

export interface LakeDemandOptions {
  /** Days looked back at. */
  readonly historyDays: number;
  /** Series kept: those of the products that sold most, then those of their warehouses. */
  readonly seriesMax: number;
  readonly onProgress?: (message: string) => void;
}

const ORDERS = tableName(bronzeTable(orderContract));
const STOCK = tableName(bronzeTable(inventoryUpdateContract));
const EVENTS = tableName(silverEvents);
const DAY = "date_diff('day', DATE '1970-01-01', CAST(event_time AT TIME ZONE 'UTC' AS DATE))";
/** Orders that were cancelled or paid back, of which what they name was no demand. */
const CANCELLED = `SELECT order_id FROM {${ORDERS}} WHERE status IN ('cancelled', 'refunded')`;

/**
 * Daily demand of the lake: the units of purchase events, without those of orders that were cancelled
 * afterwards, and without what the same customer took back in the same week by an order of its own
 * (as invoices in C do). By warehouse: the units that inventory updates say were sold there. Rejects
 * with code `dataset-unusable` where there is no whole day of purchases.
 */
export async function readLakeDemand(engine: QueryEngine, options: LakeDemandOptions): Promise<LakeDemand> {
  const { historyDays, seriesMax, onProgress } = options;
  const lastDay = await findLastDay(engine);
  const range = { from: (lastDay - historyDays + 1) * DAY_MS, to: (lastDay + 1) * DAY_MS };
  const totals = await readProducts(engine, range, onProgress);
  const shares = await readWarehouses(engine, range);
  const known = new Set<string>();
  const series: { readonly key: DemandKey; readonly days: Map<number, number> }[] = [];
  for (const { productId, days } of largestFirst(totals)) {
    if (series.length === seriesMax) break;
    known.add(productId);
    series.push({ key: { productId, warehouseId: null }, days });
  }
  for (const { productId, warehouseId, days } of largestFirst(shares)) {
    if (series.length === seriesMax) break;
    if (known.has(productId)) series.push({ key: { productId, warehouseId }, days });
  }
  return {
    keys: series.map(({ key }) => key),
    series: series.map(({ days }) => toSeries(days, lastDay)),
    lastDay,
  };
}

interface DailyUnits {
  readonly productId: string;
  readonly warehouseId: string | null;
  /** Units by day since 1970. */
  readonly days: Map<number, number>;
}

/** The day before that of the newest purchase, which may still have more to come. */
async function findLastDay(engine: QueryEngine): Promise<number> {
  const rows =
    (await engine.snapshot(silverEvents)) === null
      ? []
      : (
          await engine.query(
            `SELECT min(event_time) AS first, max(event_time) AS last
             FROM {${EVENTS}} WHERE event_type = 'purchase' AND product_id IS NOT NULL`,
            [],
          )
        ).rows;
  const [first, last] = [rows[0]?.first, rows[0]?.last];
  if (first instanceof Date && last instanceof Date) {
    const day = Math.floor(last.getTime() / DAY_MS) - 1;
    if (Math.floor(first.getTime() / DAY_MS) <= day) return day;
  }
  throw new MillraceError(
    "the lake has no whole day of purchases to forecast from: load a longer history with `millrace replay`, or wait for tomorrow",
    { code: "dataset-unusable", origin: "user" },
  );
}

interface Range {
  readonly from: number;
  readonly to: number;
}

async function readProducts(
  engine: QueryEngine,
  range: Range,
  onProgress: LakeDemandOptions["onProgress"],
): Promise<DailyUnits[]> {
  const within = [new Date(range.from), new Date(range.to)];
  const { rows } = await engine.query(
    `SELECT product_id, ${DAY} AS day, sum(coalesce(quantity, 1)) AS units
     FROM {${EVENTS}}
     WHERE event_type = 'purchase' AND product_id IS NOT NULL AND event_time >= $1 AND event_time < $2
       AND (order_id IS NULL OR order_id NOT IN (${CANCELLED}))
     GROUP BY 1, 2`,
    within,
    { eventTime: range },
  );
  const products = new Map<string, DailyUnits>();
  for (const row of rows) addUnits(products, String(row.product_id), null, row);
  const takenBack = await readTakenBack(engine, range);
  onProgress?.(`${products.size} products sold; ${takenBack.length} of their orders were taken back`);
  for (const { code, day, quantity } of takenBack) {
    const days = products.get(code)?.days;
    const units = days?.get(day);
    if (units !== undefined) days?.set(day, Math.max(0, units - quantity));
  }
  return [...products.values()];
}

/**
 * Purchases that an order of status cancelled takes back whose number is no other's. Only the lines of
 * customers who have such orders are read.
 */
async function readTakenBack(
  engine: QueryEngine,
  range: Range,
): Promise<{ readonly code: string; readonly day: number; readonly quantity: number }[]> {
  const within = [new Date(range.from), new Date(range.to)];
  const orders = await engine.query(
    `SELECT event_id, user_id, order_time, lines FROM {${ORDERS}}
     WHERE status = 'cancelled' AND lines IS NOT NULL AND order_time >= $1 AND order_time < $2
       AND order_id NOT IN (SELECT order_id FROM {${ORDERS}} WHERE status = 'placed')`,
    within,
    { eventTime: range },
  );
  if (orders.rows.length === 0) return [];
  const bought = await engine.query(
    `SELECT user_id, product_id, event_time, coalesce(quantity, 1) AS quantity FROM {${EVENTS}}
     WHERE event_type = 'purchase' AND product_id IS NOT NULL AND event_time >= $1 AND event_time < $2
       AND user_id IN (SELECT user_id FROM {${ORDERS}} WHERE status = 'cancelled')`,
    within,
    { eventTime: range },
  );
  const lines = [
    ...bought.rows.map((row) =>
      lineOf(row.user_id, { productId: row.product_id, quantity: Number(row.quantity) }, row.event_time),
    ),
    ...newestFirstOf(orders.rows, "event_id").flatMap((row) =>
      orderLines(row.lines).map(({ productId, quantity }) =>
        lineOf(row.user_id, { productId, quantity: -quantity }, row.order_time),
      ),
    ),
  ].sort((a, b) => a.timeMs - b.timeMs || b.quantity - a.quantity || (a.key < b.key ? -1 : 1));
  const reversed = cancelReversals(lines);
  return lines.filter((_, index) => reversed[index] === 1);
}

/** A row of each value of a column: bronze has what came twice. */
function newestFirstOf<R extends Readonly<Record<string, SqlValue>>>(
  rows: readonly R[],
  column: string,
): R[] {
  return [...new Map(rows.map((row) => [row[column], row])).values()];
}

function lineOf(
  user: SqlValue,
  { productId, quantity }: { readonly productId: SqlValue; readonly quantity: number },
  time: SqlValue,
) {
  const timeMs = (time as Date).getTime();
  const day = Math.floor(timeMs / DAY_MS);
  const [customer, code] = [String(user), String(productId)];
  return { customer, code, quantity, day, week: weekOf(day), timeMs, key: `${customer} ${code}` };
}

/** Lines of an order that name a product and a number of units; what else stands there is left out. */
function orderLines(json: SqlValue): { readonly productId: string; readonly quantity: number }[] {
  const lines: unknown = JSON.parse(String(json));
  if (!Array.isArray(lines)) return [];
  return lines.filter((line) => typeof line?.productId === "string" && Number.isFinite(line.quantity));
}

/** Units that inventory updates say were sold, by product and warehouse. */
async function readWarehouses(engine: QueryEngine, range: Range): Promise<DailyUnits[]> {
  const { rows } = await engine.query(
    `SELECT product_id, warehouse_id, ${DAY.replace("event_time", "update_time")} AS day, sum(-quantity) AS units
     FROM (SELECT DISTINCT event_id, product_id, warehouse_id, update_time, quantity FROM {${STOCK}}
           WHERE kind = 'delta' AND quantity < 0 AND reason = 'sale'
             AND update_time >= $1 AND update_time < $2) AS sold
     GROUP BY 1, 2, 3`,
    [new Date(range.from), new Date(range.to)],
    { eventTime: range },
  );
  const places = new Map<string, DailyUnits>();
  for (const row of rows) addUnits(places, String(row.product_id), String(row.warehouse_id), row);
  return [...places.values()];
}

function addUnits(
  into: Map<string, DailyUnits>,
  productId: string,
  warehouseId: string | null,
  row: Readonly<Record<string, SqlValue>>,
): void {
  const id = warehouseId === null ? productId : JSON.stringify([productId, warehouseId]);
  const known = into.get(id) ?? { productId, warehouseId, days: new Map<number, number>() };
  known.days.set(Number(row.day), Number(row.units));
  into.set(id, known);
}

function largestFirst(all: readonly DailyUnits[]): DailyUnits[] {
  const units = new Map(all.map((one) => [one, [...one.days.values()].reduce((a, b) => a + b, 0)]));
  const name = ({ productId, warehouseId }: DailyUnits): string => JSON.stringify([productId, warehouseId]);
  return all
    .filter((one) => (units.get(one) ?? 0) > 0)
    .sort((a, b) => (units.get(b) ?? 0) - (units.get(a) ?? 0) || (name(a) < name(b) ? -1 : 1));
}

function toSeries(days: ReadonlyMap<number, number>, lastDay: number): Float64Array {
  const first = Math.min(...[...days].filter(([, units]) => units > 0).map(([day]) => day));
  return Float64Array.from({ length: lastDay - first + 1 }, (_, k) => days.get(first + k) ?? 0);
}

/** Weeks since one that began before 1970, from Monday: 1970-01-01 was a Thursday. */
export function weekOf(day: number): number {
  return Math.floor((day + 3) / 7);
}
