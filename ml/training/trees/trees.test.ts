import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { binTable, fitBins } from "./bins.ts";
import { type BoostOptions, fitTrees, type LabelledTable } from "./boost.ts";
import {
  averageForests,
  createForestScorer,
  decodeForest,
  encodeForest,
  type Forest,
  forestLogOdds,
} from "./forest.ts";
import { TreeGrower } from "./grow-tree.ts";

const OPTIONS: BoostOptions = {
  trees: 20,
  learningRate: 0.2,
  leavesMax: 8,
  l2: 1,
  minChildWeight: 1,
  featureShare: 1,
  positiveShare: 1,
  negativeShare: 1,
  seed: 1,
};

/** Labels depend on an interaction of the first two features; the others are noise, all have gaps. */
function sample(rows: number, seed: number, features = 3): LabelledTable {
  const random = createRandom(seed);
  const value = (): number => (random() < 0.1 ? Number.NaN : Math.floor(random() * 20) / 20);
  const columns = Array.from({ length: features }, () => Float32Array.from({ length: rows }, value));
  const labels = Uint8Array.from({ length: rows }, (_, row) => {
    const [a, b] = [columns[0][row], columns[1][row]];
    const chance = Number.isNaN(a) ? 0.5 : a > 0.6 && b > 0.4 ? 0.9 : 0.1;
    return random() < chance ? 1 : 0;
  });
  return { featureNames: columns.map((_, j) => `f${j}`), columns, rows, labels };
}

/** The columns in another order, so that the one that matters is elsewhere. */
function turned(table: LabelledTable, by: number): LabelledTable {
  const columns = [...table.columns.slice(-by), ...table.columns.slice(0, -by)];
  return by === 0 ? table : { ...table, columns };
}

function vectorsOf(table: LabelledTable): Float64Array {
  const width = table.columns.length;
  return Float64Array.from(
    { length: table.rows * width },
    (_, i) => table.columns[i % width][Math.floor(i / width)],
  );
}

function logLossOf(forest: Forest, table: LabelledTable): number {
  const vectors = vectorsOf(table);
  let total = 0;
  for (let row = 0; row < table.rows; row++) {
    const z = forestLogOdds(forest, vectors, row * table.columns.length);
    total += Math.log1p(Math.exp(table.labels[row] === 1 ? -z : z));
  }
  return total / table.rows;
}

describe("a single tree", () => {
  it.each([
    [3, 0],
    [4, 0],
    [9, 0],
    [9, 5],
    [9, 8],
  ])("makes the first split that trying every value finds, of %i features, %i moved", (features, moved) => {
    const table = turned(sample(300, 1, features), moved);
    const edges = fitBins(table);
    const gradients = Float64Array.from(table.labels, (label) => 0.4 - label);
    const hessians = new Float64Array(table.rows).fill(0.24);
    const grower = new TreeGrower(binTable(table, edges), edges, {
      leavesMax: 2,
      l2: 1,
      minChildWeight: 5,
      minGain: 0,
    });
    const rows = Int32Array.from(gradients.keys());
    const tree = grower.grow(
      { rows, gradients: gradients.slice(), hessians: hessians.slice(), count: table.rows },
      Int32Array.from(table.columns.keys()),
    );
    const best = bruteForceSplit(table, gradients, hessians, { l2: 1, minChildWeight: 5 });
    expect(tree.feature[0]).toBe(best.feature);
    expect(tree.threshold[0]).toBe(best.threshold);
    expect(tree.missingLeft[0]).toBe(best.missingLeft ? 1 : 0);
    expect(tree.value[1]).toBeCloseTo(best.leftValue, 12);
    expect(tree.value[2]).toBeCloseTo(best.rightValue, 12);
  });

  it("gives every leaf the value of exactly the rows that reach it, however often it splits", () => {
    const table = sample(2000, 2);
    const forest = fitTrees(table, { ...OPTIONS, trees: 1, learningRate: 1, leavesMax: 31 });
    const vectors = vectorsOf(table);
    const p = 1 / (1 + Math.exp(-forest.start));
    const sums = new Map<number, { gradient: number; hessian: number }>();
    for (let row = 0; row < table.rows; row++) {
      const leaf = leafReached(forest, vectors.subarray(row * 3, row * 3 + 3));
      const sum = sums.get(leaf) ?? { gradient: 0, hessian: 0 };
      sums.set(leaf, { gradient: sum.gradient + p - table.labels[row], hessian: sum.hessian + p * (1 - p) });
    }
    expect(sums.size).toBe(31);
    for (const [leaf, { gradient, hessian }] of sums) {
      expect(forest.value[leaf]).toBeCloseTo(-gradient / (hessian + 1), 9);
    }
  });
});

