import { MillraceError } from "../../../schema/index.ts";
import { sigmoid } from "../logistic-regression.ts";
import { createRandom, permutation } from "../random.ts";
import { type BinnedTable, binTable, type ColumnTable, fitBins } from "./bins.ts";
import { createForest, type Forest } from "./forest.ts";
import { type GradientRows, leafOf, type Tree, TreeGrower } from "./grow-tree.ts";

export interface LabelledTable extends ColumnTable {
  /** 0 or 1, by row. */
  readonly labels: Uint8Array;
  /** How many rows of the data each row stands for; absent: one. */
  readonly weights?: Float32Array;
}

export interface BoostOptions {
  readonly trees: number;
  /** What a leaf's value is multiplied by. */
  readonly learningRate: number;
  readonly leavesMax: number;
  readonly l2: number;
  readonly minChildWeight: number;
  readonly minGain?: number;
  /** Share of the features that each tree may split on. */
  readonly featureShare: number;
  /** Shares of the rows that each tree sees; those seen of a class stand for all of it. */
  readonly positiveShare: number;
  readonly negativeShare: number;
  readonly seed: number;
  /** Later rows: growing stops when their log loss has not fallen for `patience` trees. */
  readonly validation?: { readonly table: LabelledTable; readonly patience: number };
  readonly onProgress?: (message: string) => void;
}

const PROGRESS_TREES = 50;

/**
 * Gradient-boosted trees for the binary log loss (Friedman, 2001), by histograms. The same data,
 * options and seed give the same forest, byte for byte. Throws code `dataset-unusable` where there
 * is nothing to learn from: no rows, one class, no feature that varies.
 */
export function fitTrees(train: LabelledTable, options: BoostOptions): Forest {
  const weights = train.weights ?? new Float32Array(train.rows).fill(1);
  const start = startingLogOdds(train, weights);
  const edges = fitBins(train);
  const varying = Int32Array.from(edges.keys()).filter((feature) =>
    varies(train.columns[feature], edges[feature]),
  );
  if (varying.length === 0) throw unusable("every feature is constant");
  const bins = binTable(train, edges);
  const random = createRandom(options.seed);
  const grower = new TreeGrower(bins, edges, { ...options, minGain: options.minGain ?? 0 });
  const sampler = new RowSampler(train.labels, weights, options, random);
  const scores = new Float64Array(train.rows).fill(start);
  const watch = options.validation === undefined ? null : new Watch(options.validation, edges, start);
  const trees: Tree[] = [];
  for (let round = 0; round < options.trees; round++) {
    const tree = grower.grow(sampler.sample(scores), pickFeatures(varying, options.featureShare, random));
    for (let node = 0; node < tree.value.length; node++) tree.value[node] *= options.learningRate;
    addScores(tree, bins, scores, weights);
    sumCover(tree);
    trees.push(tree);
    watch?.add(tree);
    if ((round + 1) % PROGRESS_TREES === 0) options.onProgress?.(progressLine(trees.length, watch));
    if (watch?.isOver() === true) break;
  }
  return createForest(train.featureNames, start, watch === null ? trees : trees.slice(0, watch.best));
}

function progressLine(trees: number, watch: Watch | null): string {
  return watch === null
    ? `${trees} trees`
    : `${trees} trees, log loss ${watch.loss.toFixed(6)} on later rows`;
}

function startingLogOdds({ labels, rows }: LabelledTable, weights: Float32Array): number {
  let positives = 0;
  let total = 0;
  for (let row = 0; row < rows; row++) {
    total += weights[row];
    if (labels[row] === 1) positives += weights[row];
  }
  if (rows === 0) throw unusable("there are no rows");
  if (positives === 0 || positives === total) {
    throw unusable(`all ${rows} rows have the same label: train on data with and without the outcome`);
  }
  return Math.log(positives / (total - positives));
}

