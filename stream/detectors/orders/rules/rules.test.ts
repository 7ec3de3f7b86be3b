import { describe, expect, it, test } from "vitest";
import type { PlainRow } from "../../../operators/testing/make-batch.ts";
import { runDetector, type TopicRow } from "../../testing/run-detector.ts";
import { orders as spec } from "../index.ts";
import { DEFAULT_RULES, type Rule, readRules } from "./rule.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const TEN_MINUTES = 600_000;
const AMOUNT = 500_000;
let next = 0;

const order = (changes: PlainRow = {}): TopicRow => ({
  topic: "orders",
  row: {
    eventId: `e${next}`,
    orderId: `o${next++}`,
    orderTime: NOON,
    userId: "u",
    status: "placed",
    currency: "EUR",
    totalMinor: 1000,
    itemCount: 1,
    ...changes,
  },
});
const payment = (orderId: string, changes: PlainRow = {}): TopicRow => ({
  topic: "payments",
  row: {
    eventId: `t${next++}`,
    paymentId: "y",
    orderId,
    userId: "u",
    paymentTime: NOON,
    status: "authorized",
    amountMinor: 1000,
    currency: "EUR",
    ...changes,
  },
});
const profile = (updateTime: number, country: string): TopicRow => ({
  topic: "user-profiles",
  row: { eventId: `p${next++}`, userId: "u", updateTime, country },
});
const change = (ruleId: string, effectiveTime: number, changes: Partial<Rule> | null): TopicRow => ({
  topic: "rule-changes",
  row: {
    eventId: `c${next++}`,
    ruleId,
    changeTime: effectiveTime,
    effectiveTime,
    changedBy: "ada",
    rule:
      changes === null
        ? null
        : JSON.stringify({ ...DEFAULT_RULES.find(({ id }) => id === ruleId), ...changes }),
  },
});

/** The newest of every alert of the rules that holds, `RULE:ORDER`, and the reasons. */
function judged(tasks: readonly (readonly TopicRow[])[]): Map<string, string> {
  const { rows } = runDetector(spec, { tasks });
  const newest = new Map<string, Record<string, unknown>>();
  for (const row of rows.get("gold.order_alerts") ?? []) {
    const before = newest.get(String(row.alert_id));
    if (before === undefined || Number(before.revision) < Number(row.revision))
      newest.set(String(row.alert_id), row);
  }
  const held = [...newest.values()].filter(({ status }) => status === "raised");
  return new Map(held.map(({ alert_id, reason }) => [String(alert_id), String(reason)]));
}

const found = (...rows: TopicRow[]): string[] => [...judged([rows]).keys()].sort();
const at = (...times: number[]): TopicRow[] =>
  times.map((orderTime, i) => order({ orderId: `v${i}`, orderTime }));

describe("velocity", () => {
  test("speaks from the fourth order of a user within the window on", () => {
    expect(found(...at(NOON, NOON + 1, NOON + 2))).toEqual([]);
    expect(found(...at(NOON, NOON + 1, NOON + 2, NOON + 3, NOON + 4))).toEqual([
      "order-velocity@1:v3",
      "order-velocity@1:v4",
    ]);
  });

  test("an order that is just the window old no longer counts, one a millisecond younger does", () => {
    expect(found(...at(NOON, NOON + 1, NOON + 2, NOON + TEN_MINUTES))).toEqual([]);
    expect(found(...at(NOON, NOON + 1, NOON + 2, NOON + TEN_MINUTES - 1))).toEqual(["order-velocity@1:v3"]);
  });

  test("an order that comes late counts for those after it, whose alerts say so", () => {
    const alerts = judged([at(NOON + 100, NOON + 200, NOON + 300, NOON, NOON + 50)]);
    expect([...alerts].sort()).toEqual([
      ["order-velocity@1:v1", "4 orders within 10 minutes"],
      ["order-velocity@1:v2", "5 orders within 10 minutes"],
    ]);
  });

  test("does not take orders of which nothing is known for those of one device", () => {
    const unknown = Array.from({ length: 6 }, (_, i) =>
      order({ ...{ orderId: `n${i}`, userId: `u${i}`, orderTime: NOON + i }, deviceId: "", ipAddress: "" }),
    );
    expect(found(...unknown)).toEqual([]);
  });

  test("devices, cards and addresses are the same in all tasks, users are apart", () => {
    const of = (task: number, i: number): TopicRow[] => [
      order({
        orderId: `d${task}${i}`,
        userId: `u${task}`,
        orderTime: NOON + i,
        deviceId: "d",
        ipAddress: "1.2.3.4",
      }),
      payment(`d${task}${i}`, { userId: `u${task}`, paymentTime: NOON + i, cardFingerprint: "c" }),
    ];
    const tasks = [0, 1].map((task) => [0, 1, 2].flatMap((i) => of(task, i)));
    const rules = [...judged(tasks).keys()].map((id) => id.split(":")[0]);
    for (const rule of ["device-velocity@1", "card-velocity@1", "address-velocity@1"]) {
      // Both of the last millisecond: of the four before none has five that are not later.
      expect(rules.filter((one) => one === rule)).toHaveLength(2);
    }
    expect(rules).toHaveLength(6);
  });
});

