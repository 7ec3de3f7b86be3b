import { type BoostOptions, fitTrees, type LabelledTable } from "../../training/trees/boost.ts";
import { averageForests, type Forest } from "../../training/trees/forest.ts";

/** Found on the weeks 11 to 17 and 25 to 31 July, never on the published test week; see ml/README.md. */
const TREES = {
  trees: 400,
  learningRate: 0.05,
  leavesMax: 15,
  l2: 5,
  minChildWeight: 10,
  featureShare: 0.5,
  positiveShare: 0.5,
  negativeShare: 0.3,
} satisfies Partial<BoostOptions>;

export type FraudTreesSize = "accuracy" | "serving";

interface Size {
  readonly trees: typeof TREES;
  /** Forests whose log-odds are averaged: chance in the draw of rows and features averages out. */
  readonly forests: number;
}

/** Each order is explained exactly when it comes: the cost grows with trees, leaves and depth squared. */
const SIZES: Readonly<Record<FraudTreesSize, Size>> = {
  accuracy: { trees: TREES, forests: 3 },
  serving: {
    trees: { ...TREES, trees: 80, learningRate: 0.15, leavesMax: 8, minChildWeight: 3, negativeShare: 0.5 },
    forests: 1,
  },
};

/** Trees without a gain on the hold-out after which growing stops. */
const PATIENCE = 40;

/** Boosted trees for fraud; the number of trees is that with the lowest log loss on the hold-out. */
export function fitFraudTrees(
  train: LabelledTable,
  holdOut: LabelledTable,
  options: {
    readonly seed: number;
    readonly onProgress: (message: string) => void;
    readonly size?: FraudTreesSize;
  },
): Forest {
  const { trees, forests: count } = SIZES[options.size ?? "accuracy"];
  const forests = Array.from({ length: count }, (_, index) =>
    fitTrees(train, {
      ...trees,
      // Seeds of neighbouring runs share no forest.
      seed: options.seed * count + index,
      validation: { table: holdOut, patience: PATIENCE },
      onProgress: (message) => options.onProgress(`forest ${index + 1} of ${count}: ${message}`),
    }),
  );
  return averageForests(forests);
}
