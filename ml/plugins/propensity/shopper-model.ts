import type { CsvTable } from "../../training/csv.ts";
import { fitLogistic, logOdds, sigmoid } from "../../training/logistic-regression.ts";
import { logLoss } from "../../training/metrics.ts";
import { createRandom, permutation } from "../../training/random.ts";
import { fitTabular, readLabels, type TabularSpec } from "../../training/tabular-design.ts";
import { fitShopperTrees, type ShopperTreesOptions, scoreShopperTrees } from "./shopper-trees.ts";

/** Probability of a purchase for rows of a table of the same columns. */
export interface ShopperModel {
  /** Share of the logistic regression in the log-odds; the rest is the trees'. */
  readonly logisticShare: number;
  score(table: CsvTable, rows: Int32Array): Float64Array;
}

const L2 = 30;

/** Shares that the blend may have. */
const SHARES = [0, 0.15, 0.3, 0.45];

const FORESTS = 3;

/** One of so many training rows decides on the share; both models are fitted again on all of them. */
const INNER_FOLDS = 5;

/**
 * Boosted trees blended with logistic regression on splines, in the log-odds. The share is the one
 * with the lowest log loss on a part of the training rows that neither was fitted on.
 */
export function fitShopperModel(
  spec: TabularSpec,
  table: CsvTable,
  rows: Int32Array,
  seed: number,
): ShopperModel {
  const labels = readLabels(spec, table, rows);
  const fold = stratifiedFolds(labels, INNER_FOLDS, seed);
  const inner = fitBoth(
    spec,
    table,
    rows.filter((_, i) => fold[i] > 0),
    { seed, forests: 1 },
  );
  const held = rows.filter((_, i) => fold[i] === 0);
  const heldLabels = labels.filter((_, i) => fold[i] === 0);
  const parts = inner(table, held);
  const losses = SHARES.map((share) => logLoss({ scores: blend(parts, share), labels: heldLabels }));
  const logisticShare = SHARES[losses.indexOf(Math.min(...losses))];
  const both = fitBoth(spec, table, rows, { seed, forests: FORESTS });
  return { logisticShare, score: (from, chosen) => blend(both(from, chosen), logisticShare) };
}

interface BothLogOdds {
  readonly logistic: Float64Array;
  readonly trees: Float64Array;
}

function fitBoth(
  spec: TabularSpec,
  table: CsvTable,
  rows: Int32Array,
  options: ShopperTreesOptions,
): (table: CsvTable, rows: Int32Array) => BothLogOdds {
  const encoder = fitTabular(spec, table, rows);
  const design = encoder.design(table, rows);
  const linear = fitLogistic(design, { l2: L2, center: false });
  const forest = fitShopperTrees(spec, table, rows, design.labels, options);
  return (from, chosen) => {
    const given = encoder.design(from, chosen);
    return {
      logistic: Float64Array.from(chosen, (_, row) => logOdds(linear, given.vectors, row * given.columns)),
      trees: scoreShopperTrees(forest, spec, from, chosen),
    };
  };
}

function blend({ logistic, trees }: BothLogOdds, share: number): Float64Array {
  return trees.map((z, row) => sigmoid((1 - share) * z + share * logistic[row]));
}

/** Number of each row's fold: shuffled, with the same share of either label in all. */
export function stratifiedFolds(labels: Float64Array, folds: number, seed: number): Int32Array {
  const fold = new Int32Array(labels.length);
  const dealt = [0, 0];
  for (const row of permutation(labels.length, createRandom(seed))) fold[row] = dealt[labels[row]]++ % folds;
  return fold;
}
