import { describe, expect, it } from "vitest";
import { MillraceError } from "../../../schema/index.ts";
import { featureNames } from "../../features/index.ts";
import type { Dataset } from "../../plugin.ts";
import { positiveRate } from "../../training/metrics.ts";
import { createRandom } from "../../training/random.ts";
import { propensity } from "./index.ts";

const NAMES = featureNames(propensity);
const WIDTH = NAMES.length;

function dataset(rows: number, seed: number): Dataset {
  const random = createRandom(seed);
  const vectors = Float64Array.from({ length: rows * WIDTH }, () => random() * 3);
  const labels = Float64Array.from({ length: rows }, (_, i) => {
    const z = 2 * vectors[i * WIDTH + 4] - vectors[i * WIDTH + 10] - 2.5;
    return random() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
  });
  return {
    featureNames: NAMES,
    vectors,
    labels,
    rows,
    times: new Float64Array(rows),
    groups: Int32Array.from({ length: rows }, (_, i) => i),
  };
}

describe("propensity", () => {
  it("explains a score by contributions that add up to its log-odds", async () => {
    const data = dataset(2000, 1);
    const trained = propensity.load(await propensity.train(data, { seed: 1 }), "v1");
    const { version, weights } = propensity.defaultModel();
    for (const scorer of [trained, propensity.load(weights, version)]) {
      const scores = new Float64Array(data.rows);
      scorer.score(data.vectors, data.rows, scores);
      for (let row = 0; row < data.rows; row++) {
        const parts = scorer.explain(data.vectors.subarray(row * WIDTH, (row + 1) * WIDTH));
        const total = Object.values(parts).reduce((a, b) => a + b, 0);
        expect(Math.abs(total - Math.log(scores[row] / (1 - scores[row])))).toBeLessThan(1e-9);
      }
    }
    expect(Object.keys(trained.explain(data.vectors.subarray(0, WIDTH)))).toEqual(["bias", ...NAMES]);
  });

  it("beats the base rate on rows that it was not trained on, and is calibrated", async () => {
    const trained = dataset(20_000, 2);
    const scorer = propensity.load(await propensity.train(trained, { seed: 1 }), "v1");
    const { metrics } = propensity.evaluate(scorer, dataset(20_000, 3), positiveRate(trained.labels));
    for (const name of ["logLoss", "brier"]) expect(metrics[name].model).toBeLessThan(metrics[name].baseline);
    for (const name of ["auc", "averagePrecision"]) {
      expect(metrics[name].model).toBeGreaterThan(metrics[name].baseline + 0.2);
    }
    expect(metrics.calibrationError.model).toBeLessThan(0.02);
  });

  it("scores a batch as it scores single vectors, and survives its serialisation", async () => {
    const data = dataset(300, 4);
    const weights = await propensity.train(data, { seed: 1 });
    expect(Buffer.from(await propensity.train(data, { seed: 1 })).equals(Buffer.from(weights))).toBe(true);
    const scorer = propensity.load(weights, "v1");
    const together = new Float64Array(300);
    scorer.score(data.vectors, 300, together);
    const one = new Float64Array(1);
    for (let row = 0; row < 300; row++) {
      scorer.score(data.vectors.subarray(row * WIDTH), 1, one);
      expect(one[0]).toBe(together[row]);
    }
  });

  it("has a default model: a cart is worth more than a look", () => {
    const { version, weights } = propensity.defaultModel();
    const scorer = propensity.load(weights, version);
    const vectors = new Float64Array(2 * WIDTH);
    vectors[NAMES.indexOf("page_views")] = Math.log(2);
    vectors[WIDTH + NAMES.indexOf("page_views")] = Math.log(2);
    vectors[WIDTH + NAMES.indexOf("cart_adds")] = Math.log(2);
    vectors[WIDTH + NAMES.indexOf("cart_items")] = Math.log(2);
    vectors[WIDTH + NAMES.indexOf("cart_recency_min")] = 1;
    const scores = new Float64Array(2);
    scorer.score(vectors, 2, scores);
    expect(scores[0]).toBeLessThan(0.5);
    expect(scores[1]).toBeGreaterThan(scores[0]);
  });

  it.each([
    ["no JSON", "\u0000"],
    ["null", "null"],
    ["another format", '{"format":"x"}'],
    ["other features", '{"format":"millrace-logistic/1","features":["a"]}'],
    [
      "weights that are not numbers",
      JSON.stringify({
        format: "millrace-logistic/1",
        features: NAMES,
        bias: 0,
        weights: NAMES.map(() => "1"),
      }),
    ],
  ])("refuses weights that are %s", (_, text) => {
    const load = (): unknown => propensity.load(new TextEncoder().encode(text), "v9");
    expect(load).toThrow(MillraceError);
    expect(load).toThrow(expect.objectContaining({ code: "model-incompatible" }));
  });
});