/** Leaf of the first tree. */
function leafReached(forest: Forest, vector: Float64Array): number {
  let node = 0;
  while (forest.left[node] >= 0) {
    const x = vector[forest.feature[node]];
    const goesLeft = Number.isNaN(x) ? forest.missingLeft[node] === 1 : x <= forest.threshold[node];
    node = goesLeft ? forest.left[node] : forest.right[node];
  }
  return node;
}

/** All thresholds, both ways for missing values, by plain sums. */
function bruteForceSplit(
  table: LabelledTable,
  gradients: Float64Array,
  hessians: Float64Array,
  { l2, minChildWeight }: { l2: number; minChildWeight: number },
): { feature: number; threshold: number; missingLeft: boolean; leftValue: number; rightValue: number } {
  let bestGain = Number.NEGATIVE_INFINITY;
  let best = { feature: -1, threshold: 0, missingLeft: false, leftValue: 0, rightValue: 0 };
  table.columns.forEach((column, feature) => {
    for (const threshold of new Set(column)) {
      for (const missingLeft of [true, false]) {
        const sums = { left: [0, 0], right: [0, 0] };
        column.forEach((value, row) => {
          const side = (Number.isNaN(value) ? missingLeft : value <= threshold) ? sums.left : sums.right;
          side[0] += gradients[row];
          side[1] += hessians[row];
        });
        if (Math.min(sums.left[1], sums.right[1]) < minChildWeight) continue;
        const gain = [sums.left, sums.right].reduce((total, [g, h]) => total + g ** 2 / (h + l2), 0);
        if (gain <= bestGain + 1e-9) continue;
        bestGain = gain;
        const [leftValue, rightValue] = [sums.left, sums.right].map(([g, h]) => -g / (h + l2));
        best = { feature, threshold, missingLeft, leftValue, rightValue };
      }
    }
  });
  return best;
}

