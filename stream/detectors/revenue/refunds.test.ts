import { readFileSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it, test } from "vitest";
import {
  customerEventContract,
  type EventContract,
  orderContract,
  paymentContract,
} from "../../../schema/index.ts";
import { finalRevisions, type OutputRow, seededRandom } from "../../operators/testing/drive.ts";
import type { PlainRow } from "../../operators/testing/make-batch.ts";
import { interleaved } from "../testing/interleaved.ts";
import { runDetector, type TopicRow } from "../testing/run-detector.ts";
import { revenue } from "./index.ts";
import { type OrderMarks, refundBookings } from "./refund-bookings.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;
const KEY = ["category_id", "currency", "window_start"];
const TABLE = "gold.revenue_by_category";
const NEVER = Number.POSITIVE_INFINITY;

describe("bookings of an order", () => {
  const marks = (changes: Partial<OrderMarks>): OrderMarks => ({
    voidTime: NEVER,
    failTime: NEVER,
    successTime: NEVER,
    refunds: [],
    ...changes,
  });
  const line = (key: number, amountMinor: number, currency = 0, timeMs = 1) => ({
    ...{ timeMs, key, currency, amountMinor },
  });
  const lines = [line(1, 100), line(2, 201), line(1, 50)];
  const bookings = (of: Partial<OrderMarks>, own = lines) =>
    refundBookings(own, marks(of), 10, (a, b) => a - b).map(({ timeMs, key, amountMinor }) => [
      timeMs,
      key,
      amountMinor,
    ]);

  test("an order that is cancelled or refunded loses all, once", () => {
    expect(bookings({ voidTime: 5 })).toEqual([
      [5, 1, 150],
      [5, 2, 201],
    ]);
    const also = { refunds: [{ timeMs: 7, currency: 0, amountMinor: 351 }], failTime: 1 };
    expect(bookings({ voidTime: 5, ...also })).toEqual([
      [5, 1, 150],
      [5, 2, 201],
    ]);
  });

  test("refunds in part are shared exactly, and never exceed what was bought", () => {
    const refunds = [
      { timeMs: 3, currency: 0, amountMinor: 100 },
      { timeMs: 4, currency: 0, amountMinor: 1000 },
      { timeMs: 5, currency: 0, amountMinor: 1 },
    ];
    // 100 × 150 / 351 is 42.7…
    expect(bookings({ refunds })).toEqual([
      [3, 1, 42],
      [3, 2, 58],
      [4, 1, 108],
      [4, 2, 143],
    ]);
    expect(bookings({ refunds: [{ timeMs: 3, currency: 9, amountMinor: 100 }] })).toEqual([]);
  });

  test("a refund is one whatever its sign, also of an order that cost nothing", () => {
    const refunds = [{ timeMs: 3, currency: 0, amountMinor: -351 }];
    expect(bookings({ refunds })).toEqual([
      [3, 1, 150],
      [3, 2, 201],
    ]);
    expect(bookings({ refunds }, [line(1, 0)])).toEqual([]);
  });

  test("a failed payment subtracts the order after a time, until one succeeds", () => {
    expect(bookings({ failTime: 5 })).toEqual([
      [15, 1, 150],
      [15, 2, 201],
    ]);
    expect(bookings({ failTime: 5, successTime: 15 })).toEqual([]);
    expect(bookings({ failTime: 5, successTime: 3 })).toEqual([]);
    expect(bookings({ failTime: 5, successTime: 20 })).toEqual([
      [15, 1, 150],
      [15, 2, 201],
      [20, 1, -150],
      [20, 2, -201],
    ]);
  });

  test("nothing is subtracted before it was bought, and refunds are of what was bought first", () => {
    const later = [line(1, 100), line(2, 60, 0, 20), line(3, 40, 0, 20)];
    expect(bookings({ voidTime: 5 }, later)).toEqual([
      [5, 1, 100],
      [20, 2, 60],
      [20, 3, 40],
    ]);
    const refund = (timeMs: number, amountMinor: number) => ({ timeMs, currency: 0, amountMinor });
    expect(bookings({ refunds: [refund(5, 150)] }, later)).toEqual([
      [5, 1, 100],
      [20, 2, 30],
      [20, 3, 20],
    ]);
    // What comes later changes nothing of what was subtracted before it.
    expect(bookings({ refunds: [refund(5, 30), refund(25, 80)] }, later)).toEqual([
      [5, 1, 30],
      [25, 1, 70],
      [25, 2, 6],
      [25, 3, 4],
    ]);
    expect(bookings({ failTime: 5, successTime: 30 }, later)).toEqual([
      [15, 1, 100],
      [30, 1, -100],
      [20, 2, 60],
      [20, 3, 40],
      [30, 2, -60],
      [30, 3, -40],
    ]);
  });

  test("currencies are apart, and amounts beyond 2^53 when multiplied exact", () => {
    const large = 9_007_199_254_740_881;
    const own = [line(1, large), line(2, 7, 1)];
    expect(bookings({ voidTime: 5 }, own)).toEqual([
      [5, 1, large],
      [5, 2, 7],
    ]);
    const refunds = [{ timeMs: 3, currency: 0, amountMinor: large - 1 }];
    expect(bookings({ refunds }, own)).toEqual([[3, 1, large - 1]]);
  });
});

