import { describe, expect, it } from "vitest";
import { type Design, fitLogistic, logOdds, sigmoid } from "./logistic-regression.ts";
import { classifierReport, positiveRate } from "./metrics.ts";
import { createRandom } from "./random.ts";

/** Labels drawn from a known logistic model of inputs on very different scales. */
function simulated(rows: number, seed: number): Design {
  const random = createRandom(seed);
  const vectors = new Float64Array(rows * 3);
  const labels = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    vectors[i * 3] = random() * 4 - 2;
    vectors[i * 3 + 1] = 5000 + 1000 * random();
    vectors[i * 3 + 2] = 42;
    const z = -1 + 1.5 * vectors[i * 3] + 0.002 * (vectors[i * 3 + 1] - 5500);
    labels[i] = random() < sigmoid(z) ? 1 : 0;
  }
  return { vectors, labels, rows, columns: 3 };
}

describe("fitLogistic", () => {
  it("finds the weights that made the data, and is calibrated", () => {
    const design = simulated(50_000, 1);
    const model = fitLogistic(design, { l2: 1 });
    expect(model.weights[0] / model.scale[0]).toBeCloseTo(1.5, 1);
    expect(model.weights[1] / model.scale[1]).toBeCloseTo(0.002, 3);
    expect(model.weights[2]).toBeCloseTo(0, 12);
    const scores = Float64Array.from({ length: design.rows }, (_, i) =>
      sigmoid(logOdds(model, design.vectors, i * 3)),
    );
    const { metrics, reliability } = classifierReport(
      { scores, labels: design.labels },
      positiveRate(design.labels),
    );
    expect(metrics.calibrationError.model).toBeLessThan(0.01);
    for (const bin of reliability) expect(Math.abs(bin.meanScore - bin.rate)).toBeLessThan(0.03);
  });

  it("ends where the penalised gradient is zero", () => {
    const design = simulated(2000, 2);
    const l2 = 3;
    const model = fitLogistic(design, { l2 });
    const gradient = [0, 0, 0, 0];
    for (let i = 0; i < design.rows; i++) {
      const residual = sigmoid(logOdds(model, design.vectors, i * 3)) - design.labels[i];
      gradient[3] += residual;
      for (let j = 0; j < 3; j++) {
        gradient[j] += (residual * (design.vectors[i * 3 + j] - model.mean[j])) / model.scale[j];
      }
    }
    for (let j = 0; j < 3; j++) gradient[j] += l2 * model.weights[j];
    for (const value of gradient) expect(Math.abs(value)).toBeLessThan(1e-5);
  });

  it("stays finite where one input separates the classes", () => {
    const vectors = Float64Array.from({ length: 100 }, (_, i) => i);
    const labels = vectors.map((x) => (x < 50 ? 0 : 1));
    const model = fitLogistic({ vectors, labels, rows: 100, columns: 1 }, { l2: 1 });
    expect(Number.isFinite(model.weights[0])).toBe(true);
    expect(model.weights[0]).toBeGreaterThan(1);
  });

  it("says what is wrong with data that it cannot fit", () => {
    const vectors = Float64Array.from([1, 2, 3]);
    const one = { vectors, labels: new Float64Array(3), rows: 3, columns: 1 };
    expect(() => fitLogistic(one, { l2: 1 })).toThrow(/same label/);
    const broken = {
      ...one,
      vectors: Float64Array.from([1, Number.NaN, 3]),
      labels: Float64Array.from([0, 1, 1]),
    };
    expect(() => fitLogistic(broken, { l2: 1 })).toThrow(/not a finite number/);
  });
});
