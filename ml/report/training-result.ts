import type { EvaluationResult } from "../evaluation.ts";
import type { PrimaryMetric } from "../plugin.ts";
import type { TrainedModel } from "../training/train-plugin.ts";

/** A trained model's card as a report shows it: each figure beside the naive baseline's, and the champion's. */
export function trainingResult({ card, promoted }: TrainedModel, { name }: PrimaryMetric): EvaluationResult {
  const { evaluation, incumbent, features, reference: _bins, ...facts } = card;
  const sides = (side: "model" | "baseline"): Record<string, number> =>
    Object.fromEntries(Object.entries(evaluation.metrics).map(([metric, figure]) => [metric, figure[side]]));
  return {
    ...sides("model"),
    baselines: { naive: sides("baseline"), [`champion ${incumbent.version}`]: { [name]: incumbent.metric } },
    ...facts,
    promoted,
    features: features.length,
    evaluatedRows: evaluation.rows,
    positives: evaluation.positives,
  };
}
