import { describe, expect, test } from "vitest";
import {
  createFeatureSet,
  type ModelCard,
  referenceBins,
  type SessionScorerPlugin,
  shopperSession,
} from "../../ml/index.ts";
import {
  type CustomerEvent,
  type CustomerEventBatch,
  customerEventContract,
  StateSection,
} from "../../schema/index.ts";
import { ModelHealthMonitor } from "./model-health.ts";
import { CollectedOutputs, seededRandom } from "./testing/drive.ts";
import { createKeys, makeBatch } from "./testing/make-batch.ts";

const MIDNIGHT = Date.UTC(2026, 0, 5);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const VISIT_EVERY_MS = 20_000;
const SHOPPERS = 2000;
const CHUNK = 4000;
const SEED = 7;
const CHAMPION = { modelVersion: "one" };

/** Two days of a shop where every hour is like the other; on the second, prices are so many times as high. */
function twoDays(priceFactor: number): Partial<CustomerEvent>[] {
  const random = seededRandom(SEED);
  const events: Partial<CustomerEvent>[] = [];
  for (let at = MIDNIGHT; at < MIDNIGHT + 2 * DAY; at += VISIT_EVERY_MS) {
    const userId = `u${Math.floor(random() * SHOPPERS)}`;
    const factor = at < MIDNIGHT + DAY ? 1 : priceFactor;
    for (let i = Math.floor(random() * 5); i >= 0; i--) {
      events.push({
        eventId: `e${events.length}`,
        eventType: random() < 0.1 ? "cart_add" : "item_view",
        eventTime: Math.floor(at + random() * 300_000),
        userId,
        productId: `p${Math.floor(random() * 100)}`,
        priceMinor: Math.floor(random() * 10_000 * factor),
      });
    }
  }
  return events.sort((a, b) => Number(a.eventTime) - Number(b.eventTime));
}

/** What is told of the second day, hour by hour, by a model that was trained on the first. */
function secondDay(priceFactor: number) {
  const keys = createKeys();
  const plugin = { features: [shopperSession] } as unknown as SessionScorerPlugin<CustomerEventBatch>;
  const features = createFeatureSet(plugin, keys);
  const { featureNames, timeBound } = features;
  const outputs = new CollectedOutputs();
  const monitor = new ModelHealthMonitor(
    { windowMs: HOUR, driftIndex: 0.25, driftRowsMin: 300, calibrationErrorMax: 0.1 },
    {
      plugin: "p",
      featureNames,
      timeBound,
      outputs,
      state: new StateSection("health"),
      partition: 0,
      labelDelayMs: 0,
    },
  );
  const training: number[][] = featureNames.map(() => []);
  const vector = new Float64Array(featureNames.length);
  let isTrained = false;
  const train = (): void => {
    isTrained = true;
    const bins = featureNames.map((name, j) => [name, referenceBins(Float64Array.from(training[j]))]);
    const reference = { score: referenceBins(Float64Array.of(0.5)), features: Object.fromEntries(bins) };
    const card = { version: "one", reference } as unknown as ModelCard;
    monitor.follow({ champion: CHAMPION, card, challenger: null });
  };
  const events = twoDays(priceFactor);
  for (let from = 0; from < events.length; from += CHUNK) {
    const chunk = events.slice(from, from + CHUNK) as never;
    const batch = makeBatch<CustomerEventBatch>(customerEventContract, chunk, { keys, baseOffset: from });
    features.ensure();
    for (let row = 0; row < batch.length; row++) {
      const now = batch.eventTime.values[row];
      features.fold(batch, row);
      features.read(batch.userId.ids[row], now, vector, 0);
      if (now < MIDNIGHT + DAY) {
        for (const [j, column] of training.entries()) column.push(vector[j]);
        continue;
      }
      if (!isTrained) train();
      monitor.advance({ watermarkMs: now, closeMs: now });
      monitor.addScore(now, 0.5, vector, 0);
    }
  }
  const drifts = outputs.alerts.filter(({ kind }) => kind === "model-drift");
  return { drifts, rows: outputs.table("gold.model_health") };
}

describe(`drift by the hour of a model that was trained on a day (seed ${SEED})`, () => {
  test("is none on a healthy day, though clock and past visits are measured", () => {
    const { drifts, rows } = secondDay(1);
    expect(rows.length).toBeGreaterThanOrEqual(23);
    for (const row of rows) {
      expect(row.scores).toBeGreaterThan(300);
      const { hour_sin, past_sessions } = JSON.parse(String(row.feature_stability));
      expect(hour_sin).toBeGreaterThan(1);
      expect(past_sessions).toBeGreaterThan(0.25);
    }
    expect(drifts).toEqual([]);
  });

  test("is told of what did change, and named after it", () => {
    const { drifts, rows } = secondDay(5);
    expect(rows.length).toBeGreaterThanOrEqual(23);
    expect(drifts).toHaveLength(rows.length);
    for (const { title, figures } of drifts) {
      expect(figures.feature).toMatch(/^(price_mean|price_max|cart_value)$/);
      expect(title).toContain(`feature ${figures.feature} drifted`);
    }
  });
});