describe("velocity over tasks", () => {
  /** Orders of one device in a task, then another order there, later. */
  const withDevice = (task: number, laterMs: number): TopicRow[] => [
    ...[0, 1, 2].map((i) =>
      order({ orderId: `d${task}${i}`, userId: `u${task}`, orderTime: NOON + i, deviceId: "d" }),
    ),
    order({ orderId: `l${task}`, userId: `l${task}`, orderTime: NOON + laterMs }),
  ];
  const ofDevice = (tasks: readonly (readonly TopicRow[])[]): string[] =>
    [...judged(tasks).keys()].filter((id) => id.startsWith("device-velocity"));

  test("counts orders together however many days one task is ahead of another", () => {
    const together = ofDevice([withDevice(0, TEN_MINUTES), withDevice(1, TEN_MINUTES)]);
    expect(together).toHaveLength(2);
    expect(ofDevice([withDevice(0, 5 * 86_400_000), withDevice(1, TEN_MINUTES)])).toEqual(together);
  });
});

test("velocity counts orders whose topic lies days behind another topic of the task", () => {
  const orders = (startMs: number): TopicRow[] =>
    Array.from({ length: 6 }, (_, i) => order({ orderId: `o${startMs}-${i}`, orderTime: startMs + i }));
  const days = [0, 1, 2].map((day) => NOON + day * 86_400_000);
  // As a loader writes a file: a chunk of one topic, then the same days of the other.
  const together = found(...days.flatMap(orders));
  expect(together.filter((id) => id.startsWith("order-velocity"))).toHaveLength(9);
  expect(found(profile(days[2] + 86_400_000, "DE"), ...days.flatMap(orders))).toEqual(together);
});

describe("amount", () => {
  test("speaks at the least total, not a minor unit below it", () => {
    expect(
      found(order({ orderId: "a", totalMinor: AMOUNT - 1 }), order({ orderId: "b", totalMinor: AMOUNT })),
    ).toEqual(["first-order@1:a", "order-amount@1:b"]);
  });

  test("speaks above five times the user's own mean, once there are three earlier orders", () => {
    const totals = (...all: number[]) =>
      all.map((totalMinor, i) => order({ orderId: `m${i}`, totalMinor, orderTime: NOON + i * TEN_MINUTES }));
    expect(found(...totals(1000, 2000, 3001, 3000, 3000, 15_000))).toEqual(["order-amount@1:m5"]);
    expect(found(...totals(1000, 1000, 1000, 5000))).toEqual([]);
    const [reason] = judged([totals(1000, 1000, 1000, 5000, 10_001)]).values();
    expect(reason).toBe("total 10001 EUR minor units is over 5 times the user's mean of 2000");
  });

  test("the mean is that of the first order's currency: others neither count for it nor move it", () => {
    const yen = (totalMinor: number) =>
      order({ currency: "JPY", totalMinor, orderTime: NOON + next * TEN_MINUTES });
    const own = () => order({ orderTime: NOON + next * TEN_MINUTES });
    const rows = [own(), yen(100_000), own(), yen(100_000), own(), yen(499_999)];
    expect(found(...rows)).toEqual([]);
    expect(
      found(...rows, order({ orderId: "own", totalMinor: 5001, orderTime: NOON + next * TEN_MINUTES })),
    ).toEqual(["order-amount@1:own"]);
  });
});

