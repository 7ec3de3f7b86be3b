import { describe, expect, test } from "vitest";
import { type OrderBatch, orderContract, RowFlag, StateSection } from "../../schema/index.ts";
import { createOrderRules, defaultOrderRulesConfig, type OrderRulesConfig } from "./order-rules.ts";
import { CollectedOutputs, copyState, type OutputRow, randomCuts, seededRandom } from "./testing/drive.ts";
import { createKeys, makeBatch, type PlainRow } from "./testing/make-batch.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const config = defaultOrderRulesConfig;
const PROGRESS = { watermarkMs: 0, closeMs: 0 };

function createRig(changes: Partial<OrderRulesConfig> = {}) {
  const keys = createKeys();
  const outputs = new CollectedOutputs();
  const rules = createOrderRules({ ...config, ...changes }, { keys, outputs });
  const keySection = new StateSection("keys");
  keySection.dictionary(keys.userId);
  let next = 0;
  return {
    keys,
    outputs,
    rules,
    sections: [keySection, rules.state],
    feed(orders: readonly PlainRow[], flags: readonly number[] = []): void {
      const rows = orders.map((order) => ({ eventId: `e${next}`, orderId: `o${next++}`, ...order }));
      const batch = makeBatch<OrderBatch>(orderContract, rows, { keys });
      batch.flags.set(flags);
      rules.process(batch, 0, batch.length, PROGRESS);
    },
    /** `RULE:ORDER` of every row so far. */
    hits: () => outputs.table("gold.order_alerts").map(({ alert_id }) => String(alert_id)),
  };
}

function order(changes: PlainRow = {}): PlainRow {
  return {
    orderTime: NOON,
    userId: "u",
    status: "placed",
    currency: "EUR",
    totalMinor: 1000,
    itemCount: 1,
    ...changes,
  };
}

function at(...times: number[]): PlainRow[] {
  return times.map((orderTime) => order({ orderTime }));
}

describe("order-velocity", () => {
  const W = config.velocityWindowMs;

  test("speaks from the fourth order within the window on", () => {
    const rig = createRig();
    rig.feed(at(NOON, NOON + 1, NOON + 2));
    expect(rig.hits()).toEqual([]);
    rig.feed(at(NOON + 3, NOON + 4));
    expect(rig.hits()).toEqual(["order-velocity@1:o3", "order-velocity@1:o4"]);
    expect(rig.outputs.alerts[1]).toMatchObject({
      kind: "order-velocity",
      severity: "high",
      orderId: "o4",
      figures: { orders: 5, windowMinutes: 10 },
    });
  });

  test("an order that is just the window old no longer counts, one a millisecond younger does", () => {
    const out = createRig();
    out.feed(at(NOON, NOON + 1, NOON + 2, NOON + W));
    expect(out.hits()).toEqual([]);
    const within = createRig();
    within.feed(at(NOON, NOON + 1, NOON + 2, NOON + W - 1));
    expect(within.hits()).toEqual(["order-velocity@1:o3"]);
  });

  test("looks back from the order's own time: later orders do not count for one that came late", () => {
    const rig = createRig();
    rig.feed(at(NOON + 100, NOON + 200, NOON + 300, NOON));
    expect(rig.hits()).toEqual([]);
    rig.feed(at(NOON + 150));
    expect(rig.hits()).toEqual([]);
    rig.feed(at(NOON + 300));
    expect(rig.hits()).toEqual(["order-velocity@1:o5"]);
  });

  test("keeps the newest orders of each user apart from everybody else's", () => {
    const rig = createRig();
    rig.feed(Array.from({ length: 30 }, (_, i) => order({ userId: `u${i % 10}`, orderTime: NOON + i })));
    expect(rig.hits()).toEqual([]);
    rig.feed([order({ userId: "u3", orderTime: NOON + 40 })]);
    expect(rig.hits()).toEqual(["order-velocity@1:o30"]);
  });

  test("remembers enough orders for the largest rule, and refuses a larger one at the start", () => {
    const rig = createRig({ velocityOrders: 16 });
    rig.feed(at(...Array.from({ length: 40 }, (_, i) => NOON - 2 * W + i)));
    rig.feed(at(...Array.from({ length: 16 }, (_, i) => NOON + i)));
    expect(rig.hits().at(-1)).toBe("order-velocity@1:o55");
    expect(() => createRig({ velocityOrders: 17 })).toThrow(/16 orders at most/);
  });
});

describe("order-amount", () => {
  test("speaks at the maximum, not a minor unit below it", () => {
    const rig = createRig();
    rig.feed([
      order({ totalMinor: config.amountMinorMax - 1 }),
      order({ userId: "v", totalMinor: config.amountMinorMax }),
    ]);
    expect(rig.hits()).toEqual(["order-amount@1:o1"]);
  });

  test("speaks above five times the user's own mean, once there are three earlier orders", () => {
    const rig = createRig({ velocityOrders: 16 });
    const totals = [1000, 2000, 3001, 3000, 3000, 15000];
    rig.feed(totals.map((totalMinor, i) => order({ totalMinor, orderTime: NOON + i })));
    // Two orders of history say nothing yet; 15000 is above five times the mean of 2400.2.
    expect(rig.hits()).toEqual(["order-amount@1:o5"]);
    const edge = createRig({ velocityOrders: 16 });
    edge.feed([1000, 1000, 1000, 5000].map((totalMinor, i) => order({ totalMinor, orderTime: NOON + i })));
    expect(edge.hits()).toEqual([]);
    edge.feed([order({ totalMinor: 10_001, orderTime: NOON + 9 })]);
    expect(edge.hits()).toEqual(["order-amount@1:o4"]);
    expect(edge.outputs.alerts[0].figures).toEqual({ totalMinor: 10_001, meanMinor: 2000 });
  });
});

