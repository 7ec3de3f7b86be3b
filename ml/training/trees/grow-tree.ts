import { type BinEdges, type BinnedTable, MISSING_BIN } from "./bins.ts";

export interface GrowOptions {
  readonly leavesMax: number;
  /** Penalty ½ · l2 · value² on each leaf. */
  readonly l2: number;
  /** Least sum of second derivatives in a leaf. */
  readonly minChildWeight: number;
  /** Least gain of a split in the summed loss. */
  readonly minGain: number;
}

/** One tree: node 0 is the root; a leaf has `left` -1. Arrays have one element a node. */
export interface Tree {
  readonly feature: Int32Array;
  /** A value at most this goes left. */
  readonly threshold: Float32Array;
  /** The same as a bin, for tables that are binned. */
  readonly splitBin: Uint8Array;
  /** 1: a missing value goes left. */
  readonly missingLeft: Uint8Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** Log-odds that a leaf adds; 0 elsewhere. */
  readonly value: Float64Array;
  /** Weight of the training rows that pass the node. */
  readonly cover: Float64Array;
}

/** Rows of one boosting step with the derivatives of their loss. Arrays are reordered by growing. */
export interface GradientRows {
  readonly rows: Int32Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  readonly count: number;
}

interface Split {
  readonly gain: number;
  readonly feature: number;
  readonly bin: number;
  readonly missingLeft: boolean;
}

interface Leaf {
  readonly node: number;
  readonly from: number;
  readonly to: number;
  readonly gradient: number;
  readonly hessian: number;
  readonly histogram: Float64Array;
  readonly split: Split | null;
}

/** Room of one feature in a histogram: a pair of sums for each of 256 bins. */
const FEATURE_STRIDE = 512;

/**
 * Grows trees leaf by leaf, always the leaf with the largest gain, from histograms of the
 * derivatives; of two children the smaller is summed and the larger is the parent less the smaller
 * (Ke et al., LightGBM, 2017; gain and leaf value: Chen and Guestrin, XGBoost, 2016).
 */
export class TreeGrower {
  readonly #table: BinnedTable;
  readonly #edges: readonly BinEdges[];
  readonly #options: GrowOptions;
  readonly #free: Float64Array[] = [];
  readonly #spare: { readonly rows: Int32Array; readonly pairs: Float64Array };

  constructor(table: BinnedTable, edges: readonly BinEdges[], options: GrowOptions) {
    this.#table = table;
    this.#edges = edges;
    this.#options = options;
    this.#spare = { rows: new Int32Array(table.rows), pairs: new Float64Array(2 * table.rows) };
  }

