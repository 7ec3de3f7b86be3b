import { MillraceError } from "../../../schema/index.ts";
import { forestToOnnx } from "../../onnx/classifier-graph.ts";
import type { Scorer } from "../../plugin.ts";
import { sigmoid } from "../logistic-regression.ts";
import type { Tree } from "./grow-tree.ts";
import { TreeShap } from "./tree-shap.ts";

/** Trees laid out one after the other; child numbers count through the whole forest. */
export interface Forest {
  readonly featureNames: readonly string[];
  /** Log-odds before the first tree. */
  readonly start: number;
  /** First node of each tree. */
  readonly roots: Int32Array;
  readonly feature: Int32Array;
  /** A value at most this, in single precision, goes left. */
  readonly threshold: Float32Array;
  readonly missingLeft: Uint8Array;
  /** -1 in a leaf. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly value: Float64Array;
  readonly cover: Float64Array;
}

export function createForest(
  featureNames: readonly string[],
  start: number,
  trees: readonly StoredTree[],
): Forest {
  const nodes = trees.reduce((total, tree) => total + tree.left.length, 0);
  const forest = {
    featureNames,
    start,
    roots: new Int32Array(trees.length),
    feature: new Int32Array(nodes),
    threshold: new Float32Array(nodes),
    missingLeft: new Uint8Array(nodes),
    left: new Int32Array(nodes),
    right: new Int32Array(nodes),
    value: new Float64Array(nodes),
    cover: new Float64Array(nodes),
  };
  let base = 0;
  trees.forEach((tree, index) => {
    forest.roots[index] = base;
    for (const name of ["feature", "threshold", "missingLeft", "value", "cover"] as const) {
      forest[name].set(tree[name], base);
    }
    const moved = (child: number): number => (child < 0 ? -1 : child + base);
    forest.left.set(tree.left.map(moved), base);
    forest.right.set(tree.right.map(moved), base);
    base += tree.left.length;
  });
  return forest;
}

/** One forest whose log-odds are the mean of those of several over the same features (bagging). */
export function averageForests(forests: readonly Forest[]): Forest {
  const share = 1 / forests.length;
  const trees = forests.flatMap((forest) =>
    Array.from(forest.roots, (root, tree) => treeOf(forest, root, tree)),
  );
  for (const tree of trees) for (let node = 0; node < tree.value.length; node++) tree.value[node] *= share;
  const start = forests.reduce((total, forest) => total + forest.start * share, 0);
  return createForest(forests[0].featureNames, start, trees);
}

type StoredTree = Omit<Tree, "splitBin">;

function treeOf(forest: Forest, root: number, tree: number): StoredTree {
  const end = tree + 1 < forest.roots.length ? forest.roots[tree + 1] : forest.left.length;
  const back = (child: number): number => (child < 0 ? -1 : child - root);
  return {
    feature: forest.feature.slice(root, end),
    threshold: forest.threshold.slice(root, end),
    missingLeft: forest.missingLeft.slice(root, end),
    left: forest.left.slice(root, end).map(back),
    right: forest.right.slice(root, end).map(back),
    value: forest.value.slice(root, end),
    cover: forest.cover.slice(root, end),
  };
}

/** Log-odds of the vector at `base`. */
export function forestLogOdds(forest: Forest, vectors: Float64Array, base: number): number {
  const { roots, feature, threshold, missingLeft, left, right, value } = forest;
  let total = forest.start;
  for (let tree = 0; tree < roots.length; tree++) {
    let node = roots[tree];
    while (left[node] >= 0) {
      // Single precision, as training saw it. NaN is at most nothing: it goes where missing values go.
      const x = Math.fround(vectors[base + feature[node]]);
      node = x <= threshold[node] || (Number.isNaN(x) && missingLeft[node] === 1) ? left[node] : right[node];
    }
    total += value[node];
  }
  return total;
}

/** A scorer whose contributions are the forest's exact Shapley values. */
export function createForestScorer(forest: Forest, modelVersion: string): Scorer {
  const width = forest.featureNames.length;
  const shap = new TreeShap(forest);
  const parts = new Float64Array(width);
  return {
    modelVersion,
    featureNames: forest.featureNames,
    bias: shap.bias,
    score(vectors, count, out) {
      for (let i = 0; i < count; i++) out[i] = sigmoid(forestLogOdds(forest, vectors, i * width));
    },
    contributions(vector, out) {
      shap.contributions(vector, out);
    },
    explain(vector) {
      shap.contributions(vector, parts);
      const named: Record<string, number> = { bias: shap.bias };
      for (let j = 0; j < width; j++) named[forest.featureNames[j]] = parts[j];
      return named;
    },
    toOnnx: (plugin) =>
      forestToOnnx(forest, { plugin, version: modelVersion, features: forest.featureNames }),
  };
}

const FORMAT = "millrace-trees-1";
const ARRAYS = ["roots", "feature", "threshold", "missingLeft", "left", "right", "value", "cover"] as const;

/** JSON of the arrays: numbers come back as the same bits. */
export function encodeForest(forest: Forest): Uint8Array {
  const arrays = ARRAYS.map((name) => [
    name,
    // JSON has no infinity; it is the threshold where only missing values go right.
    Array.from(forest[name], (x) => (x === Number.POSITIVE_INFINITY ? null : x)),
  ]);
  const { featureNames, start } = forest;
  return new TextEncoder().encode(
    JSON.stringify({ format: FORMAT, featureNames, start, ...Object.fromEntries(arrays) }),
  );
}

/** Throws code `model-incompatible` where the bytes are no forest over these features. */
export function decodeForest(
  bytes: Uint8Array,
  modelVersion: string,
  featureNames: readonly string[],
): Forest {
  const refuse = (detail: string, cause?: unknown): MillraceError =>
    new MillraceError(`model ${modelVersion} cannot be used: ${detail}; train it again`, {
      code: "model-incompatible",
      origin: "user",
      cause,
    });
  let stored: Record<string, unknown>;
  try {
    stored = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse("its weights are no JSON", cause);
  }
  if (stored?.format !== FORMAT) throw refuse(`its weights are not of the form ${FORMAT}`);
  if (JSON.stringify(stored.featureNames) !== JSON.stringify(featureNames)) {
    throw refuse("it was trained on other features");
  }
  const numbers = (name: string): number[] => {
    const list = stored[name];
    if (!Array.isArray(list) || !list.every((x) => typeof x === "number" || x === null)) {
      throw refuse(`${name} is no list of numbers`);
    }
    return list.map((x) => x ?? Number.POSITIVE_INFINITY);
  };
  const forest: Forest = {
    featureNames,
    start: typeof stored.start === "number" ? stored.start : Number.NaN,
    roots: Int32Array.from(numbers("roots")),
    feature: Int32Array.from(numbers("feature")),
    threshold: Float32Array.from(numbers("threshold")),
    missingLeft: Uint8Array.from(numbers("missingLeft")),
    left: Int32Array.from(numbers("left")),
    right: Int32Array.from(numbers("right")),
    value: Float64Array.from(numbers("value")),
    cover: Float64Array.from(numbers("cover")),
  };
  const problem = problemOf(forest);
  if (problem !== null) throw refuse(problem);
  return forest;
}

/** What would make scoring read past an array or never end. */
function problemOf(forest: Forest): string | null {
  const nodes = forest.left.length;
  if (!Number.isFinite(forest.start)) return "start is no number";
  for (const name of ARRAYS) {
    if (name !== "roots" && forest[name].length !== nodes) return `${name} has not one element a node`;
  }
  if (!forest.roots.every((root) => root >= 0 && root < nodes)) return "a root lies outside";
  for (let node = 0; node < nodes; node++) {
    const isLeaf = forest.left[node] < 0;
    const inside = (child: number): boolean => child > node && child < nodes;
    if (isLeaf ? !Number.isFinite(forest.value[node]) : !inside(forest.left[node]))
      return `node ${node} is broken`;
    if (!isLeaf && !inside(forest.right[node])) return `node ${node} is broken`;
    if (!isLeaf && !(forest.feature[node] >= 0 && forest.feature[node] < forest.featureNames.length)) {
      return `node ${node} names no feature`;
    }
  }
  return null;
}
