import { type BoostOptions, fitTrees } from "../../training/trees/boost.ts";
import { averageForests, type Forest } from "../../training/trees/forest.ts";
import type { PaymentRows } from "./payment-rows.ts";

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

/** Trees without a gain on the hold-out after which growing stops. */
const PATIENCE = 40;

/** Forests whose log-odds are averaged: chance in the draw of rows and features averages out. */
const FORESTS = 3;

/** Boosted trees for fraud; the number of trees is that with the lowest log loss on the hold-out. */
export function fitFraudTrees(
  train: PaymentRows,
  holdOut: PaymentRows,
  options: { readonly seed: number; readonly onProgress: (message: string) => void },
): Forest {
  const forests = Array.from({ length: FORESTS }, (_, index) =>
    fitTrees(train, {
      ...TREES,
      // Seeds of neighbouring runs share no forest.
      seed: options.seed * FORESTS + index,
      validation: { table: holdOut, patience: PATIENCE },
      onProgress: (message) => options.onProgress(`forest ${index + 1} of ${FORESTS}: ${message}`),
    }),
  );
  return averageForests(forests);
}
