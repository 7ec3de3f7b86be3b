import { readFileSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, test } from "vitest";
import {
  type EventBatch,
  type EventContract,
  type Float64Column,
  orderContract,
  paymentContract,
  StateSection,
  userProfileContract,
} from "../../../schema/index.ts";
import { createProductTable } from "../../operators/product-table.ts";
import {
  CollectedOutputs,
  copyState,
  finalRevisions,
  type OutputRow,
  seededRandom,
} from "../../operators/testing/drive.ts";
import { createKeys, makeBatch, type PlainRow } from "../../operators/testing/make-batch.ts";
import { UserRecords } from "../../operators/user-records.ts";
import type { Alert } from "../../ports/alert-bus.ts";
import type { Operator } from "../../runtime/operator.ts";
import { defaultTimeConfig, END_OF_INPUT, TaskTime, WatermarkTracker } from "../../time/index.ts";
import { interleaved } from "../testing/interleaved.ts";
import { orders as spec } from "./index.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;
const CONFIG = { ordersPaymentWithinMs: 15 * MINUTE, ordersKeepMs: 86_400_000 };
const CONTRACTS = {
  orders: orderContract,
  payments: paymentContract,
  "user-profiles": userProfileContract,
} as const;
type Topic = keyof typeof CONTRACTS;
interface TopicRecord {
  readonly topic: Topic;
  readonly row: PlainRow;
}

/** One task, with what the runtime does around a detector's steps. */
function createRig(config = CONFIG) {
  const keys = createKeys();
  const outputs = new CollectedOutputs();
  const detector = spec.create(config, {
    keys,
    outputs,
    products: createProductTable({ keys }),
    userRecords: new UserRecords(keys.userId, 1),
    time: defaultTimeConfig,
    taskId: "events-0",
    hotTtlMs: 1,
    sendBlock: () => undefined,
  } as unknown as Parameters<typeof spec.create>[1]);
  const keySection = new StateSection("keys");
  keySection.dictionary(keys.userId);
  const topics = (Object.keys(CONTRACTS) as Topic[]).map((topic) => ({
    topic,
    step: detector.steps[topic] as Operator,
    tracker: new WatermarkTracker(`watermark.${topic}`, defaultTimeConfig),
  }));
  const taskTime = new TaskTime(topics.map(({ tracker }) => tracker));
  const advance = (): void => {
    if (taskTime.advance()) detector.advanceTask?.(taskTime.nowMs);
  };
  return {
    outputs,
    sections: [keySection, ...topics.flatMap(({ step, tracker }) => [step.state, tracker.state])],
    feed(topic: Topic, row: PlainRow): void {
      const { step, tracker } = topics.find((one) => one.topic === topic)!;
      const contract: EventContract = CONTRACTS[topic];
      const batch = makeBatch<EventBatch>(contract, [row], { keys });
      const index = contract.fields.findIndex(({ name }) => name === contract.timeField);
      const time = batch.columns[index] as Float64Column;
      for (let from = 0; from < 1; ) {
        const to = tracker.scan(batch, time, from);
        if (to > from) step.process(batch, from, to, tracker.progress);
        else {
          step.advance(tracker.advance());
          advance();
        }
        from = to;
      }
    },
    afterRestore(): void {
      for (const { step, tracker } of topics) {
        step.afterRestore?.();
        tracker.afterRestore();
        step.advance(tracker.progress);
      }
      advance();
    },
    end(): void {
      for (const { step, tracker } of topics) {
        tracker.endOfInput();
        step.advance(END_OF_INPUT);
        advance();
      }
    },
    rows: (): OutputRow[] => finalRevisions(outputs.table("silver.orders"), ["order_id"]),
    heldAlerts: () => heldAlerts(outputs.alerts),
  };
}

function heldAlerts(alerts: readonly Alert[]): string[] {
  const newest = new Map(
    alerts.toSorted((a, b) => a.revision - b.revision).map((alert) => [alert.id, alert]),
  );
  return [...newest.values()]
    .filter(({ status }) => status === "raised")
    .map(({ id }) => id)
    .sort();
}