function varies(column: Float32Array, edges: Float32Array): boolean {
  if (edges.length > 0) return true;
  const missing = Number.isNaN(column[0]);
  return column.some((value) => Number.isNaN(value) !== missing);
}

function pickFeatures(varying: Int32Array, share: number, random: () => number): Int32Array {
  const count = Math.max(1, Math.round(share * varying.length));
  if (count >= varying.length) return varying;
  const order = permutation(varying.length, random);
  return order
    .subarray(0, count)
    .map((index) => varying[index])
    .sort();
}

/** Draws each tree's rows and computes the derivatives of their loss. */
class RowSampler {
  readonly #labels: Uint8Array;
  readonly #weights: Float32Array;
  readonly #shares: readonly [number, number];
  readonly #random: () => number;
  readonly #data: { -readonly [K in keyof GradientRows]: GradientRows[K] };

  constructor(labels: Uint8Array, weights: Float32Array, options: BoostOptions, random: () => number) {
    this.#labels = labels;
    this.#weights = weights;
    this.#shares = [options.negativeShare, options.positiveShare];
    this.#random = random;
    this.#data = {
      rows: new Int32Array(labels.length),
      gradients: new Float64Array(labels.length),
      hessians: new Float64Array(labels.length),
      count: 0,
    };
  }

  sample(scores: Float64Array): GradientRows {
    const data = this.#data;
    const labels = this.#labels;
    let count = 0;
    for (let row = 0; row < labels.length; row++) {
      const label = labels[row];
      const share = this.#shares[label];
      if (share < 1 && this.#random() >= share) continue;
      const weight = this.#weights[row] / share;
      const p = sigmoid(scores[row]);
      data.rows[count] = row;
      data.gradients[count] = weight * (p - label);
      data.hessians[count++] = weight * p * (1 - p);
    }
    data.count = count;
    return data;
  }
}

function addScores(
  tree: Tree,
  bins: BinnedTable,
  scores: Float64Array,
  weights: Float32Array | null = null,
): void {
  for (let row = 0; row < bins.rows; row++) {
    const leaf = leafOf(tree, bins.columns, row);
    scores[row] += tree.value[leaf];
    if (weights !== null) tree.cover[leaf] += weights[row];
  }
}

/** Covers of the inner nodes from those of the leaves; children come after their parents. */
function sumCover(tree: Tree): void {
  for (let node = tree.left.length - 1; node >= 0; node--) {
    if (tree.left[node] < 0) continue;
    tree.cover[node] = tree.cover[tree.left[node]] + tree.cover[tree.right[node]];
  }
}

/** Log loss on later rows, and after how many trees it was lowest. */
class Watch {
  best = 0;
  loss = 0;
  #trees = 0;
  #lowest = Number.POSITIVE_INFINITY;
  readonly #table: LabelledTable;
  readonly #bins: BinnedTable;
  readonly #scores: Float64Array;
  readonly #patience: number;

  constructor(
    { table, patience }: NonNullable<BoostOptions["validation"]>,
    edges: readonly Float32Array[],
    start: number,
  ) {
    this.#table = table;
    this.#bins = binTable(table, edges);
    this.#scores = new Float64Array(table.rows).fill(start);
    this.#patience = patience;
  }

  add(tree: Tree): void {
    addScores(tree, this.#bins, this.#scores);
    this.#trees++;
    const { labels, rows } = this.#table;
    let total = 0;
    for (let row = 0; row < rows; row++) {
      const z = this.#scores[row];
      total += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - labels[row] * z;
    }
    this.loss = total / rows;
    if (this.loss >= this.#lowest) return;
    this.#lowest = this.loss;
    this.best = this.#trees;
  }

  isOver(): boolean {
    return this.#trees - this.best >= this.#patience;
  }
}

function unusable(detail: string): MillraceError {
  return new MillraceError(`cannot fit trees: ${detail}`, { code: "dataset-unusable", origin: "user" });
}
