import { describe, expect, test } from "vitest";
import {
  createFeatureSet,
  FRAUD_FEATURES,
  FraudFeatures,
  type OrderScorer,
  orderScorers,
  type ServedModels,
  type SessionScorerPlugin,
  sessionScorers,
} from "../../ml/index.ts";
import {
  type CustomerEventBatch,
  customerEventContract,
  type FraudLabelBatch,
  fraudLabelContract,
  type OrderBatch,
  orderContract,
  type PaymentBatch,
  paymentContract,
  RowFlag,
  StateSection,
} from "../../schema/index.ts";
import { createScoreOrders } from "./score-orders.ts";
import { CollectedHot, CollectedOutputs, copyState, seededRandom } from "./testing/drive.ts";
import { createKeys, makeBatch, type PlainRow } from "./testing/make-batch.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const PROGRESS = { watermarkMs: 0, closeMs: 0 };
const WIDTH = FRAUD_FEATURES.length;
const VELOCITY = FRAUD_FEATURES.indexOf("user_orders_1h");
const visit = sessionScorers.find(
  ({ name }) => name === "propensity",
) as SessionScorerPlugin<CustomerEventBatch>;
const describeFeature = orderScorers[0].describe;

/** Log-odds −3 with one more for each order of the user within the hour. */
const scorer: OrderScorer = {
  modelVersion: "by-velocity",
  classifier: "test",
  featureNames: FRAUD_FEATURES,
  bias: -3,
  thresholds: { review: 0.4, block: 0.6 },
  score(vectors, count, out) {
    for (let i = 0; i < count; i++) out[i] = 1 / (1 + Math.exp(3 - vectors[i * WIDTH + VELOCITY]));
  },
  contributions(vector, out) {
    out.fill(0);
    out[VELOCITY] = vector[VELOCITY];
  },
  explain: (vector) => ({ bias: -3, user_orders_1h: vector[VELOCITY] }),
};

const MONITOR = {
  health: { windowMs: 3_600_000, driftIndex: 0.25, driftRowsMin: 500, calibrationErrorMax: 0.1 },
  labelDelayMs: 7 * 86_400_000,
};

function createRig() {
  const slot = { models: { champion: scorer, card: null, challenger: null } as ServedModels<OrderScorer> };
  const keys = createKeys();
  const keySection = new StateSection("keys");
  for (const dictionary of Object.values(keys)) keySection.dictionary(dictionary);
  const outputs = new CollectedOutputs();
  const session = createFeatureSet(visit, keys);
  const features = new FraudFeatures({ session });
  const scoring = createScoreOrders(
    { hotTtlMs: 60_000, monitor: MONITOR },
    {
      keys,
      outputs,
      features,
      partition: 0,
      plugin: "fraud",
      slot,
      stopwatch: () => 0,
      describe: describeFeature,
    },
  );
  const { steps } = scoring;
  return {
    outputs,
    scoring,
    slot,
    sections: [
      keySection,
      features.section,
      ...session.sections,
      ...Object.values(steps).map(({ state }) => state),
    ],
    orders(rows: readonly PlainRow[], baseOffset = 0, flags: readonly number[] = []): void {
      const batch = makeBatch<OrderBatch>(orderContract, rows, { keys, baseOffset });
      batch.flags.set(flags);
      steps.orders.process(batch, 0, batch.length, PROGRESS);
    },
    payments(rows: readonly PlainRow[], baseOffset = 0): void {
      const batch = makeBatch<PaymentBatch>(paymentContract, rows, { keys, baseOffset });
      steps.payments.process(batch, 0, batch.length, PROGRESS);
    },
    labels(rows: readonly PlainRow[], baseOffset = 0): void {
      const batch = makeBatch<FraudLabelBatch>(fraudLabelContract, rows, { keys, baseOffset });
      steps["fraud-labels"].process(batch, 0, batch.length, PROGRESS);
    },
    events(rows: readonly PlainRow[], baseOffset = 0): void {
      const batch = makeBatch<CustomerEventBatch>(customerEventContract, rows, { keys, baseOffset });
      session.ensure();
      for (let row = 0; row < batch.length; row++) session.fold(batch, row);
      steps["customer-events"].process(batch, 0, batch.length, PROGRESS);
    },
    rows: () => outputs.table("gold.fraud_scores"),
  };
}