const order = (orderId: string, orderTime: number, changes: PlainRow = {}): PlainRow => ({
  eventId: `r-${orderId}-${orderTime}`,
  orderId,
  orderTime,
  userId: "u",
  status: "placed",
  currency: "EUR",
  totalMinor: 1000,
  itemCount: 1,
  ...changes,
});
const payment = (orderId: string, paymentTime: number, changes: PlainRow = {}): PlainRow => ({
  eventId: `t-${orderId}-${paymentTime}`,
  paymentId: `y-${orderId}`,
  orderId,
  userId: "u",
  paymentTime,
  status: "captured",
  amountMinor: 1000,
  currency: "EUR",
  ...changes,
});
const profile = (updateTime: number, changes: PlainRow = {}): PlainRow => ({
  eventId: `u-${updateTime}`,
  userId: "u",
  updateTime,
  ...changes,
});

describe("orders and payments", () => {
  test("are joined whichever comes first", () => {
    for (const paymentFirst of [false, true]) {
      const rig = createRig();
      const feeds = [
        () => rig.feed("orders", order("a", NOON)),
        () => rig.feed("payments", payment("a", NOON + 5)),
      ];
      for (const feed of paymentFirst ? feeds.reverse() : feeds) feed();
      expect(rig.rows()).toMatchObject([
        {
          order_id: "a",
          payment_id: "y-a",
          payment_status: "captured",
          paid_minor: 1000,
          payment_missing: false,
        },
      ]);
    }
  });

  test("an order has no row before it was placed, and the newest status from then on", () => {
    const rig = createRig();
    rig.feed("orders", order("a", NOON + 10, { status: "paid", totalMinor: 900 }));
    expect(rig.rows()).toEqual([]);
    rig.feed("orders", order("a", NOON));
    expect(rig.rows()).toMatchObject([
      { status: "paid", total_minor: 900, order_time: NOON, status_time: NOON + 10 },
    ]);
    rig.feed("orders", order("a", NOON + 20, { status: "refunded" }));
    expect(rig.rows()).toMatchObject([{ status: "refunded", revision: 2 }]);
  });

  test("a payment that did not fail goes before one that did", () => {
    const rig = createRig();
    rig.feed("orders", order("a", NOON));
    rig.feed("payments", payment("a", NOON + 1, { status: "failed", paymentId: "first" }));
    rig.feed("payments", payment("a", NOON + 2, { status: "captured", paymentId: "second" }));
    rig.feed("payments", payment("a", NOON + 3, { status: "failed", paymentId: "third" }));
    expect(rig.rows()).toMatchObject([{ payment_id: "second", failed_payments: 2 }]);
  });
});

describe("a missing payment", () => {
  test("is told of once the payments have come past its time, and taken back by one that was in time", () => {
    const rig = createRig();
    rig.feed("orders", order("a", NOON));
    rig.feed("payments", payment("b", NOON + 15 * MINUTE));
    expect(rig.outputs.alerts).toEqual([]);
    rig.feed("payments", payment("b", NOON + 16 * MINUTE));
    expect(rig.outputs.alerts).toMatchObject([
      {
        id: "payment-missing:a",
        revision: 1,
        status: "raised",
        orderId: "a",
        userId: "u",
        eventTime: NOON + 15 * MINUTE,
      },
    ]);
    expect(rig.rows()).toMatchObject([{ payment_missing: true, payment_status: null }]);
    rig.feed("payments", payment("a", NOON + 15 * MINUTE));
    expect(rig.outputs.alerts.slice(1)).toMatchObject([
      { id: "payment-missing:a", revision: 2, status: "retracted" },
    ]);
    expect(rig.rows()).toMatchObject([{ payment_missing: false, payment_status: "captured" }]);
  });

  test("stays missing where the payment was made later than that, or failed", () => {
    const rig = createRig();
    rig.feed("orders", order("a", NOON));
    rig.feed("orders", order("b", NOON));
    rig.feed("payments", payment("a", NOON + 15 * MINUTE + 1));
    rig.feed("payments", payment("b", NOON + 1, { status: "failed" }));
    rig.feed("payments", payment("c", NOON + 20 * MINUTE));
    expect(rig.heldAlerts()).toEqual(["payment-missing:a", "payment-missing:b"]);
    expect(rig.rows()).toMatchObject([
      { payment_status: "captured", payment_missing: true },
      { payment_status: "failed", payment_missing: true },
    ]);
  });

  test("is told of though no payment comes at all, after twice the time", () => {
    const rig = createRig();
    rig.feed("orders", order("a", NOON));
    rig.feed("orders", order("b", NOON + 29 * MINUTE));
    expect(rig.outputs.alerts).toEqual([]);
    rig.feed("orders", order("c", NOON + 31 * MINUTE));
    expect(rig.heldAlerts()).toEqual(["payment-missing:a"]);
  });
});