/** Purchases with what becomes of their orders, by topic in log order. */
function randomShop(seed: number): Map<string, PlainRow[]> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const timed: { at: number; topic: string; row: PlainRow }[] = [];
  const add = (topic: string, at: number, row: PlainRow): void => {
    const delay = random() < 0.9 ? below(2000) : below(random() < 0.8 ? 50_000 : 400_000);
    timed.push({
      at: at + delay,
      topic,
      row: { eventId: `${topic}-${timed.length}`, userId: `u-${below(30)}`, ...row },
    });
  };
  for (let i = 0; i < 500; i++) {
    const at = NOON + below(3 * 3_600_000);
    const orderId = `o-${i}`;
    const currency = random() < 0.7 ? "EUR" : "USD";
    for (let left = 1 + below(3); left > 0; left--) {
      // Some buy more behind it, when what befell the order may have been subtracted long ago.
      const boughtAt = random() < 0.7 ? at : at + below(40 * MINUTE);
      add("customer-events", boughtAt, {
        eventType: "purchase",
        eventTime: boughtAt,
        priceMinor: random() < 0.05 ? null : below(10_000),
        currency: random() < 0.05 ? null : random() < 0.05 ? "GBP" : currency,
        quantity: random() < 0.5 ? null : 1 + below(3),
        categoryId: random() < 0.05 ? null : `cat${"x".repeat(below(3))}-${below(5)}`,
        orderId: random() < 0.05 ? null : orderId,
      });
    }
    const common = { orderId, currency, totalMinor: 1, itemCount: 1 };
    for (const status of ["placed", "cancelled", "refunded"].filter((_, s) => s === 0 || random() < 0.15)) {
      const time = at + (status === "placed" ? 0 : below(3_600_000));
      add("orders", time, { ...common, status, orderTime: time });
    }
    for (let left = below(3); left > 0; left--) {
      const time = at + below(40 * MINUTE);
      const status = ["authorized", "captured", "failed", "failed", "refunded"][below(5)];
      add("payments", time, {
        orderId,
        currency,
        paymentId: "y",
        status,
        paymentTime: time,
        // Of either sign, as accounts have it.
        amountMinor: (random() < 0.2 ? -1 : 1) * below(15_000),
      });
    }
  }
  for (let i = 0; i < 1000; i++) {
    const at = NOON + below(3 * 3_600_000);
    add("customer-events", at, { eventType: "click", eventTime: at });
  }
  const logs = new Map<string, PlainRow[]>();
  for (const { topic, row } of timed.sort((a, b) => a.at - b.at))
    logs.set(topic, [...(logs.get(topic) ?? []), row]);
  return logs;
}

const CONTRACTS: readonly EventContract[] = [customerEventContract, orderContract, paymentContract];

/** Too late: a minute behind the newest so far less two seconds. */
function tooLate(times: readonly number[]): boolean[] {
  let newest = Number.NEGATIVE_INFINITY;
  return times.map((time) => {
    newest = Math.max(newest, time);
    return time < newest - 62_000;
  });
}