const order = (orderId: string, changes: PlainRow = {}): PlainRow => ({
  eventId: `e-${orderId}`,
  orderId,
  orderTime: NOON,
  userId: "u",
  status: "placed",
  currency: "EUR",
  totalMinor: 1000,
  itemCount: 1,
  deviceId: "d",
  ...changes,
});
const event = (changes: PlainRow = {}): PlainRow => ({
  eventId: "x",
  eventType: "item_view",
  eventTime: NOON - 60_000,
  userId: "u",
  ...changes,
});
const payment = (orderId: string): PlainRow => ({
  eventId: `t-${orderId}`,
  paymentId: `p-${orderId}`,
  orderId,
  userId: "u",
  paymentTime: NOON,
  status: "authorized",
  amountMinor: 1000,
  currency: "EUR",
  cardFingerprint: "card",
});

describe("score-orders", () => {
  test("scores each order once, when it is placed, and says what was known of it", () => {
    const rig = createRig();
    rig.events([event(), event()], 40);
    rig.payments([payment("other")], 7);
    rig.labels([{ eventId: "l", orderId: "other", userId: "u", labelTime: NOON, isFraud: false }], 3);
    rig.orders([order("a"), order("a"), order("a", { status: "paid" }), order("b")], 10, [
      0,
      RowFlag.duplicate,
    ]);
    rig.orders([order("b")], 14);
    expect(rig.rows().map(({ order_id }) => order_id)).toEqual(["a", "b"]);
    expect(rig.rows()[1]).toMatchObject({
      user_id: "u",
      order_time: NOON,
      decision: "pass",
      model_version: "by-velocity",
      classifier: "test",
      _partition: 0,
      _offset: 13,
      _events_offset: 42,
      _payments_offset: 8,
      _labels_offset: 4,
    });
    const features = JSON.parse(String(rig.rows()[1].features));
    expect(features).toHaveLength(WIDTH);
    expect(features[VELOCITY]).toBe(1);
    expect(features[FRAUD_FEATURES.indexOf("session_item_views")]).toBeCloseTo(Math.log(3));
    expect(features[FRAUD_FEATURES.indexOf("card_days_since_known_fraud")]).toBeNull();
  });

  test("alerts of what is to be reviewed or blocked, with reasons that add up to the score", () => {
    const rig = createRig();
    rig.orders(["a", "b", "c", "d", "e"].map((id, i) => order(id, { orderTime: NOON + i })));
    expect(rig.rows().map(({ decision }) => decision)).toEqual(["pass", "pass", "pass", "review", "block"]);
    expect(rig.outputs.alerts.map(({ id, severity }) => [id, severity])).toEqual([
      ["fraud:d", "medium"],
      ["fraud:e", "high"],
    ]);
    const [, alert] = rig.outputs.alerts;
    const row = rig.rows()[4];
    expect(alert).toMatchObject({ kind: "fraud", orderId: "e", userId: "u", eventTime: NOON + 4 });
    expect(alert.title).toContain("4 earlier orders of the user within an hour");
    expect(alert.figures).toMatchObject({
      decision: "block",
      modelVersion: "by-velocity",
      features: row.features,
      contributions: row.contributions,
      partition: 0,
      offset: 4,
      reason1: "4 earlier orders of the user within an hour",
    });
    const parts: Record<string, number> = JSON.parse(String(row.contributions));
    const margin = Object.values(parts).reduce((sum, part) => sum + part, 0);
    expect(parts).toEqual({ bias: -3, user_orders_1h: 4 });
    expect(1 / (1 + Math.exp(-margin))).toBeCloseTo(Number(row.score), 12);
  });

  test("keeps the newest orders for the hot store, and a bounded number of them", () => {
    const rig = createRig();
    const many = Array.from({ length: 9000 }, (_, i) => order(`o${i}`, { userId: `u${i}` }));
    rig.orders(many);
    const hot = new CollectedHot();
    expect(rig.scoring.flushHot(hot, 100)).toBe(true);
    expect(rig.scoring.flushHot(hot, Number.POSITIVE_INFINITY)).toBe(false);
    const values = hot.values();
    expect(values.size).toBeLessThan(8193);
    const newest = JSON.parse(values.get("fraud-scores/o8999") ?? "null");
    expect(newest).toMatchObject({
      orderId: "o8999",
      decision: "pass",
      modelVersion: "by-velocity",
      offset: 8999,
    });
  });

  test.each([1, 2, 3])("goes on after a restore as if nothing had happened (seed %i)", (seed) => {
    const straight = createRig();
    let broken = createRig();
    const rows: unknown[] = [];
    const random = seededRandom(seed);
    const below = (n: number): number => Math.floor(random() * n);
    for (let step = 0; step < 60; step++) {
      const who = { userId: `u${below(5)}`, deviceId: `d${below(3)}` };
      const some = [order(`o${step}`, { ...who, orderTime: NOON + step * 60_000 })];
      const about = `o${below(60)}`;
      const verdict = { eventId: `l${step}`, orderId: about, labelTime: NOON, isFraud: random() < 0.5 };
      for (const rig of [straight, broken]) {
        rig.events([event(who)], step);
        rig.payments([{ ...payment(about), ...who }], step);
        rig.labels([{ ...verdict, userId: who.userId }], step);
        rig.orders(some, step);
      }
      if (step % 7 !== 6) continue;
      rows.push(...broken.rows());
      const restored = createRig();
      copyState(broken.sections, restored.sections);
      broken = restored;
    }
    rows.push(...broken.rows());
    expect(rows).toEqual(straight.rows());
    expect(rows).toHaveLength(60);
  });
});

