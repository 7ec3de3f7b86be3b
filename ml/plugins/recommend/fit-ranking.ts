import { MillraceError } from "../../../schema/index.ts";
import { createRandom } from "../../training/random.ts";
import { type BinnedTable, binTable, type ColumnTable, fitBins } from "../../training/trees/bins.ts";
import { createForest, type Forest } from "../../training/trees/forest.ts";
import { type GradientRows, leafOf, type Tree, TreeGrower } from "../../training/trees/grow-tree.ts";
import type { RankingOptions } from "./recommend-options.ts";

/** Lists of candidates with the one that was chosen. */
export interface RankingLists extends ColumnTable {
  /** First row of each list, and the count of rows. */
  readonly starts: Int32Array;
  /** Row of the chosen candidate of each list. */
  readonly chosen: Int32Array;
  /** How many candidates each row stands for. */
  readonly weights: Float32Array;
  /** Score of each row that the trees correct. */
  readonly margins: Float64Array;
}

const PROGRESS_TREES = 20;

/**
 * Boosted trees for the choice of one of a list: the loss is the negative log of the chosen one's
 * softmax, as in ListNet with the top-one probability (Cao et al., 2007). The same lists, options
 * and seed give the same forest, byte for byte.
 */
export function fitRanking(
  lists: RankingLists,
  options: RankingOptions,
  seed: number,
  onProgress?: (message: string) => void,
): Forest {
  if (lists.chosen.length === 0) {
    throw new MillraceError(
      "cannot learn an order: in the newest sessions no next item is among the candidates",
      { code: "dataset-unusable", origin: "user" },
    );
  }
  const edges = fitBins(lists);
  const bins = binTable(lists, edges);
  const grower = new TreeGrower(bins, edges, { ...options, minGain: 0 });
  const features = Int32Array.from(edges.keys()).filter((feature) => edges[feature].length > 0);
  const random = createRandom(seed);
  const scores = lists.margins.slice();
  const trees: Tree[] = [];
  for (let round = 0; round < options.trees; round++) {
    const data = softmaxGradients(lists, scores, () => random() < options.caseShare);
    const tree = grower.grow(data, features);
    for (let node = 0; node < tree.value.length; node++) tree.value[node] *= options.learningRate;
    addScores(tree, bins, scores);
    trees.push(tree);
    if ((round + 1) % PROGRESS_TREES === 0) onProgress?.(`${round + 1} of ${options.trees} trees`);
  }
  return createForest(lists.featureNames, 0, trees);
}

/** Derivatives of the loss of the lists that are drawn. */
function softmaxGradients(lists: RankingLists, scores: Float64Array, draw: () => boolean): GradientRows {
  const { starts, chosen, weights } = lists;
  const rows = new Int32Array(lists.rows);
  const gradients = new Float64Array(lists.rows);
  const hessians = new Float64Array(lists.rows);
  let count = 0;
  for (let list = 0; list < chosen.length; list++) {
    if (!draw()) continue;
    const [from, to] = [starts[list], starts[list + 1]];
    let highest = Number.NEGATIVE_INFINITY;
    for (let row = from; row < to; row++) highest = Math.max(highest, scores[row]);
    let total = 0;
    for (let row = from; row < to; row++) total += weights[row] * Math.exp(scores[row] - highest);
    for (let row = from; row < to; row++) {
      const p = (weights[row] * Math.exp(scores[row] - highest)) / total;
      rows[count] = row;
      gradients[count] = row === chosen[list] ? p - 1 : p;
      hessians[count++] = p * (1 - p);
    }
  }
  return { rows, gradients, hessians, count };
}

function addScores(tree: Tree, bins: BinnedTable, scores: Float64Array): void {
  for (let row = 0; row < bins.rows; row++) scores[row] += tree.value[leafOf(tree, bins.columns, row)];
}
