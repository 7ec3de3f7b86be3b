import { describe, expect, it } from "vitest";
import { StateSection } from "../../schema/index.ts";
import { createRandom } from "../training/random.ts";
import { HealthWindow } from "./health-window.ts";
import { binOf, type ReferenceBins, referenceBins } from "./reference.ts";
import { populationStability } from "./stability.ts";

const SEED = 11;

function countsOf(bins: ReferenceBins, values: Float64Array): Int32Array {
  const counts = new Int32Array(bins.shares.length);
  for (const value of values) counts[binOf(bins, value)]++;
  return counts;
}

/** Standard normal numbers (Box and Muller). */
function normals(count: number, mean: number, random: () => number): Float64Array {
  return Float64Array.from(
    { length: count },
    () => mean + Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
}

describe("bins of a reference", () => {
  it("have equal shares, and the outer two none", () => {
    const bins = referenceBins(Float64Array.from({ length: 1000 }, (_, i) => i));
    expect(bins.shares).toHaveLength(12);
    expect([bins.shares[0], bins.shares[11]]).toEqual([0, 0]);
    for (const share of bins.shares.slice(1, -1)) expect(share).toBeCloseTo(0.1, 2);
    expect([-1, 0, 999, 1000].map((value) => binOf(bins, value))).toEqual([0, 1, 10, 11]);
  });

  it("put missing values into the lowest bin, and edges where the others are", () => {
    const bins = referenceBins(Float64Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? i : Number.NaN)));
    expect(bins).toMatchObject({ min: 0, max: 998 });
    expect(bins.edges).toHaveLength(9);
    expect(bins.shares[binOf(bins, Number.NaN)]).toBeCloseTo(0.55, 2);
    expect(bins.shares.reduce((sum, share) => sum + share)).toBeCloseTo(1);
    const infinite = referenceBins(Float64Array.of(1, 2, Number.POSITIVE_INFINITY));
    expect(infinite).toMatchObject({ min: 1, max: 2 });
    expect(infinite.shares.at(-1)).toBeCloseTo(1 / 3);
    expect(referenceBins(Float64Array.of(Number.NaN))).toMatchObject({ min: 0, max: 0, edges: [] });
  });

  it("take a value that most rows share, or all, as one bin", () => {
    const rare = referenceBins(Float64Array.from({ length: 100 }, (_, i) => (i < 95 ? 0 : i)));
    expect(rare).toMatchObject({ edges: [0], shares: [0, 0.95, 0.05, 0] });
    const constant = referenceBins(new Float64Array(50).fill(7));
    expect(constant).toMatchObject({ min: 7, max: 7, edges: [], shares: [0, 1, 0] });
    expect([6, 7, 8].map((value) => binOf(constant, value))).toEqual([0, 1, 2]);
  });
});

describe("the population stability index", () => {
  it("is the sum over the bins, by hand", () => {
    const bins = { min: 0, max: 2, edges: [1], shares: [0, 0.5, 0.5, 0] };
    // Empty outer bins cancel: both sides count as the least share.
    expect(populationStability(bins, Int32Array.of(0, 80, 20, 0))).toBeCloseTo(
      0.3 * Math.log(0.8 / 0.5) - 0.3 * Math.log(0.2 / 0.5),
      12,
    );
    expect(populationStability(bins, Int32Array.of(0, 50, 50, 0))).toBe(0);
    expect(populationStability(bins, Int32Array.of(0, 0, 0, 0))).toBeNaN();
  });

  it(`tells a shifted normal by its divergence, and chance by the bins over the rows (seed ${SEED})`, () => {
    const random = createRandom(SEED);
    const bins = referenceBins(normals(50_000, 0, random));
    const same = populationStability(bins, countsOf(bins, normals(5_000, 0, random)));
    expect(same).toBeLessThan(0.01);
    // The index is the symmetric divergence, which is shift² for normals; bins lose some of it.
    const shifted = populationStability(bins, countsOf(bins, normals(5_000, 0.5, random)));
    expect(shifted).toBeGreaterThan(0.2);
    expect(shifted).toBeLessThan(0.26);
  });
});

describe("a window of a model's health", () => {
  const reference = {
    score: referenceBins(Float64Array.from({ length: 100 }, (_, i) => i / 100)),
    features: { a: referenceBins(Float64Array.from({ length: 100 }, (_, i) => i)) },
  };

  it("counts labels by the threshold, and the calibration by tenths of the score", () => {
    const window = new HealthWindow(new StateSection("health"), ["a"]);
    for (const [score, label] of [
      [0.9, 1],
      [0.8, 0],
      [0.7, 1],
      [0.2, 1],
      [0.1, 0],
    ]) {
      window.addLabel(score, label, 0.7);
    }
    const health = window.read();
    expect(health).toMatchObject({ labels: 5, positives: 3, truePositives: 2, falsePositives: 1 });
    expect(health.precision).toBeCloseTo(2 / 3, 12);
    expect(health.recall).toBeCloseTo(2 / 3, 12);
    expect(health.calibrationError).toBeCloseTo((0.1 + 0.8 + 0.3 + 0.8 + 0.1) / 5, 12);
    expect(health).toMatchObject({ rows: 0, meanScore: null, scoreStability: null });
  });

  it("says which feature drifted, and nothing without a reference", () => {
    const window = new HealthWindow(new StateSection("health"), ["a", "unknown to the card"]);
    window.setReference(reference);
    for (let i = 0; i < 100; i++) window.addScore(i / 100, Float64Array.of(i + 1000, 0), 0);
    expect(window.read().scoreStability).toBeLessThan(0.05);
    expect(window.read().featureStability).toMatchObject([{ feature: "a" }]);
    expect(window.read().featureStability[0].index).toBeGreaterThan(5);
    window.clear();
    window.setReference(null);
    window.addScore(0.5, Float64Array.of(1, 1), 0);
    expect(window.read()).toMatchObject({
      rows: 1,
      meanScore: 0.5,
      scoreStability: null,
      featureStability: [],
    });
  });
});
