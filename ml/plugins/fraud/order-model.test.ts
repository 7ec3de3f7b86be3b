import { beforeAll, describe, expect, it } from "vitest";
import { FRAUD_FEATURES } from "../../features/index.ts";
import type { Dataset } from "../../plugin.ts";
import { positiveRate } from "../../training/metrics.ts";
import { createRandom } from "../../training/random.ts";
import { classifiers, type FraudClassifier } from "./classifier.ts";
import { fraud } from "./index.ts";
import { encodeOrderModel, type FittedOrderModel, fitOrderModel, loadOrderModel } from "./order-model.ts";
import { describeFeature } from "./reasons.ts";

const WIDTH = FRAUD_FEATURES.length;
const place = (name: string): number => FRAUD_FEATURES.indexOf(name);

/** Orders of which those with many on a device that several share are fraud, most of the time. */
function orders(rows: number, seed: number): Dataset {
  const random = createRandom(seed);
  const vectors = new Float64Array(rows * WIDTH);
  const labels = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const vector = vectors.subarray(row * WIDTH, (row + 1) * WIDTH);
    const users = Math.floor(random() ** 4 * 6);
    vector[place("device_users_1d")] = users;
    vector[place("device_orders_1h")] = users + Math.floor(random() * 3);
    vector[place("order_amount")] = 100 + Math.floor(random() * 90_000);
    vector[place("order_hour_sin")] = random();
    vector[place("card_orders_1h")] = random() < 0.5 ? Number.NaN : users;
    labels[row] = random() < (users >= 2 ? 0.9 : 0.01) ? 1 : 0;
  }
  return {
    featureNames: FRAUD_FEATURES,
    vectors,
    labels,
    rows,
    times: Float64Array.from({ length: rows }, (_, row) => row),
    groups: Int32Array.from({ length: rows }, (_, row) => row),
  };
}

