import type { Forest } from "./forest.ts";

/** Features on a path up to which its contributions are tabled: 2⁷ · 7 numbers a leaf at most. */
const PATH_FEATURES_MAX = 7;

/**
 * Exact Shapley values by table: what a leaf adds to the features on its path depends only on which of their
 * conditions the vector meets, 2^features cases that are computed once (Yang, "Fast TreeSHAP", 2021,
 * version 2). A vector then costs a comparison and an addition for each feature of each path. Takes the
 * trees whose paths have few features; {@link rest} are the roots of the others.
 */
export class LeafShap {
  /** Roots of trees with a longer path. */
  readonly rest: Int32Array;
  private readonly width: number;
  /** Elements of leaf i are [starts[i], starts[i + 1]): the features of its path. */
  private readonly starts: Int32Array;
  /** Where the leaf's table begins: a row of its features' values for each set of conditions that are met. */
  private readonly tables: Int32Array;
  private readonly values: Float64Array;
  private readonly feature: Int32Array;
  /** A value meets the condition where it is at most `high` and not at most `low`. */
  private readonly low: Float32Array;
  private readonly high: Float32Array;
  private readonly missing: Uint8Array;
  private single = new Float32Array(0);

  constructor(forest: Forest) {
    this.width = forest.featureNames.length;
    const leaves: Leaf[] = [];
    const rest: number[] = [];
    for (const root of forest.roots) {
      const own = leavesOf(forest, root);
      if (own.every(({ path }) => path.length <= PATH_FEATURES_MAX)) leaves.push(...own);
      else rest.push(root);
    }
    this.rest = Int32Array.from(rest);
    this.starts = running(leaves.map(({ path }) => path.length));
    this.tables = running(leaves.map(({ path }) => path.length << path.length));
    const path = leaves.flatMap((leaf) => leaf.path);
    this.feature = Int32Array.from(path, (condition) => condition.feature);
    this.low = Float32Array.from(path, ({ low }) => low);
    this.high = Float32Array.from(path, ({ high }) => high);
    this.missing = Uint8Array.from(path, ({ missing }) => (missing ? 1 : 0));
    this.values = new Float64Array(this.tables[leaves.length]);
    for (const [i, leaf] of leaves.entries()) fillTable(leaf, this.values, this.tables[i]);
  }

  /** Adds the trees' contributions for `vector` to `out`. */
  add(vector: Float64Array, out: Float64Array): void {
    const { starts, tables, values, feature, low, high, missing } = this;
    const x = this.inSinglePrecision(vector);
    const leaves = starts.length - 1;
    for (let leaf = 0; leaf < leaves; leaf++) {
      const from = starts[leaf];
      const count = starts[leaf + 1] - from;
      let met = 0;
      for (let i = 0; i < count; i++) {
        const at = from + i;
        const value = x[feature[at]];
        // NaN is not equal to itself; no lower bound is NaN, which nothing is at most.
        if (Number.isNaN(value) ? missing[at] === 1 : value <= high[at] && !(value <= low[at])) met |= 1 << i;
      }
      const row = tables[leaf] + met * count;
      for (let i = 0; i < count; i++) out[feature[from + i]] += values[row + i];
    }
  }

  /** Thresholds are in single precision, as training saw the values. */
  private inSinglePrecision(vector: Float64Array): Float32Array {
    if (this.single.length !== this.width) this.single = new Float32Array(this.width);
    this.single.set(vector);
    return this.single;
  }
}

/** What a feature's splits on a path ask together. */
interface Condition {
  readonly feature: number;
  readonly low: number;
  readonly high: number;
  /** Whether a missing value goes this way at each of the splits. */
  readonly missing: boolean;
  /** Share of the training rows that go this way at each of the splits. */
  readonly share: number;
}

interface Leaf {
  readonly value: number;
  readonly path: readonly Condition[];
}

function leavesOf(forest: Forest, node: number, path: readonly Condition[] = []): Leaf[] {
  const { left, right, value, feature } = forest;
  if (left[node] < 0) return [{ value: value[node], path }];
  const split = feature[node];
  const before = path.find((condition) => condition.feature === split) ?? ANY;
  const others = path.filter((condition) => condition !== before);
  const goesLeft = forest.missingLeft[node] === 1;
  const threshold = forest.threshold[node];
  const along = (child: number, bounds: Pick<Condition, "low" | "high" | "missing">): Leaf[] =>
    leavesOf(forest, child, [
      ...others,
      { ...bounds, feature: split, share: before.share * shareOf(forest, node, child) },
    ]);
  return [
    ...along(left[node], {
      low: before.low,
      high: Math.min(before.high, threshold),
      missing: before.missing && goesLeft,
    }),
    ...along(right[node], {
      low: Number.isNaN(before.low) ? threshold : Math.max(before.low, threshold),
      high: before.high,
      missing: before.missing && !goesLeft,
    }),
  ];
}

const ANY: Condition = {
  feature: -1,
  low: Number.NaN,
  high: Number.POSITIVE_INFINITY,
  missing: true,
  share: 1,
};

/** Share of a node's training rows that went to a child. */
function shareOf({ cover }: Forest, node: number, child: number): number {
  return cover[node] > 0 ? cover[child] / cover[node] : 0.5;
}

function fillTable({ value, path }: Leaf, values: Float64Array, start: number): void {
  const count = path.length;
  for (let met = 0; met < 1 << count; met++) {
    for (let i = 0; i < count; i++) {
      const gain = (met >> i) & 1 ? 1 - path[i].share : -path[i].share;
      values[start + met * count + i] = value * gain * subsetMean(path, met, i);
    }
  }
}

/**
 * Shapley's mean over the subsets of the other features: those of the subset count 1 or 0 by whether their condition is
 * met, the others their share.
 */
function subsetMean(path: readonly Condition[], met: number, without: number): number {
  // By size of the subset, the sum of its products over the features taken so far.
  const bySize = new Float64Array(path.length);
  bySize[0] = 1;
  let taken = 0;
  for (let i = 0; i < path.length; i++) {
    if (i === without) continue;
    const one = (met >> i) & 1;
    for (let size = ++taken; size > 0; size--) {
      bySize[size] = bySize[size] * path[i].share + bySize[size - 1] * one;
    }
    bySize[0] *= path[i].share;
  }
  let total = 0;
  // size! (features − 1 − size)! / features!, from one size to the next.
  let weight = 1 / path.length;
  for (let size = 0; size < path.length; size++) {
    total += weight * bySize[size];
    weight *= (size + 1) / (path.length - 1 - size);
  }
  return total;
}

function running(lengths: readonly number[]): Int32Array {
  const starts = new Int32Array(lengths.length + 1);
  for (const [i, length] of lengths.entries()) starts[i + 1] = starts[i] + length;
  return starts;
}
