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
 * softmax, as in ListNet with the top-one probability (Cao et al., 2007). Growing ends where the loss
 * of the newest lists, which no tree is fitted to, falls no more. The same lists, options and seed give the same forest, byte for byte.
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
  const fitted = Math.ceil(lists.chosen.length * (1 - options.watchedShare));
  const trees: Tree[] = [];
  let best = { trees: 0, loss: meanLoss(lists, scores, fitted) };
  for (let round = 0; round < options.trees; round++) {
    const data = softmaxGradients(lists, scores, fitted, () => random() < options.caseShare);
    const tree = grower.grow(data, features);
    for (let node = 0; node < tree.value.length; node++) tree.value[node] *= options.learningRate;
    addScores(tree, bins, scores);
    trees.push(tree);
    const loss = meanLoss(lists, scores, fitted);
    if (loss < best.loss) best = { trees: trees.length, loss };
    if ((round + 1) % PROGRESS_TREES === 0) {
      onProgress?.(`${round + 1} of ${options.trees} trees, loss ${loss.toFixed(4)} on later sessions`);
    }
    if (trees.length - best.trees >= options.patience) break;
  }
  return createForest(lists.featureNames, 0, trees.slice(0, best.trees));
}

/** Mean loss of the lists from `firstList` on. */
function meanLoss(
  { starts, chosen, weights }: RankingLists,
  scores: Float64Array,
  firstList: number,
): number {
  let loss = 0;
  for (let list = firstList; list < chosen.length; list++) {
    const own = scores[chosen[list]];
    let total = 0;
    for (let row = starts[list]; row < starts[list + 1]; row++)
      total += weights[row] * Math.exp(scores[row] - own);
    loss += Math.log(total);
  }
  return loss / (chosen.length - firstList);
}

/** Derivatives of the loss of those of the first `fitted` lists that are drawn. */
function softmaxGradients(
  lists: RankingLists,
  scores: Float64Array,
  fitted: number,
  draw: () => boolean,
): GradientRows {
  const { starts, weights } = lists;
  const chosen = lists.chosen.subarray(0, fitted);
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