describe("fraud's model of orders", () => {
  const dataset = orders(2500, 1);
  let fitted: FittedOrderModel;
  beforeAll(async () => {
    fitted = await fitOrderModel(dataset, { seed: 2 });
  });

  it("is the better of trees and network on later orders, with thresholds by cost", () => {
    const { stored, compared } = fitted;
    expect(Object.keys(compared).sort()).toEqual(["network", "trees"]);
    expect(compared[stored.classifier]).toBe(Math.max(...Object.values(compared)));
    expect(stored.thresholds.block).toBeCloseTo(0.9);
    expect(stored.thresholds.review).toBeLessThan(0.9);
    const scorer = loadOrderModel(encodeOrderModel(stored), "v1");
    const report = fraud.evaluate(scorer, orders(1500, 9), positiveRate(dataset.labels));
    const rate = report.positives / report.rows;
    const told = fraud.evaluate(scorer, orders(1500, 9), rate + 0.2).metrics.logLoss;
    expect(told.baseline).toBeCloseTo(-rate * Math.log(rate + 0.2) - (1 - rate) * Math.log(0.8 - rate), 9);
    expect(report.metrics.averagePrecision.model).toBeGreaterThan(0.75);
    expect(report.metrics.logLoss.model).toBeLessThan(report.metrics.logLoss.baseline / 2);
    expect(scorer).toMatchObject({ modelVersion: "v1", classifier: stored.classifier });
  });

  it("chooses on the newest orders, by which no model was stopped or calibrated", async () => {
    // 2,500 orders: 1,875 to fit on, 312 to stop and calibrate on, 313 to choose on.
    const steps = async (data: Dataset): Promise<string[]> => {
      const said: string[] = [];
      await fitOrderModel(data, { seed: 2, onProgress: (message) => said.push(message) });
      return said.filter((message) => message.includes("log loss"));
    };
    const turned = (from: number): Dataset => ({
      ...dataset,
      labels: dataset.labels.map((label, row) => (row < from ? label : 1 - label)),
    });
    const asIs = await steps(dataset);
    expect(asIs.length).toBeGreaterThan(2);
    expect(await steps(turned(2187))).toEqual(asIs);
    expect(await steps(turned(2100))).not.toEqual(asIs);
  });

  it("refuses what cannot score, and data with one class", async () => {
    const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
    const { stored } = fitted;
    const broken = [
      new Uint8Array([0xff]),
      text(null),
      text({ ...stored, format: "other" }),
      text({ ...stored, classifier: "oracle" }),
      text({ ...stored, thresholds: { review: 0.9, block: 0.5 } }),
      text({ ...stored, model: {} }),
      text({ ...stored, model: { ...stored.model, featureNames: ["other"] } }),
    ];
    for (const weights of broken) {
      expect(() => loadOrderModel(weights, "v1")).toThrow(
        expect.objectContaining({ code: "model-incompatible" }),
      );
    }
    const one = { ...dataset, labels: new Float64Array(dataset.rows) };
    await expect(fitOrderModel(one, { seed: 1 })).rejects.toMatchObject({ code: "dataset-unusable" });
  });

  it.each<[string, (data: Dataset) => Dataset]>([
    ["no rows", (data) => ({ ...data, rows: 0, labels: new Float64Array(0), times: new Float64Array(0) })],
    ["features that never vary", (data) => ({ ...data, vectors: new Float64Array(data.vectors.length) })],
    [
      "windows that are all empty",
      (data) => ({ ...data, vectors: new Float64Array(data.vectors.length).fill(Number.NaN) }),
    ],
    [
      "no fraud among the newer orders",
      (data) => ({ ...data, labels: data.labels.map((label, row) => (row < 1000 ? label : 0)) }),
    ],
    [
      "no fraud among the newest orders, by which it is chosen",
      (data) => ({ ...data, labels: data.labels.map((label, row) => (row < 2185 ? label : 0)) }),
    ],
    [
      "no fraud among the older orders",
      (data) => ({ ...data, labels: data.labels.map((label, row) => (row > 2000 ? label : 0)) }),
    ],
  ])("refuses %s", async (_, change) => {
    await expect(fitOrderModel(change(dataset), { seed: 1 })).rejects.toMatchObject({
      code: "dataset-unusable",
      origin: "user",
    });
  });

  it("ships with one that loads and gives a probability where nothing is known", () => {
    const { weights, version } = fraud.defaultModel();
    const scorer = fraud.load(weights, version);
    expect(scorer.featureNames).toEqual(FRAUD_FEATURES);
    expect(scorer.thresholds.review).toBeLessThanOrEqual(scorer.thresholds.block);
    const vectors = new Float64Array(WIDTH).fill(Number.NaN);
    const out = new Float64Array(1);
    scorer.score(vectors, 1, out);
    expect(out[0]).toBeGreaterThan(0);
    expect(out[0]).toBeLessThan(1);
  });

  it("keeps the answer of one classifier where another fails, and says which", async () => {
    // No fraud where the network stops, so that it has no later rows to be calibrated on.
    const labels = dataset.labels.map((label, row) => (row >= 1875 && row < 2187 ? 0 : label));
    const messages: string[] = [];
    const options = { seed: 2, onProgress: (message: string) => messages.push(message) };
    const { stored, compared, failed } = await fitOrderModel({ ...dataset, labels }, options);
    expect([stored.classifier, Object.keys(compared)]).toEqual(["trees", ["trees"]]);
    expect(failed).toEqual({ network: expect.stringContaining("rows have the same label") });
    expect(messages).toContain(`network is left out: ${failed.network}`);
    expect(() => loadOrderModel(encodeOrderModel(stored), "v1")).not.toThrow();
  });

  it.each([
    ["cannot be fitted", "out of memory"],
    ["gives no numbers", "scores are no numbers"],
  ])("leaves out one that %s, whatever it throws, but for the first", async (how, why) => {
    const [trees] = classifiers;
    const broken: FraudClassifier = {
      name: "broken",
      async fit() {
        if (how === "cannot be fitted") throw new TypeError("out of memory");
        return {};
      },
      load: (_, modelVersion, featureNames) => ({
        modelVersion,
        featureNames,
        bias: 0,
        score: (_vectors, count, out) => void out.fill(Number.NaN, 0, count),
        contributions: (_vector, out) => void out.fill(0),
        explain: () => ({ bias: 0 }),
      }),
    };
    const { stored, failed } = await fitOrderModel(dataset, { seed: 2 }, [trees, broken]);
    expect(stored.classifier).toBe("trees");
    expect(failed.broken).toContain(why);
    await expect(fitOrderModel(dataset, { seed: 2 }, [broken])).rejects.toThrow(why);
  });

  it("has words for every feature, with its value", () => {
    for (const feature of FRAUD_FEATURES) {
      const text = describeFeature(feature, 3);
      expect(text, feature).not.toMatch(/[{}_]/);
      expect(text, feature).toMatch(/3|yes/);
      expect(describeFeature(feature, Number.NaN)).toContain("not known");
    }
    expect(describeFeature("device_users_1d", 4)).toBe("4 users from this device within a day");
    expect(describeFeature("user_amount_deviations", 2.345)).toBe(
      "2.35 deviations from the user's usual amount",
    );
  });
});