describe("the profile", () => {
  test("is the one that held when the order was placed, also where it comes late", () => {
    const rig = createRig();
    const countries = () => rig.rows().map(({ profile_country }) => profile_country);
    rig.feed("orders", order("a", NOON));
    rig.feed("user-profiles", profile(NOON + 1, { country: "FR" }));
    expect(countries()).toEqual([null]);
    rig.feed("user-profiles", profile(NOON - 5, { country: "DE" }));
    rig.feed("user-profiles", profile(NOON - 9, { country: "AT" }));
    expect(countries()).toEqual(["DE"]);
    rig.feed("orders", order("b", NOON + 10));
    expect(countries()).toEqual(["DE", "FR"]);
  });
});

test("orders are forgotten with their age, and their room is used again", () => {
  const rig = createRig({ ...CONFIG, ordersKeepMs: 3_600_000 });
  for (let i = 0; i < 8000; i++) {
    rig.feed("orders", order(`o-${i}`, NOON + i * 5000));
    rig.feed("payments", payment(`o-${i}`, NOON + i * 5000));
  }
  const bytes = rig.sections
    .flatMap(({ arrays }) => arrays)
    .reduce((sum, { values }) => sum + values.byteLength, 0);
  expect(bytes).toBeLessThan(8000 * 250);
  rig.feed("payments", payment("o-0", NOON + 8000 * 5000, { status: "refunded" }));
  rig.feed("payments", payment("o-7999", NOON + 8000 * 5000, { status: "refunded" }));
  const refunded = rig.rows().filter(({ payment_status }) => payment_status === "refunded");
  expect(refunded.map(({ order_id }) => order_id)).toEqual(["o-7999"]);
});

/** A topic's records in log order. */
function randomRecords(seed: number): Map<Topic, TopicRecord[]> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const timed: { at: number; record: TopicRecord }[] = [];
  const add = (topic: Topic, at: number, row: PlainRow): void => {
    // Most come in order; some late, some far too late.
    const delay = random() < 0.9 ? below(2000) : below(random() < 0.7 ? 60_000 : 900_000);
    timed.push({ at: at + delay, record: { topic, row } });
  };
  for (let i = 0; i < 400; i++) {
    const orderId = `o-${i}`;
    const at = NOON + below(6 * 3_600_000);
    const userId = `u-${below(40)}`;
    const shared = { userId, totalMinor: below(100_000), currency: random() < 0.5 ? "EUR" : "USD" };
    if (random() < 0.97)
      add("orders", at, order(orderId, at, { ...shared, deviceId: random() < 0.5 ? `d-${i}` : null }));
    for (const status of ["paid", "shipped", "cancelled", "refunded"].filter(() => random() < 0.4)) {
      const time = at + below(3_600_000);
      add(
        "orders",
        time,
        order(orderId, time, { ...shared, status, itemCount: below(9), eventId: `${status}-${i}` }),
      );
    }
    for (let p = below(4); p > 0; p--) {
      const time = at - 1000 + below(20 * MINUTE);
      const status = ["authorized", "captured", "failed", "refunded"][below(4)];
      add(
        "payments",
        time,
        payment(orderId, time, {
          userId,
          status,
          paymentId: `y-${i}-${p}`,
          eventId: `t-${i}-${p}`,
          cardCountry: "DE",
        }),
      );
    }
  }
  for (let i = 0; i < 200; i++) {
    const at = NOON - 3_600_000 + below(7 * 3_600_000);
    add(
      "user-profiles",
      at,
      profile(at, {
        eventId: `p-${i}`,
        userId: `u-${below(40)}`,
        country: `C${below(5)}`,
        segment: random() < 0.5 ? null : "vip",
      }),
    );
  }
  const logs = new Map<Topic, TopicRecord[]>();
  for (const { record } of timed.sort((a, b) => a.at - b.at))
    logs.set(record.topic, [...(logs.get(record.topic) ?? []), record]);
  return logs;
}

