import { describe, expect, it } from "vitest";
import {
  auc,
  averagePrecision,
  brier,
  classifierReport,
  logLoss,
  positiveRate,
  reliability,
  type Scored,
} from "./metrics.ts";
import { createRandom } from "./random.ts";

function scored(scores: number[], labels: number[]): Scored {
  return { scores: Float64Array.from(scores), labels: Float64Array.from(labels) };
}

/** Scores in steps of a tenth, so with many ties. */
function randomScored(rows: number, seed: number): Scored {
  const random = createRandom(seed);
  const scores = Array.from({ length: rows }, () => Math.floor(random() * 10) / 10);
  return scored(
    scores,
    scores.map((score) => (random() < 0.2 + 0.6 * score ? 1 : 0)),
  );
}

describe("metrics", () => {
  // The example of scikit-learn's documentation of both functions.
  const example = scored([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]);

  it("equal scikit-learn's on its documented example", () => {
    expect(auc(example)).toBe(0.75);
    expect(averagePrecision(example)).toBeCloseTo(0.8333333333333333, 14);
  });

  it("refuse scores that are no numbers, and say which; infinite ones have their place", () => {
    const labels = [0, 1, 0, 1, 0];
    for (const figure of [auc, averagePrecision, logLoss, brier, reliability]) {
      expect(() => figure(scored([0.1, Number.NaN, 0.3, Number.NaN, 0.2], labels))).toThrow(
        expect.objectContaining({
          code: "score-not-a-number",
          message: expect.stringContaining("2 of 5 scores are no numbers, the first of them in row 1: "),
        }),
      );
    }
    expect(
      auc(scored([Number.NEGATIVE_INFINITY, 0.4, Number.NEGATIVE_INFINITY, 0.2, 0.3], labels)),
    ).toBeCloseTo(5 / 6, 12);
  });

  it("give log loss and Brier score by hand", () => {
    const two = scored([0.9, 0.2], [1, 0]);
    expect(logLoss(two)).toBeCloseTo(-(Math.log(0.9) + Math.log(0.8)) / 2, 14);
    expect(brier(two)).toBeCloseTo((0.01 + 0.04) / 2, 14);
    expect(logLoss(scored([1, 0], [0, 1]))).toBeCloseTo(-Math.log(Number.EPSILON), 4);
  });

  it.each([1, 2, 3, 4, 5])("auc is the share of ordered pairs, ties half (seed %i)", (seed) => {
    const data = randomScored(400, seed);
    let wins = 0;
    let pairs = 0;
    data.labels.forEach((positive, i) => {
      data.labels.forEach((other, j) => {
        if (positive !== 1 || other !== 0) return;
        pairs++;
        wins += data.scores[i] > data.scores[j] ? 1 : data.scores[i] === data.scores[j] ? 0.5 : 0;
      });
    });
    expect(auc(data)).toBeCloseTo(wins / pairs, 12);
  });

  it.each([1, 2, 3, 4, 5])("averagePrecision is Σ (Rₙ − Rₙ₋₁) Pₙ over the thresholds (seed %i)", (seed) => {
    const data = randomScored(400, seed);
    const positives = data.labels.reduce((a, b) => a + b, 0);
    let before = 0;
    let total = 0;
    for (const threshold of [...new Set(data.scores)].sort((a, b) => b - a)) {
      const chosen = [...data.labels].filter((_, i) => data.scores[i] >= threshold);
      const hits = chosen.reduce((a, b) => a + b, 0);
      total += (hits / positives - before) * (hits / chosen.length);
      before = hits / positives;
    }
    expect(averagePrecision(data)).toBeCloseTo(total, 12);
  });

  it("report the baseline of the base rate, and bins that hold every row once", () => {
    const data = randomScored(1003, 9);
    const rate = positiveRate(data.labels);
    const { metrics, positives } = classifierReport(data, rate);
    expect(rate).toBe(positives / 1003);
    expect(metrics.averagePrecision.baseline).toBeCloseTo(rate, 12);
    expect(metrics.brier.baseline).toBeCloseTo(rate * (1 - rate), 12);
    expect(metrics.logLoss.baseline).toBeCloseTo(
      -rate * Math.log(rate) - (1 - rate) * Math.log(1 - rate),
      12,
    );
    // What is said is another rate than that of the rows: it costs, and is off by the difference.
    const other = classifierReport(data, rate - 0.1).metrics;
    expect(other.logLoss.baseline).toBeGreaterThan(metrics.logLoss.baseline);
    expect(other.calibrationError.baseline).toBeCloseTo(0.1, 12);
    const bins = reliability(data);
    expect(bins.reduce((total, bin) => total + bin.rows, 0)).toBe(1003);
    expect(bins.reduce((total, bin) => total + bin.rows * bin.rate, 0)).toBeCloseTo(positives, 9);
  });
});
