import { describe, expect, it } from "vitest";
import {
  contracts,
  createDecoder,
  type EventBatch,
  type EventDecoder,
  KeyDictionary,
  RECORD_PADDING,
  StateSection,
} from "../../../schema/index.ts";
import type { FeatureState } from "../../plugin.ts";
import { createRandom } from "../../training/random.ts";
import { shopperSession } from "../shopper-session.ts";
import type { LabelRows, OrderRows, PaymentRows } from "./fraud-events.ts";
import { FRAUD_FEATURES, FRAUD_TIME_BOUND, FraudFeatures } from "./fraud-features.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type Plain = Readonly<Record<string, unknown>>;
interface Fact {
  readonly topic: "orders" | "payments" | "fraud-labels";
  readonly value: Plain;
}

/** The fold of one task, fed with records as the log has them. */
class Rig {
  readonly vectors = new Map<string, Float64Array>();
  readonly features: FraudFeatures;
  private readonly decoders = new Map<string, EventDecoder<EventBatch>>();
  private readonly keys = {
    userId: new KeyDictionary("userId"),
    productId: new KeyDictionary("productId"),
    categoryId: new KeyDictionary("categoryId"),
  };
  private next = 0;

  constructor(bounds: { readonly entitiesMax?: number; readonly ordersMax?: number } = {}) {
    const session = shopperSession.createState(new StateSection("visit"), this.keys) as FeatureState;
    this.features = new FraudFeatures({ session, ...bounds });
  }

  feed(facts: readonly Fact[]): void {
    for (const { topic, value } of facts) {
      const batch = this.decode(topic, { eventId: `e${this.next++}`, ...value });
      this.features.ensure();
      if (topic === "payments") this.features.foldPayment(batch as PaymentRows, 0);
      else if (topic === "fraud-labels") this.features.foldLabel(batch as LabelRows, 0);
      else this.foldOrder(batch as OrderRows, String(value.orderId));
    }
  }

  /** A feature of an order, as it was when the order was placed. */
  value(orderId: string, feature: string): number {
    const place = FRAUD_FEATURES.indexOf(feature);
    expect(place, feature).toBeGreaterThanOrEqual(0);
    return (this.vectors.get(orderId) as Float64Array)[place];
  }

  private foldOrder(batch: OrderRows, orderId: string): void {
    const vector = new Float64Array(FRAUD_FEATURES.length).fill(-1e9);
    if (this.features.foldOrder(batch, 0, vector, 0)) this.vectors.set(orderId, vector);
  }

  private decode(topic: string, value: Plain): EventBatch {
    const contract = contracts.find((one) => one.topic === topic);
    if (contract === undefined) throw new Error(topic);
    let decoder = this.decoders.get(topic);
    if (decoder === undefined) {
      decoder = createDecoder(contract, { keys: { ...this.keys }, capacity: 1, futureSkewMs: null });
      this.decoders.set(topic, decoder);
    }
    const text = Buffer.from(JSON.stringify(value));
    const bytes = Buffer.concat([text, Buffer.alloc(RECORD_PADDING)]);
    const place = { topic, partition: 0, baseOffset: 0, count: 1, bytes, ingestedAt: 0, sequence: 0 };
    const batch = decoder.decode(
      { ...place, starts: Int32Array.of(0), ends: Int32Array.of(text.length), control: "data" },
      0,
      1,
    );
    expect(decoder.refusals).toEqual([]);
    return batch;
  }
}

const order = (orderId: string, changes: Plain = {}): Fact => ({
  topic: "orders",
  value: {
    orderId,
    orderTime: NOON,
    userId: "u",
    status: "placed",
    currency: "EUR",
    totalMinor: 1000,
    itemCount: 1,
    deviceId: "d",
    ipAddress: "10.0.0.1",
    billingCountry: "DE",
    shippingCountry: "DE",
    ...changes,
  },
});
const payment = (orderId: string, changes: Plain = {}): Fact => ({
  topic: "payments",
  value: {
    paymentId: `p-${orderId}`,
    orderId,
    userId: "u",
    paymentTime: NOON,
    status: "authorized",
    amountMinor: 1000,
    currency: "EUR",
    cardFingerprint: "card",
    cardCountry: "DE",
    ...changes,
  },
});
const label = (orderId: string, isFraud: boolean, changes: Plain = {}): Fact => ({
  topic: "fraud-labels",
  value: { orderId, userId: "u", labelTime: NOON + DAY, isFraud, ...changes },
});

