import { describe, expect, it } from "vitest";
import { createRandom } from "../../training/random.ts";
import { chooseThresholds, decide, type ScoredPayments } from "./decision.ts";

const COSTS = { missedCharge: 20, review: 4, wrongBlock: 40 };

/** Calibrated: a payment of score p is fraud with chance p. Scores are coarse, so that many tie. */
function payments(count: number, seed: number): ScoredPayments {
  const random = createRandom(seed);
  const scores = Float64Array.from({ length: count }, () => Math.round(40 * random() ** 4) / 40);
  return {
    scores,
    labels: Float64Array.from(scores, (score) => (random() < score ? 1 : 0)),
    amounts: Float64Array.from(scores, () => 10 + Math.floor(80 * random())),
  };
}

describe("thresholds by cost", () => {
  it("cost no more on the payments that they are chosen on than any other review threshold", () => {
    const data = payments(2000, 1);
    const chosen = chooseThresholds(data, COSTS);
    expect(chosen.block).toBeCloseTo(0.9, 12);
    const { cost } = decide(data, chosen, COSTS);
    for (let review = 0; review <= chosen.block; review += 0.0125) {
      expect(cost).toBeLessThanOrEqual(decide(data, { ...chosen, review }, COSTS).cost);
    }
    expect(cost).toBeLessThan(decide(payments(2000, 1), { review: 0.6, block: 0.9 }, COSTS).cost);
  });

  it("come out near 4 in 70, the review's cost to the mean loss, where scores are calibrated", () => {
    const { review } = chooseThresholds(payments(50_000, 2), COSTS);
    expect(review).toBeGreaterThanOrEqual(0.05);
    expect(review).toBeLessThanOrEqual(0.1);
  });

  it("review nothing where no review pays", () => {
    const scores = Float64Array.of(0.1, 0.2, 0.3);
    const data = { scores, labels: new Float64Array(3), amounts: scores };
    const thresholds = chooseThresholds(data, COSTS);
    expect(decide(data, thresholds, COSTS)).toMatchObject({ reviewed: 0, passed: 3, cost: 0 });
  });

  it("count what becomes of the frauds", () => {
    const data = {
      scores: Float64Array.of(0.95, 0.95, 0.5, 0.5, 0.1, 0.1),
      labels: Float64Array.of(1, 0, 1, 0, 1, 0),
      amounts: new Float64Array(6).fill(100),
    };
    expect(decide(data, { review: 0.3, block: 0.9 }, COSTS)).toEqual({
      blocked: 2,
      reviewed: 2,
      passed: 2,
      fraudsBlocked: 1,
      fraudsReviewed: 1,
      fraudsPassed: 1,
      // A wrong block, two reviews, a missed fraud.
      cost: 40 + 8 + 120,
      costWithoutModel: 360,
    });
  });
});
