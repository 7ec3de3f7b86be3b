import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { fitTrees } from "./boost.ts";
import { createForestScorer, type Forest, forestLogOdds } from "./forest.ts";
import { LeafShap } from "./leaf-shap.ts";

/** Above the features of a path that are tabled: deep trees have both kinds. */
const WIDTH = 9;

function fitted(
  seed: number,
  trees: number,
  leavesMax = 12,
): { forest: Forest; vectors: Float64Array; rows: number } {
  const rows = 600;
  const random = createRandom(seed);
  const columns = Array.from({ length: WIDTH }, () =>
    Float32Array.from({ length: rows }, () => (random() < 0.1 ? Number.NaN : random())),
  );
  const labels = Uint8Array.from({ length: rows }, (_, row) =>
    random() <
    (columns[0][row] > 0.5 === columns[1][row] > 0.3 ? 0.7 : 0.2) + (columns[2][row] > 0.8 ? 0.1 : 0)
      ? 1
      : 0,
  );
  const featureNames = Array.from({ length: WIDTH }, (_, j) => `f${j}`);
  const forest = fitTrees(
    { featureNames, columns, labels, rows },
    {
      trees,
      learningRate: 0.3,
      leavesMax,
      l2: 1,
      minChildWeight: 0.5,
      featureShare: 1,
      positiveShare: 1,
      negativeShare: 0.7,
      seed,
    },
  );
  const vectors = Float64Array.from(
    { length: rows * WIDTH },
    (_, i) => columns[i % WIDTH][Math.floor(i / WIDTH)],
  );
  return { forest, vectors, rows };
}

/** Log-odds with only the features of `present` known: else both branches, by their training rows. */
function expectation(forest: Forest, vector: Float64Array, present: number): number {
  const at = (node: number): number => {
    if (forest.left[node] < 0) return forest.value[node];
    const feature = forest.feature[node];
    const [left, right] = [forest.left[node], forest.right[node]];
    if ((present >> feature) & 1) {
      const x = Math.fround(vector[feature]);
      const goesLeft = Number.isNaN(x) ? forest.missingLeft[node] === 1 : x <= forest.threshold[node];
      return at(goesLeft ? left : right);
    }
    const share = forest.cover[left] / forest.cover[node];
    return share * at(left) + (1 - share) * at(right);
  };
  return forest.roots.reduce((total, root) => total + at(root), forest.start);
}

/** The definition: the gain of a feature over every subset of the others. */
function shapley(forest: Forest, vector: Float64Array, feature: number): number {
  const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
  let total = 0;
  for (let subset = 0; subset < 2 ** WIDTH; subset++) {
    if ((subset >> feature) & 1) continue;
    const size = subset.toString(2).replaceAll("0", "").length;
    const weight = (factorial(size) * factorial(WIDTH - size - 1)) / factorial(WIDTH);
    total +=
      weight * (expectation(forest, vector, subset | (1 << feature)) - expectation(forest, vector, subset));
  }
  return total;
}

describe("contributions of trees", () => {
  it.each([
    ["of trees with short paths", 12, 0],
    ["of trees with paths too long for tables", 250, 1],
  ])("are the Shapley values by their definition, %s", (_, leavesMax, untabled) => {
    const { forest, vectors } = fitted(1, 4, leavesMax);
    expect(new LeafShap(forest).rest.length).toBeGreaterThanOrEqual(untabled);
    const scorer = createForestScorer(forest, "v");
    const out = new Float64Array(WIDTH);
    expect(scorer.bias).toBeCloseTo(expectation(forest, vectors, 0), 12);
    for (let row = 0; row < 20; row++) {
      const vector = vectors.subarray(row * WIDTH, (row + 1) * WIDTH);
      scorer.contributions(vector, out);
      for (let j = 0; j < WIDTH; j++) expect(out[j]).toBeCloseTo(shapley(forest, vector, j), 10);
    }
  });

  it("add up to the log-odds of the score", () => {
    const { forest, vectors, rows } = fitted(2, 60);
    const scorer = createForestScorer(forest, "v");
    for (let row = 0; row < rows; row++) {
      const vector = vectors.subarray(row * WIDTH, (row + 1) * WIDTH);
      const parts = Object.values(scorer.explain(vector));
      const total = parts.reduce((a, b) => a + b, 0);
      expect(Math.abs(total - forestLogOdds(forest, vector, 0))).toBeLessThan(1e-9);
    }
  });

  it("begin at the mean log-odds of the training rows", () => {
    const { forest, vectors, rows } = fitted(3, 10);
    let total = 0;
    for (let row = 0; row < rows; row++) total += forestLogOdds(forest, vectors, row * WIDTH) / rows;
    expect(createForestScorer(forest, "v").bias).toBeCloseTo(total, 6);
  });
});