describe("fraud features", () => {
  it("count the labels of orders that are not remembered any more, which no feature knows", () => {
    const rig = new Rig({ ordersMax: 20 });
    const honest = Array.from({ length: 15 }, (_, i) =>
      order(`o${i}`, { userId: `u${i}`, deviceId: `d${i}` }),
    );
    rig.feed([order("old"), ...honest, label("unplaced", true), label("o0", false)]);
    expect(rig.features.lateLabels).toBe(0);
    const more = honest.map(({ topic, value }) => ({
      topic,
      value: { ...value, orderId: `${value.orderId}-2` },
    }));
    rig.feed([
      ...more,
      label("old", true),
      label("o14-2", true),
      order("next", { orderTime: NOON + 2 * DAY }),
    ]);
    expect(rig.features.lateLabels).toBe(1);
    expect(rig.value("next", "user_known_frauds")).toBe(0);
  });

  it("are named once each, for every kind of entity", () => {
    expect(new Set(FRAUD_FEATURES).size).toBe(FRAUD_FEATURES.length);
    expect(FRAUD_FEATURES.length).toBeGreaterThanOrEqual(90);
    for (const entity of ["user", "device", "card", "address", "product", "country", "session"]) {
      expect(FRAUD_FEATURES.filter((name) => name.startsWith(`${entity}_`)).length).toBeGreaterThan(9);
    }
    const rig = new Rig();
    rig.feed([order("a")]);
    expect([...(rig.vectors.get("a") as Float64Array)]).not.toContain(-1e9);
  });

  it("are time-bound where they are of the calendar or look back further than a day", () => {
    expect(FRAUD_FEATURES).toEqual(expect.arrayContaining([...FRAUD_TIME_BOUND]));
    expect(new Set(FRAUD_TIME_BOUND).size).toBe(FRAUD_TIME_BOUND.length);
    const bound = ["order_hour_sin", "user_days_known", "card_known_labels", "session_past_sessions"];
    for (const name of bound) expect(FRAUD_TIME_BOUND).toContain(name);
    const steady = ["order_amount", "user_orders_1h", "payer_attempts_1d", "session_cart_value"];
    for (const name of steady) expect(FRAUD_TIME_BOUND).not.toContain(name);
  });

  it("count and add up by event time, window by window, whatever the order of arrival", () => {
    const rig = new Rig();
    const minute = 60_000;
    rig.feed([
      order("a", { orderTime: NOON, totalMinor: 100 }),
      order("b", { orderTime: NOON + 30 * minute, totalMinor: 200 }),
      // Behind the ones before it, and in another currency: counted, not added up.
      order("c", { orderTime: NOON - 2 * HOUR, totalMinor: 900, currency: "USD" }),
      order("d", { orderTime: NOON + HOUR, totalMinor: 400 }),
      order("e", { orderTime: NOON + HOUR + 2 * minute, totalMinor: 600, deviceId: "other" }),
    ]);
    expect(rig.value("d", "user_orders_1h")).toBe(1);
    expect(rig.value("d", "user_orders_1d")).toBe(3);
    expect(rig.value("d", "user_amount_1d")).toBe(300);
    expect(rig.value("d", "user_amount_to_mean")).toBeCloseTo(400 / 150);
    expect(rig.value("e", "user_orders_5m")).toBe(1);
    expect(rig.value("e", "user_hours_since_last")).toBeCloseTo(1 / 30);
    expect(rig.value("e", "user_orders_on_device")).toBe(0);
    expect(rig.value("e", "device_orders_30d")).toBe(0);
    expect(rig.value("c", "user_orders_30d")).toBe(0);
  });

  it("see a device and a card that many share", () => {
    const rig = new Rig();
    for (const user of ["u1", "u2", "u3"]) {
      rig.feed([order(`o-${user}`, { userId: user }), payment(`o-${user}`, { userId: user })]);
    }
    rig.feed([payment("late", { userId: "u4" }), order("late", { userId: "u4" })]);
    expect(rig.value("late", "device_users_1d")).toBe(3);
    expect(rig.value("late", "order_payment_known")).toBe(1);
    expect(rig.value("late", "card_users_1d")).toBe(4);
    expect(rig.value("o-u3", "card_users_1d")).toBeNaN();
  });

  it("know a fraud from its label on, not before, and take a verdict back", () => {
    const rig = new Rig();
    rig.feed([order("a"), payment("a"), order("b", { orderTime: NOON + HOUR })]);
    expect(rig.value("b", "user_known_frauds")).toBe(0);
    rig.feed([label("a", true), order("c", { orderTime: NOON + 2 * DAY })]);
    for (const entity of ["user", "device", "address", "card", "country"]) {
      expect(rig.value("c", `${entity}_known_frauds`), entity).toBe(1);
      expect(rig.value("c", `${entity}_days_since_known_fraud`), entity).toBe(1);
    }
    // A chargeback after a review, and a repeat of it.
    rig.feed([label("b", false), label("b", true), label("b", true), order("d")]);
    expect(rig.value("d", "user_known_labels")).toBe(2);
    expect(rig.value("d", "user_known_frauds")).toBe(2);
    rig.feed([label("a", false), order("e")]);
    expect(rig.value("e", "card_known_frauds")).toBe(0);
  });

  it("count attempts and failures once, whatever is sent twice", () => {
    const rig = new Rig();
    const failed = payment("a", { paymentId: "x", status: "failed" });
    rig.feed([failed, failed, payment("a"), payment("a", { status: "captured" }), payment("a")]);
    rig.feed([order("a", { orderTime: NOON + 1000 }), order("a")]);
    expect(rig.value("a", "payer_failures_1h")).toBe(1);
    expect(rig.value("a", "payer_attempts_1h")).toBe(2);
    rig.feed([order("a", { status: "refunded" }), order("a", { status: "refunded" })]);
    rig.feed([order("b", { orderTime: NOON + 2000 })]);
    expect(rig.value("b", "user_refunded_share")).toBe(1);
    expect(rig.value("b", "user_orders_30d")).toBe(1);
  });

  it.each([1, 2, 3, 4, 5])("do not depend on how topics interleave between two orders (seed %i)", (seed) => {
    const random = createRandom(seed);
    const straight = new Rig();
    const shuffled = new Rig();
    for (const facts of randomStory(random, 400)) {
      straight.feed(facts);
      shuffled.feed(interleave(facts, random));
    }
    expect(straight.vectors.size).toBeGreaterThan(100);
    for (const [id, vector] of straight.vectors) {
      const other = shuffled.vectors.get(id) as Float64Array;
      expect(Buffer.from(vector.buffer).equals(Buffer.from(other.buffer)), id).toBe(true);
    }
  });

  it("remember no more entities than they may, and state what each costs", () => {
    const rig = new Rig({ entitiesMax: 50 });
    for (let i = 0; i < 500; i++) {
      const who = { userId: `u${i}`, deviceId: `d${i}`, ipAddress: `10.0.0.${i}` };
      rig.feed([order(`o${i}`, { ...who, orderTime: NOON + i }), payment(`o${i}`, { userId: `u${i}` })]);
      rig.feed([order(`k${i}`, { userId: "always", orderTime: NOON + i })]);
    }
    for (const { entities } of Object.values(rig.features.stateBytes)) expect(entities).toBeLessThan(51);
    // Who keeps coming is not forgotten for those who came once.
    expect(rig.value("k499", "user_orders_30d")).toBe(16);
    expect(rig.value("o499", "user_orders_30d")).toBe(0);
  });

  it("take at most 3 kB a buyer with a device, an address and a card of their own", () => {
    const rig = new Rig();
    const buyers = 2000;
    for (let i = 0; i < buyers; i++) {
      const who = { userId: `u${i}`, deviceId: `d${i}`, ipAddress: `10.1.${i >> 8}.${i & 255}` };
      rig.feed([order(`o${i}`, who), payment(`o${i}`, { userId: `u${i}`, cardFingerprint: `c${i}` })]);
    }
    const used = rig.features.section.arrays.reduce(
      (sum, { length, values }) => sum + length * values.BYTES_PER_ELEMENT,
      0,
    );
    expect(used / buyers).toBeLessThan(3000);
    const each = Object.values(rig.features.stateBytes).reduce((sum, kind) => sum + kind.bytesEach, 0);
    expect(each).toBeGreaterThan(2000);
  });
});