describe("currencies", () => {
  test("the mean is that of the first order's currency: others neither count for it nor move it", () => {
    const rig = createRig({ velocityOrders: 16 });
    const yen = (totalMinor: number) => order({ currency: "JPY", totalMinor });
    rig.feed([order(), yen(100_000), order(), yen(100_000), order(), yen(499_999), yen(500_000)]);
    expect(rig.hits()).toEqual(["order-amount@1:o6"]);
    rig.feed([order({ totalMinor: 5001 })]);
    expect(rig.hits()).toEqual(["order-amount@1:o6", "order-amount@1:o7"]);
    expect(rig.outputs.alerts[1].figures).toEqual({ totalMinor: 5001, meanMinor: 1000 });
  });

  test("orders count for velocity whatever their currency", () => {
    const rig = createRig();
    rig.feed(["EUR", "USD", "loyalty points", "JPY"].map((currency) => order({ currency })));
    expect(rig.hits()).toEqual(["order-velocity@1:o3"]);
  });
});

describe("country-mismatch", () => {
  test("speaks where both countries are known and differ", () => {
    const rig = createRig();
    rig.feed([
      order({ billingCountry: "DE", shippingCountry: "DE" }),
      order({ userId: "v", billingCountry: "DE", shippingCountry: "FR" }),
      order({ userId: "w", billingCountry: "DE" }),
      order({ userId: "x", shippingCountry: "FR" }),
      order({ userId: "y" }),
    ]);
    expect(rig.hits()).toEqual(["country-mismatch@1:o1"]);
    expect(rig.outputs.alerts[0]).toMatchObject({
      severity: "low",
      figures: { billing: "DE", shipping: "FR" },
      title: "Order o1 of v: billed in DE, shipped to FR",
    });
  });
});

describe("order rules", () => {
  test("an order that several rules find is a row and an alert of each", () => {
    const rig = createRig();
    rig.feed([
      ...at(NOON, NOON, NOON),
      order({ totalMinor: 999_999, billingCountry: "DE", shippingCountry: "FR" }),
    ]);
    expect(rig.hits()).toEqual(["order-velocity@1:o3", "order-amount@1:o3", "country-mismatch@1:o3"]);
    expect(rig.outputs.alerts.map(({ id }) => id)).toEqual(rig.hits());
  });

  test("duplicates and other states of an order are neither judged nor remembered", () => {
    const rig = createRig();
    const repeated = order({ totalMinor: 900_000, eventId: "same", orderId: "same" });
    rig.feed(
      [repeated, repeated, repeated, repeated],
      [0, RowFlag.duplicate, RowFlag.duplicate, RowFlag.duplicate],
    );
    for (const status of ["paid", "shipped", "delivered", "cancelled", "refunded"]) {
      rig.feed([order({ totalMinor: 900_000, orderId: "same", status })]);
    }
    expect(rig.hits()).toEqual(["order-amount@1:same"]);
    rig.feed(at(NOON + 1, NOON + 2));
    expect(rig.hits()).toHaveLength(1);
  });

  test("state grows with the users who order, not with those who are known", () => {
    const rig = createRig();
    for (let i = 0; i < 100_000; i++) rig.keys.userId.internText(`visitor-${i}`);
    rig.feed([order(), order({ userId: "visitor-99999" })]);
    const bytes = rig.rules.state.arrays.reduce((sum, { values }) => sum + values.byteLength, 0);
    expect(bytes).toBeLessThan(100_000 * 8);
  });

  test("late orders are judged as any other", () => {
    const rig = createRig();
    rig.feed([order({ totalMinor: 900_000 })], [RowFlag.tooLate]);
    expect(rig.hits()).toEqual(["order-amount@1:o0"]);
  });

  test("rows and alerts are those of a straight run, cut and restored anywhere", () => {
    const random = seededRandom(77);
    const orders = Array.from({ length: 1500 }, (_, i) =>
      order({
        eventId: `e-${i}`,
        orderId: `o-${i}`,
        userId: `u${Math.floor(random() * 40)}`,
        currency: random() < 0.9 ? "EUR" : "USD",
        orderTime: NOON + i * 5000 - Math.floor(random() * 60_000),
        totalMinor: Math.floor(random() ** 8 * 700_000),
        billingCountry: random() < 0.9 ? "DE" : "AT",
        shippingCountry: random() < 0.9 ? "DE" : null,
      }),
    );
    const run = (cuts: readonly number[], restoreAt: readonly number[]) => {
      const rows: OutputRow[] = [];
      const alerts: string[] = [];
      let rig = createRig();
      const collect = (): void => {
        rows.push(...rig.outputs.table("gold.order_alerts"));
        alerts.push(...rig.outputs.alerts.map((alert) => JSON.stringify(alert)));
      };
      for (let i = 1; i < cuts.length; i++) {
        rig.feed(orders.slice(cuts[i - 1], cuts[i]));
        if (!restoreAt.includes(i)) continue;
        collect();
        const next = createRig();
        copyState(rig.sections, next.sections);
        rig = next;
      }
      collect();
      return { rows, alerts };
    };
    const straight = run([0, orders.length], []);
    expect(new Set(straight.rows.map(({ rule }) => rule)).size).toBe(3);
    expect(run(randomCuts(orders.length, 60, random), [4, 5, 31, 50])).toEqual(straight);
  });
});