async function oracle(logs: ReadonlyMap<Topic, readonly TopicRecord[]>): Promise<OutputRow[]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  for (const topic of Object.keys(CONTRACTS) as Topic[]) {
    const { fields } = CONTRACTS[topic] as EventContract;
    const type = (name: string) =>
      ({ timestamp: "BIGINT", long: "BIGINT", int: "INTEGER", boolean: "BOOLEAN" })[name] ?? "VARCHAR";
    const columns = fields.map((field) => `${field.column} ${type(field.type)}`);
    const table = `admitted_${topic.replaceAll("-", "_")}`;
    await connection.run(`CREATE TABLE ${table} (${columns}, _offset BIGINT, duplicate BOOLEAN)`);
    const value = (one: PlainRow[string]) =>
      one == null ? "NULL" : typeof one === "string" ? `'${one}'` : String(one);
    const tuples = (logs.get(topic) ?? []).map(
      ({ row }, i) => `(${fields.map(({ name }) => value(row[name]))}, ${i}, false)`,
    );
    await connection.run(`INSERT INTO ${table} VALUES ${tuples.join(",")}`);
  }
  await connection.run(
    `CREATE TABLE settings AS SELECT ${CONFIG.ordersPaymentWithinMs} AS orders_payment_within_ms`,
  );
  const sql = readFileSync(new URL("oracle/orders.sql", import.meta.url), "utf8");
  const result = await connection.runAndReadAll(sql);
  const rows = result
    .getRowObjects()
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([key, one]) => [key, typeof one === "bigint" ? Number(one) : one]),
      ),
    ) as OutputRow[];
  connection.closeSync();
  return rows.sort((a, b) => (String(a.order_id) < String(b.order_id) ? -1 : 1));
}

const plain = ({ revision: _revision, ...row }: OutputRow): OutputRow => row;

test.each([1, 2, 3])(
  "seed %i: the newest rows are the oracle's, however topics interleave and wherever it was restored",
  async (seed) => {
    const logs = randomRecords(seed);
    const expected = await oracle(logs);
    expect(expected.length).toBeGreaterThan(300);
    expect(expected.filter(({ payment_missing }) => payment_missing).length).toBeGreaterThan(20);
    const random = seededRandom(seed + 100);
    for (const skew of [0, 2, 8]) {
      const rows: OutputRow[] = [];
      const alerts: Alert[] = [];
      let rig = createRig();
      const collect = (): void => {
        rows.push(...rig.outputs.table("silver.orders"));
        alerts.push(...rig.outputs.alerts.filter(({ kind }) => kind === "payment-missing"));
      };
      for (const { topic, row } of interleaved(logs.values(), random, skew)) {
        rig.feed(topic, row);
        if (random() > 0.004) continue;
        collect();
        const next = createRig();
        copyState(rig.sections, next.sections);
        rig = next;
        rig.afterRestore();
      }
      rig.end();
      collect();
      expect(finalRevisions(rows, ["order_id"]).map(plain)).toEqual(expected);
      const missing = expected.filter(({ payment_missing }) => payment_missing);
      expect(heldAlerts(alerts)).toEqual(missing.map(({ order_id }) => `payment-missing:${order_id}`).sort());
      const ids = rows.map(({ order_id, revision }) => `${order_id} ${revision}`);
      expect(new Set(ids).size).toBe(ids.length);
    }
  },
);