  /** A tree over `data`, splitting on `features` alone. The values of leaves are not yet shrunk. */
  grow(data: GradientRows, features: Int32Array): Tree {
    const size = 2 * this.#options.leavesMax - 1;
    const tree = emptyTree(size);
    let [gradient, hessian] = [0, 0];
    for (let i = 0; i < data.count; i++) {
      gradient += data.gradients[i];
      hessian += data.hessians[i];
    }
    const histogram = this.#histogram();
    this.#sum(data, 0, data.count, features, histogram);
    const root = { node: 0, from: 0, to: data.count, gradient, hessian, histogram };
    const leaves: Leaf[] = [{ ...root, split: this.#bestSplit(root, features) }];
    let nodes = 1;
    while (leaves.length < this.#options.leavesMax) {
      const index = largestGain(leaves);
      const leaf = leaves[index];
      if (leaf?.split == null) break;
      const [left, right] = this.#splitLeaf(leaf, leaf.split, data, features, nodes);
      writeSplit(tree, leaf, leaf.split, this.#edges, nodes);
      nodes += 2;
      leaves[index] = left;
      leaves.push(right);
    }
    for (const leaf of leaves) {
      tree.value[leaf.node] = -leaf.gradient / (leaf.hessian + this.#options.l2);
      this.#free.push(leaf.histogram);
    }
    return sliceTree(tree, nodes);
  }

  #splitLeaf(
    leaf: Leaf,
    split: Split,
    data: GradientRows,
    features: Int32Array,
    nodes: number,
  ): [Leaf, Leaf] {
    const { from, to } = leaf;
    const middle = this.#partition(leaf, split, data);
    const leftIsSmaller = middle - from <= to - middle;
    const small = this.#histogram();
    this.#sum(data, leftIsSmaller ? from : middle, leftIsSmaller ? middle : to, features, small);
    const large = leaf.histogram;
    for (const feature of features) {
      const base = feature * FEATURE_STRIDE;
      const end = base + 2 * this.#table.binCounts[feature];
      for (let cell = base; cell < end; cell++) large[cell] -= small[cell];
    }
    let [gradient, hessian] = [0, 0];
    for (let i = from; i < middle; i++) {
      gradient += data.gradients[i];
      hessian += data.hessians[i];
    }
    const left = {
      node: nodes,
      from,
      to: middle,
      gradient,
      hessian,
      histogram: leftIsSmaller ? small : large,
    };
    const right = {
      node: nodes + 1,
      from: middle,
      to,
      gradient: leaf.gradient - gradient,
      hessian: leaf.hessian - hessian,
      histogram: leftIsSmaller ? large : small,
    };
    return [
      { ...left, split: this.#bestSplit(left, features) },
      { ...right, split: this.#bestSplit(right, features) },
    ];
  }

  #histogram(): Float64Array {
    return this.#free.pop() ?? new Float64Array(this.#table.columns.length * FEATURE_STRIDE);
  }

  #sum(data: GradientRows, from: number, to: number, features: Int32Array, out: Float64Array): void {
    const { columns, binCounts } = this.#table;
    for (const feature of features) {
      const base = feature * FEATURE_STRIDE;
      out.fill(0, base, base + 2 * binCounts[feature]);
    }
    let next = 0;
    for (; next + 3 < features.length; next += 4) {
      sumFour(columns, features.subarray(next, next + 4), data, from, to, out);
    }
    for (; next < features.length; next++) sumOne(columns, features[next], data, from, to, out);
  }

  #bestSplit(leaf: Omit<Leaf, "split">, features: Int32Array): Split | null {
    const { l2, minChildWeight, minGain } = this.#options;
    if (leaf.hessian < 2 * minChildWeight) return null;
    const whole = leaf.gradient ** 2 / (leaf.hessian + l2);
    let best: Split | null = null;
    let bestGain = 2 * minGain + 1e-12;
    for (const feature of features) {
      const base = feature * FEATURE_STRIDE;
      const bins = this.#table.binCounts[feature];
      const missingGradient = leaf.histogram[base];
      const missingHessian = leaf.histogram[base + 1];
      for (const missingLeft of missingHessian > 0 ? [true, false] : [false]) {
        let gradient = missingLeft ? missingGradient : 0;
        let hessian = missingLeft ? missingHessian : 0;
        // After the last bin: missing values alone go the other way.
        for (let bin = 1; bin < bins - (missingLeft || missingHessian === 0 ? 1 : 0); bin++) {
          gradient += leaf.histogram[base + 2 * bin];
          hessian += leaf.histogram[base + 2 * bin + 1];
          if (hessian < minChildWeight) continue;
          const rest = leaf.hessian - hessian;
          if (rest < minChildWeight) break;
          const gain = gradient ** 2 / (hessian + l2) + (leaf.gradient - gradient) ** 2 / (rest + l2) - whole;
          if (gain <= bestGain) continue;
          bestGain = gain;
          best = { gain, feature, bin, missingLeft };
        }
      }
    }
    return best;
  }

  /** Moves the rows that go left before the others, both in their order; returns where the others begin. */
  #partition({ from, to }: Leaf, split: Split, data: GradientRows): number {
    const column = this.#table.columns[split.feature];
    const { rows, gradients, hessians } = data;
    const spare = this.#spare;
    let left = from;
    let right = 0;
    for (let i = from; i < to; i++) {
      const row = rows[i];
      const bin = column[row];
      if (bin === MISSING_BIN ? split.missingLeft : bin <= split.bin) {
        rows[left] = row;
        gradients[left] = gradients[i];
        hessians[left++] = hessians[i];
      } else {
        spare.rows[right] = row;
        spare.pairs[2 * right] = gradients[i];
        spare.pairs[2 * right++ + 1] = hessians[i];
      }
    }
    for (let i = 0; i < right; i++) {
      rows[left + i] = spare.rows[i];
      gradients[left + i] = spare.pairs[2 * i];
      hessians[left + i] = spare.pairs[2 * i + 1];
    }
    return left;
  }
}

/**
 * The innermost loop of training, on its own so that it is compiled for its types: four features at
 * once, so that a row's derivatives are loaded once for all of them.
 */
function sumFour(
  columns: readonly Uint8Array[],
  features: Int32Array,
  { rows, gradients, hessians }: GradientRows,
  from: number,
  to: number,
  out: Float64Array,
): void {
  const [a, b, c, d] = features;
  const [columnA, columnB, columnC, columnD] = [columns[a], columns[b], columns[c], columns[d]];
  const baseA = a * FEATURE_STRIDE;
  const baseB = b * FEATURE_STRIDE;
  const baseC = c * FEATURE_STRIDE;
  const baseD = d * FEATURE_STRIDE;
  for (let i = from; i < to; i++) {
    const row = rows[i];
    const gradient = gradients[i];
    const hessian = hessians[i];
    const cellA = baseA + 2 * columnA[row];
    const cellB = baseB + 2 * columnB[row];
    const cellC = baseC + 2 * columnC[row];
    const cellD = baseD + 2 * columnD[row];
    out[cellA] += gradient;
    out[cellA + 1] += hessian;
    out[cellB] += gradient;
    out[cellB + 1] += hessian;
    out[cellC] += gradient;
    out[cellC + 1] += hessian;
    out[cellD] += gradient;
    out[cellD + 1] += hessian;
  }
}

function sumOne(
  columns: readonly Uint8Array[],
  feature: number,
  { rows, gradients, hessians }: GradientRows,
  from: number,
  to: number,
  out: Float64Array,
): void {
  const column = columns[feature];
  const base = feature * FEATURE_STRIDE;
  for (let i = from; i < to; i++) {
    const cell = base + 2 * column[rows[i]];
    out[cell] += gradients[i];
    out[cell + 1] += hessians[i];
  }
}

function largestGain(leaves: readonly Leaf[]): number {
  let best = -1;
  for (let i = 0; i < leaves.length; i++) {
    const split = leaves[i].split;
    if (split !== null && (best < 0 || split.gain > (leaves[best].split as Split).gain)) best = i;
  }
  return best;
}

function writeSplit(
  tree: Tree,
  leaf: Leaf,
  split: Split,
  edges: readonly BinEdges[],
  firstChild: number,
): void {
  const { node } = leaf;
  const own = edges[split.feature];
  tree.feature[node] = split.feature;
  tree.splitBin[node] = split.bin;
  // All present values left, missing ones right: no edge is above the last bin.
  tree.threshold[node] = split.bin <= own.length ? own[split.bin - 1] : Number.POSITIVE_INFINITY;
  tree.missingLeft[node] = split.missingLeft ? 1 : 0;
  tree.left[node] = firstChild;
  tree.right[node] = firstChild + 1;
}

function emptyTree(size: number): Tree {
  return {
    feature: new Int32Array(size),
    threshold: new Float32Array(size),
    splitBin: new Uint8Array(size),
    missingLeft: new Uint8Array(size),
    left: new Int32Array(size).fill(-1),
    right: new Int32Array(size).fill(-1),
    value: new Float64Array(size),
    cover: new Float64Array(size),
  };
}

function sliceTree(tree: Tree, nodes: number): Tree {
  return {
    feature: tree.feature.slice(0, nodes),
    threshold: tree.threshold.slice(0, nodes),
    splitBin: tree.splitBin.slice(0, nodes),
    missingLeft: tree.missingLeft.slice(0, nodes),
    left: tree.left.slice(0, nodes),
    right: tree.right.slice(0, nodes),
    value: tree.value.slice(0, nodes),
    cover: tree.cover.slice(0, nodes),
  };
}

/** Leaf of a binned row. */
export function leafOf(tree: Tree, columns: readonly Uint8Array[], row: number): number {
  let node = 0;
  while (tree.left[node] >= 0) {
    const bin = columns[tree.feature[node]][row];
    const goesLeft = bin === MISSING_BIN ? tree.missingLeft[node] === 1 : bin <= tree.splitBin[node];
    node = goesLeft ? tree.left[node] : tree.right[node];
  }
  return node;
}