/** Orders with what happens before the next one: in front of it, payments and labels of any order. */
function randomStory(random: () => number, orders: number): Fact[][] {
  const below = (n: number): number => Math.floor(random() * n);
  const story: Fact[][] = [];
  for (let i = 0; i < orders; i++) {
    const before: Fact[] = [];
    for (let n = below(4); n > 0; n--) {
      const about = `o${Math.max(0, i - 5 + below(8))}`;
      const user = `u${below(12)}`;
      const timeMs = NOON + i * 600_000 + below(1_000_000);
      if (random() < 0.5) before.push(label(about, random() < 0.5, { labelTime: timeMs }));
      else {
        const status = ["authorized", "failed", "captured", "refunded"][below(4)];
        const paymentId = `p${about}-${below(2)}`;
        const cardFingerprint = `c${below(6)}`;
        before.push(
          payment(about, { userId: user, paymentTime: timeMs, status, paymentId, cardFingerprint }),
        );
      }
    }
    const orderTime = NOON + i * 600_000 - below(3_000_000);
    const who = { userId: `u${below(12)}`, deviceId: `d${below(8)}`, ipAddress: `a${below(8)}` };
    story.push([...before, order(`o${i}`, { ...who, orderTime, totalMinor: below(9000) })]);
  }
  return story;
}

/** The same with the topics mixed anew; each topic keeps its order, and the order comes last. */
function interleave(facts: readonly Fact[], random: () => number): Fact[] {
  const queues = ["payments", "fraud-labels"].map((topic) => facts.filter((fact) => fact.topic === topic));
  const mixed: Fact[] = [];
  while (queues.some((queue) => queue.length > 0)) {
    const queue = queues[random() < 0.5 ? 0 : 1];
    const next = queue.shift();
    if (next !== undefined) mixed.push(next);
  }
  return [...mixed, ...facts.filter((fact) => fact.topic === "orders")];
}