describe("the health of the model", () => {
  const HOUR = 3_600_000;
  const label = (orderId: string, isFraud: boolean, labelTime: number): PlainRow => ({
    eventId: `l-${orderId}`,
    orderId,
    userId: "u",
    labelTime,
    isFraud,
  });
  const at = (watermarkMs: number) => ({ watermarkMs, closeMs: watermarkMs });

  test("joins labels back to the scores of their orders; an order of which nothing is heard is genuine", () => {
    const rig = createRig();
    const { orders } = rig.scoring.steps;
    // Four orders within the hour: the third and the fourth are held for review or more.
    rig.orders(Array.from({ length: 4 }, (_, i) => order(`o${i}`, { orderTime: NOON + i })));
    rig.labels([
      label("o3", true, NOON + 10),
      label("o0", true, NOON + 11),
      label("unknown", true, NOON + 12),
    ]);
    const held = rig.rows().filter((row) => row.decision !== "pass").length;
    orders.advance(at(NOON + HOUR));
    expect(rig.outputs.table("gold.model_health")).toMatchObject([
      {
        plugin: "fraud",
        model_version: "by-velocity",
        scores: 4,
        labels: 2,
        positives: 2,
        true_positives: 1,
      },
    ]);
    // A verdict that is repeated counts once.
    rig.labels([label("o3", true, NOON + HOUR)], 3);
    orders.advance(at(NOON + MONITOR.labelDelayMs + HOUR));
    orders.advance(at(NOON + MONITOR.labelDelayMs + 2 * HOUR));
    const rows = rig.outputs.table("gold.model_health");
    const total = (name: string): number => rows.reduce((sum, row) => sum + Number(row[name]), 0);
    expect([total("labels"), total("positives")]).toEqual([4, 2]);
    expect(total("true_positives") + total("false_positives")).toBe(held);
    expect(rig.scoring.status()).toMatchObject({
      plugin: "fraud",
      champion: "by-velocity",
      challenger: null,
    });
  });

  test("holds what the model has no number for, counts it, and tells of the model once", () => {
    const rig = createRig();
    const broken: OrderScorer = {
      ...scorer,
      modelVersion: "broken",
      score(vectors, count, out) {
        scorer.score(vectors, count, out);
        for (let i = 0; i < count; i += 2) out[i] = Number.NaN;
      },
    };
    rig.slot.models = { champion: broken, card: null, challenger: null };
    rig.orders(["a", "b", "c", "d"].map((id) => order(id, { userId: id, deviceId: id })));
    expect(rig.rows().map(({ decision }) => decision)).toEqual(["review", "pass", "review", "pass"]);
    expect(rig.rows()[0]).toMatchObject({ score: 0.4, contributions: "{}", model_version: "broken" });
    expect(String(rig.rows()[0].reasons)).toContain("the model gave no score");
    const kinds = rig.outputs.alerts.map(({ id }) => id);
    expect(kinds.filter((id) => id.startsWith("fraud:"))).toEqual(["fraud:a", "fraud:c"]);
    expect(kinds.filter((id) => id.startsWith("model-problem:"))).toEqual([
      "model-problem:fraud:champion:broken:score-not-a-number",
    ]);
    expect(rig.scoring.status()).toMatchObject({ failedScores: 2 });
    rig.scoring.steps.orders.advance(at(NOON + HOUR));
    expect(rig.outputs.table("gold.model_health")).toMatchObject([
      { scores: 2, score_mean: expect.any(Number) },
    ]);
    expect(Number(rig.outputs.table("gold.model_health")[0].score_mean)).toBeGreaterThan(0);
  });

  test("judges a model by its own scores: labels of the champion before it are none of the new one's", () => {
    const rig = createRig();
    const { orders } = rig.scoring.steps;
    rig.orders([order("a0"), order("a1"), order("a2")]);
    rig.slot.models = { champion: { ...scorer, modelVersion: "next" }, card: null, challenger: null };
    rig.orders([order("b0", { orderTime: NOON + 1 }), order("b1", { orderTime: NOON + 2 })], 3);
    rig.labels([label("a0", true, NOON + 10), label("b0", true, NOON + 11)]);
    const restored = createRig();
    restored.slot.models = rig.slot.models;
    copyState(rig.sections, restored.sections);
    for (const { afterRestore } of Object.values(restored.scoring.steps)) afterRestore?.();
    restored.orders([order("c", { orderTime: NOON + 3 })], 5);
    restored.scoring.steps.orders.advance(at(NOON + MONITOR.labelDelayMs + HOUR));
    restored.scoring.steps.orders.advance(at(NOON + MONITOR.labelDelayMs + 2 * HOUR));
    orders.advance(at(NOON + HOUR));
    const labelsOf = (version: string): number[] =>
      [...rig.outputs.table("gold.model_health"), ...restored.outputs.table("gold.model_health")]
        .filter((row) => row.model_version === version)
        .map((row) => Number(row.labels));
    expect(labelsOf("by-velocity")).toEqual([0]);
    // b0 by its verdict, b1 and c since nothing was heard of them; a0 to a2 by none.
    expect(labelsOf("next")).toEqual([1, 1, 2]);
  });

  test("scores every order with a challenger, which holds none", () => {
    const rig = createRig();
    const challenger = {
      ...scorer,
      modelVersion: "all",
      score: (_: Float64Array, count: number, out: Float64Array) => void out.fill(0.99, 0, count),
    };
    rig.slot.models = { champion: scorer, card: null, challenger };
    rig.orders([order("a"), order("b", { userId: "v" })]);
    expect(rig.outputs.table("gold.shadow_scores")).toMatchObject([
      {
        plugin: "fraud",
        entity: "a",
        champion_version: "by-velocity",
        challenger_version: "all",
        challenger_score: 0.99,
      },
      { entity: "b", challenger_score: 0.99 },
    ]);
    expect(rig.outputs.alerts).toEqual([]);
  });
});