describe("boosted trees", () => {
  it("find an interaction and what missing values mean, on rows that they were not trained on", () => {
    const forest = fitTrees(sample(4000, 3), OPTIONS);
    const score = (...vector: number[]): number =>
      1 / (1 + Math.exp(-forestLogOdds(forest, Float64Array.from(vector), 0)));
    expect(score(0.9, 0.9, 0.5)).toBeGreaterThan(0.8);
    expect(score(0.9, 0.1, 0.5)).toBeLessThan(0.2);
    expect(score(0.1, 0.9, 0.5)).toBeLessThan(0.2);
    expect(score(Number.NaN, 0.5, 0.5)).toBeGreaterThan(0.35);
    expect(score(Number.NaN, 0.5, 0.5)).toBeLessThan(0.65);
    // The entropy of the labels, given the features, is .37; of the base rate alone, .60.
    expect(logLossOf(forest, sample(4000, 4))).toBeLessThan(0.42);
  });

  it("gives the same forest for the same seed, another for another", () => {
    const options = { ...OPTIONS, featureShare: 0.7, negativeShare: 0.5, positiveShare: 0.8 };
    const table = sample(1000, 5);
    const first = encodeForest(fitTrees(table, options));
    expect(encodeForest(fitTrees(table, options))).toEqual(first);
    expect(encodeForest(fitTrees(table, { ...options, seed: 2 }))).not.toEqual(first);
  });

  it("stays calibrated when each tree sees few of one class, and rows stand for several", () => {
    const table = sample(4000, 6);
    const ones = new Float32Array(table.rows).fill(1);
    /** Mean score and mean label, each row counted by its weight. */
    const means = (forest: Forest, weights: Float32Array): { score: number; label: number } => {
      const scores = new Float64Array(table.rows);
      createForestScorer(forest, "v").score(vectorsOf(table), table.rows, scores);
      const mean = (values: ArrayLike<number>): number =>
        weights.reduce((sum, weight, row) => sum + weight * values[row], 0) /
        weights.reduce((a, b) => a + b, 0);
      return { score: mean(scores), label: mean(table.labels) };
    };
    const sampled = means(fitTrees(table, { ...OPTIONS, negativeShare: 0.3 }), ones);
    expect(Math.abs(sampled.score - sampled.label)).toBeLessThan(0.02);
    const weights = Float32Array.from(table.labels, (label) => (label === 1 ? 1 : 4));
    const weighted = means(fitTrees({ ...table, weights }, OPTIONS), weights);
    expect(weighted.label).toBeLessThan(0.1);
    expect(Math.abs(weighted.score - weighted.label)).toBeLessThan(0.005);
  });

  it("averages the log-odds of several forests, and their contributions", () => {
    const table = sample(500, 10);
    const forests = [1, 2, 3].map((seed) => fitTrees(table, { ...OPTIONS, negativeShare: 0.5, seed }));
    const average = averageForests(forests);
    const vectors = vectorsOf(table);
    const parts = new Float64Array(3);
    for (let row = 0; row < 50; row++) {
      const each = forests.map((forest) => forestLogOdds(forest, vectors, row * 3));
      const mean = each.reduce((a, b) => a + b, 0) / 3;
      expect(forestLogOdds(average, vectors, row * 3)).toBeCloseTo(mean, 10);
      const scorer = createForestScorer(average, "v");
      scorer.contributions(vectors.subarray(row * 3, row * 3 + 3), parts);
      expect(parts.reduce((a, b) => a + b, scorer.bias)).toBeCloseTo(mean, 10);
    }
  });

  it("stops where later rows no longer gain, and keeps the best", () => {
    const train = sample(300, 7);
    const table = sample(3000, 8);
    const long = { ...OPTIONS, trees: 200, learningRate: 0.3 };
    const stopped = fitTrees(train, { ...long, validation: { table, patience: 10 } });
    expect(stopped.roots.length).toBeLessThan(100);
    expect(logLossOf(stopped, table)).toBeLessThan(logLossOf(fitTrees(train, long), table));
  });

  it.each([
    ["no rows", { columns: [new Float32Array(0)], labels: new Uint8Array(0) }, /there are no rows/],
    [
      "one class",
      { columns: [Float32Array.of(1, 2)], labels: Uint8Array.of(1, 1) },
      /all 2 rows have the same/,
    ],
    ["constant features", { columns: [Float32Array.of(1, 1)], labels: Uint8Array.of(0, 1) }, /constant/],
    [
      "nothing but missing values",
      { columns: [Float32Array.of(Number.NaN, Number.NaN)], labels: Uint8Array.of(0, 1) },
      /constant/,
    ],
  ])("refuse %s", (_, { columns, labels }, message) => {
    const fit = (): unknown =>
      fitTrees({ featureNames: ["a"], columns, labels, rows: labels.length }, OPTIONS);
    expect(fit).toThrow(message);
    expect(fit).toThrow(expect.objectContaining({ code: "dataset-unusable", origin: "user" }));
  });

  it("learn from a feature that only is there or not", () => {
    const labels = Uint8Array.from({ length: 200 }, (_, row) => row % 2);
    const columns = [Float32Array.from(labels, (label) => (label === 1 ? 7 : Number.NaN))];
    const forest = fitTrees({ featureNames: ["a"], columns, labels, rows: 200 }, OPTIONS);
    expect(forestLogOdds(forest, Float64Array.of(7), 0)).toBeGreaterThan(1);
    expect(forestLogOdds(forest, Float64Array.of(Number.NaN), 0)).toBeLessThan(-1);
    expect(
      forestLogOdds(decodeForest(encodeForest(forest), "v", ["a"]), Float64Array.of(9), 0),
    ).toBeGreaterThan(1);
  });
});

describe("stored weights", () => {
  const table = sample(500, 9);
  const forest = fitTrees(table, OPTIONS);

  it("come back as they were", () => {
    expect(decodeForest(encodeForest(forest), "v", table.featureNames)).toEqual(forest);
  });

  it.each([
    ["no JSON", () => new Uint8Array([1, 2]), /no JSON/],
    ["something else", () => encode({ format: "x" }), /not of the form/],
    ["a list cut off", () => encode({ ...stored(), value: [1] }), /value has not one element a node/],
    ["a child before its parent", () => encode({ ...stored(), left: stored().left.fill(0) }), /broken/],
    ["text for numbers", () => encode({ ...stored(), cover: "x" }), /cover is no list/],
  ])("are refused where they are %s", (_, bytes, message) => {
    const load = (): unknown => decodeForest(bytes(), "v7", table.featureNames);
    expect(load).toThrow(message);
    expect(load).toThrow(
      expect.objectContaining({ code: "model-incompatible", message: expect.stringContaining("v7") }),
    );
  });

  it("are refused for other features", () => {
    expect(() => decodeForest(encodeForest(forest), "v", ["a", "b"])).toThrow(/other features/);
  });

  function stored(): { left: number[] } & Record<string, unknown> {
    return JSON.parse(new TextDecoder().decode(encodeForest(forest)));
  }
  function encode(value: unknown): Uint8Array {
    return new TextEncoder().encode(JSON.stringify(value));
  }
});