async function oracle(shops: readonly ReadonlyMap<string, readonly PlainRow[]>[]): Promise<OutputRow[]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const type = (name: string) =>
    ({ timestamp: "BIGINT", long: "BIGINT", int: "INTEGER", boolean: "BOOLEAN" })[name] ?? "VARCHAR";
  const literal = (one: PlainRow[string]) =>
    one == null ? "NULL" : typeof one === "string" ? `'${one}'` : String(one);
  for (const { topic, fields, timeField } of CONTRACTS) {
    const table = `admitted_${topic.replaceAll("-", "_")}`;
    await connection.run(
      `CREATE TABLE ${table} (${fields.map((field) => `${field.column} ${type(field.type)}`)}, duplicate BOOLEAN, too_late BOOLEAN)`,
    );
    for (const shop of shops) {
      const rows = shop.get(topic) ?? [];
      const late = tooLate(rows.map((row) => Number(row[timeField])));
      const tuples = rows.map(
        (row, i) => `(${fields.map(({ name }) => literal(row[name]))}, false, ${late[i]})`,
      );
      await connection.run(`INSERT INTO ${table} VALUES ${tuples.join(",")}`);
    }
  }
  await connection.run(`CREATE TABLE settings AS SELECT 60000 AS revenue_window_ms, 900000 AS revenue_failed_after_ms;
    ALTER TABLE admitted_customer_events RENAME COLUMN event_time TO at_ms`);
  const sql = readFileSync(new URL("./oracle/revenue_by_category.sql", import.meta.url), "utf8");
  const rows = (await connection.runAndReadAll(sql)).getRowObjects();
  connection.closeSync();
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, one]) => [key, typeof one === "bigint" ? Number(one) : one]),
    ),
  ) as OutputRow[];
}

function newest(rows: readonly OutputRow[]): OutputRow[] {
  return finalRevisions(rows, KEY)
    .map(({ revision: _, ...row }) => row)
    .filter(({ bookings }) => bookings !== 0);
}

/** The least that any category ever had left of all that it sold. */
function lowestNet(rows: readonly OutputRow[]): number {
  const net = new Map<string, number>();
  let lowest = Number.POSITIVE_INFINITY;
  for (const row of rows.toSorted((a, b) => Number(a.window_start) - Number(b.window_start))) {
    const key = `${row.category_id} ${row.currency}`;
    const now = (net.get(key) ?? 0) + Number(row.net_minor);
    net.set(key, now);
    lowest = Math.min(lowest, now);
  }
  return lowest;
}

describe.each([1, 2, 3])("refunds of random shops, seed %i", (seed) => {
  const shops = [randomShop(seed), randomShop(seed + 10)].map(
    (logs, task) =>
      new Map(
        [...logs].map(([topic, rows]) => [
          topic,
          rows.map(
            (row): PlainRow => ({ ...row, orderId: row.orderId == null ? null : `${row.orderId}-${task}` }),
          ),
        ]),
      ),
  );

  it("equal the oracle to the minor unit, however the topics interleave and wherever it was restored", async () => {
    const expected = finalRevisions(await oracle(shops), KEY);
    expect(expected.filter(({ refunded_minor }) => Number(refunded_minor) > 0).length).toBeGreaterThan(100);
    expect(expected.some(({ refunded_minor }) => Number(refunded_minor) < 0)).toBe(true);
    const random = seededRandom(seed + 100);
    for (const skew of [0, 3]) {
      const tasks: TopicRow[][] = shops.map((logs) => {
        const read = [...logs].map(([topic, rows]) => rows.map((row) => ({ topic, row })));
        return interleaved(read, random, skew);
      });
      const { rows } = runDetector(revenue, { tasks, chance: { random, restores: 8 } });
      const got = newest(rows.get(TABLE) ?? []);
      expect(got).toEqual(expected);
      expect(lowestNet(got)).toBeGreaterThanOrEqual(0);
    }
  });
});

test("orders of two tasks that have one id are refunded each by itself", () => {
  const task = (userId: string, category: string, priceMinor: number): TopicRow[] => [
    {
      topic: "customer-events",
      row: {
        ...{ eventId: `p-${userId}`, eventType: "purchase", eventTime: NOON, userId, orderId: "1001" },
        ...{ categoryId: category, priceMinor, currency: "EUR", quantity: 1 },
      },
    },
    {
      topic: "orders",
      row: {
        ...{ eventId: `o-${userId}`, orderId: "1001", userId, orderTime: NOON + 1000, status: "cancelled" },
        ...{ currency: "EUR", totalMinor: priceMinor, itemCount: 1 },
      },
    },
  ];
  const { rows } = runDetector(revenue, { tasks: [task("u1", "c", 1000), task("u2", "d", 500)] });
  const net = newest(rows.get(TABLE) ?? []).map((row) => [
    row.category_id,
    row.refunded_minor,
    row.net_minor,
  ]);
  expect(net.sort()).toEqual([
    ["c", 1000, 0],
    ["d", 500, 0],
  ]);
});