describe("countries", () => {
  const from = (billingCountry: string | null, shippingCountry: string | null) => ({
    orderId: "c",
    billingCountry,
    shippingCountry,
  });

  test("speak where both are known and differ", () => {
    expect(found(order(from("DE", "DE")))).toEqual([]);
    expect(found(order(from("DE", null)))).toEqual([]);
    // As many shops send what they do not know.
    expect(found(order(from("DE", "")))).toEqual([]);
    expect(found(order(from("", "FR")))).toEqual([]);
    expect([...judged([[order(from("DE", "FR"))]])]).toEqual([
      ["country-mismatch@1:c", "billed in DE, shipped to FR"],
    ]);
  });

  test("of card and profile are judged whatever comes first, by the profile as it was", () => {
    const rows = [order(from("DE", "DE")), payment("c", { cardCountry: "NG" }), profile(NOON - 1, "FR")];
    const expected = ["card-country@1:c", "profile-country@1:c"];
    expect(found(...rows)).toEqual(expected);
    expect(found(...rows.toReversed())).toEqual(expected);
    expect(found(...rows, profile(NOON + 1, "DE"))).toEqual(expected);
  });

  test("are taken back when the profile that held turns out to be another", () => {
    const rows = [order(from("DE", "DE")), profile(NOON - 9, "FR"), profile(NOON - 5, "DE")];
    expect(found(...rows)).toEqual([]);
    const { alerts } = runDetector(spec, { tasks: [rows] });
    const told = alerts.filter(({ kind }) => kind === "profile-country");
    expect(told.map(({ status, revision }) => [status, revision])).toEqual([
      ["raised", 1],
      ["retracted", 2],
    ]);
  });
});

test("a dear order at night, and a dear first order", () => {
  const night = Date.UTC(2026, 0, 5, 4, 59);
  const dear = { totalMinor: 200_000 };
  expect(found(order({ orderId: "n", orderTime: night, ...dear }))).toEqual([
    "first-order@1:n",
    "night-order@1:n",
  ]);
  expect(
    found(order(), order({ orderId: "n", orderTime: night + 60_000, ...dear, totalMinor: 4999 })),
  ).toEqual([]);
  expect(found(order(), order({ orderId: "n", orderTime: night, totalMinor: 199_999 }))).toEqual([]);
});

describe("changes of rules", () => {
  const dear = (orderId: string, orderTime: number) =>
    order({ orderId, orderTime, userId: orderId, totalMinor: 60_000 });

  test("hold for orders placed from their time on, and alerts name the version that judged", () => {
    const rows = [
      change("order-amount", NOON, { totalMinorMin: 50_000 } as Partial<Rule>),
      change("order-amount", NOON + 100, null),
      change("order-amount", NOON + 200, { totalMinorMin: 60_000 } as Partial<Rule>),
      dear("a", NOON - 1),
      dear("b", NOON),
      dear("c", NOON + 100),
      dear("d", NOON + 250),
      // Late, and judged by what held then.
      dear("e", NOON + 99),
    ];
    expect(found(...rows)).toEqual(["order-amount@2:b", "order-amount@2:e", "order-amount@4:d"]);
  });

  test("hold for their time however many come behind them", () => {
    const changes = Array.from({ length: 40 }, (_, i) =>
      change("order-amount", NOON + i * 100, { totalMinorMin: 50_000 + i * 1000 } as Partial<Rule>),
    );
    const rows = [
      ...changes,
      dear("a", NOON - 1),
      dear("b", NOON),
      dear("c", NOON + 999),
      dear("d", NOON + 1200),
    ];
    expect(found(...rows)).toEqual(["order-amount@11:c", "order-amount@2:b"]);
  });

  test("a rule of another name is version 1, and what is no rule changes nothing", () => {
    const own = { id: "any-order", kind: "first-order", totalMinorMin: 0, severity: "low" } as const;
    const rows = [
      change("any-order", 1, own),
      { topic: "rule-changes", row: { ...change("order-amount", 1, null).row, rule: '{"kind":"nonsense"}' } },
      order({ orderId: "a", totalMinor: AMOUNT }),
    ];
    expect(found(...rows)).toEqual(["any-order@1:a", "first-order@1:a", "order-amount@1:a"]);
  });
});

describe("a document of rules", () => {
  it("is refused with every problem of it", () => {
    const rules = [
      { id: "A b", kind: "velocity", of: "shoe", orders: 1, withinMs: 600_000, severity: "high" },
      { id: "x", kind: "country", left: "card", right: "card", severity: "fatal", extra: 1 },
      { kind: "sorcery" },
    ];
    expect(() => readRules({ rules })).toThrow(
      expect.objectContaining({
        code: "invalid-rules",
        origin: "user",
        message: expect.stringMatching(
          /A b.*shoe.*2 to 1000, it is 1.*fatal.*extra is no parameter.*must differ.*sorcery/s,
        ),
      }),
    );
    expect(() => readRules([])).toThrow(/expected/);
    expect(() => readRules({ rules: [DEFAULT_RULES[0], DEFAULT_RULES[0]] })).toThrow(/two of id/);
    expect(readRules({ rules: DEFAULT_RULES })).toEqual(DEFAULT_RULES);
  });
});
