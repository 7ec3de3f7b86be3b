import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { finalRevisions, type OutputRow, seededRandom } from "../../operators/testing/drive.ts";
import type { PlainRow } from "../../operators/testing/make-batch.ts";
import { Oracle } from "../../operators/testing/oracle.ts";
import { randomEvents } from "../../operators/testing/random-events.ts";
import { runDetector, type TopicRow } from "../testing/run-detector.ts";
import { revenue } from "./index.ts";

const MINUTE = 60_000;
const BASE = Date.UTC(2026, 0, 5, 12);
const KEY = ["category_id", "currency", "window_start"];
const TABLE = "gold.revenue_by_category";

const customerEvents = (rows: readonly PlainRow[]): TopicRow[] =>
  rows.map((row) => ({ topic: "customer-events", row }));

/** The newest revision of each key, without its number. */
function newest(rows: readonly OutputRow[]): OutputRow[] {
  return finalRevisions(rows, KEY).map(({ revision: _, ...row }) => row);
}

describe.each([11, 12, 13])("revenue of random events, seed %i", (seed) => {
  const partitions = [
    randomEvents({ seed, count: 4000, stepMs: 500 }),
    randomEvents({ seed: seed + 50, count: 4000, stepMs: 400 }),
  ];
  const tasks = partitions.map((events) => customerEvents(events as unknown as PlainRow[]));
  const straight = runDetector(revenue, { tasks });

  it("equals the oracle, to the minor unit", async () => {
    const oracle = await Oracle.open(partitions, {});
    const sql = readFileSync(new URL("./oracle/revenue_by_category.sql", import.meta.url), "utf8");
    // Nothing but customer events, and no order ids: see refunds.test.ts.
    await oracle.query(`ALTER TABLE settings ADD COLUMN revenue_window_ms BIGINT DEFAULT 60000;
      ALTER TABLE settings ADD COLUMN revenue_failed_after_ms BIGINT DEFAULT 900000;
      CREATE VIEW admitted_customer_events AS
        SELECT *, event_time_ms AS at_ms, CAST(NULL AS VARCHAR) AS order_id FROM admitted;
      CREATE TABLE admitted_orders (order_id VARCHAR, order_time BIGINT, status VARCHAR, duplicate BOOLEAN, too_late BOOLEAN);
      CREATE TABLE admitted_payments (order_id VARCHAR, payment_time BIGINT, status VARCHAR, amount_minor BIGINT,
        currency VARCHAR, duplicate BOOLEAN, too_late BOOLEAN)`);
    const expected = await oracle.query(sql);
    oracle.close();
    expect(expected.length).toBeGreaterThan(100);
    expect(newest(straight.rows.get(TABLE) ?? [])).toEqual(finalRevisions(expected, KEY));
  });

  it("is the same in any batches, after restores and with repeated blocks", () => {
    const random = seededRandom(seed);
    const cut = runDetector(revenue, { tasks, chance: { random, restores: 12 } });
    expect(newest(cut.rows.get(TABLE) ?? [])).toEqual(newest(straight.rows.get(TABLE) ?? []));
    expect(cut.hot).toEqual(straight.hot);
  });
});

describe("revenue", () => {
  const at = (afterMs: number, event: PlainRow): PlainRow => ({
    eventId: `e-${afterMs}`,
    eventType: "purchase",
    userId: "u",
    eventTime: BASE + afterMs,
    ...event,
  });

  it("shows the newest window that had any, and corrects it with what comes late", () => {
    const rows = [
      at(1000, { priceMinor: 500, quantity: 2, currency: "EUR", categoryId: "c" }),
      at(2 * MINUTE, { eventType: "click" }),
      at(2000, { priceMinor: 7 }),
      at(4 * MINUTE, { eventType: "click" }),
    ];
    // Two minutes late is too late; here the window is still open.
    const time = {
      outOfOrdernessMs: 2000,
      allowedLatenessMs: 10 * MINUTE,
      tickMs: 1000,
      longestWindowMs: MINUTE,
    };
    const { rows: tables, hot } = runDetector(revenue, { tasks: [customerEvents(rows)], time, end: false });
    expect(tables.get(TABLE)).toMatchObject([
      { category_id: "c", currency: "EUR", revenue_minor: 1000, units: 2, purchases: 1, revision: 1 },
      { category_id: "unknown", currency: "XXX", revenue_minor: 7, units: 1, purchases: 1, revision: 1 },
    ]);
    expect(JSON.parse(hot.get("category-revenue/latest") ?? "null")).toEqual({
      windowStart: BASE,
      windowEnd: BASE + MINUTE,
      items: [
        { categoryId: "c", currency: "EUR", revenueMinor: 1000, units: 2, purchases: 1, refundedMinor: 0 },
        { categoryId: "unknown", currency: "XXX", revenueMinor: 7, units: 1, purchases: 1, refundedMinor: 0 },
      ],
    });
  });
});
