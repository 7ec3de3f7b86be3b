import type { EvaluationResult } from "../evaluation.ts";
import type { PrimaryMetric } from "../plugin.ts";
import type { TrainedModel } from "../training/train-plugin.ts";

/** A trained model's card as a report shows it: each figure beside those of the baselines and the champion. */
export function trainingResult({ card, promoted }: TrainedModel, { name }: PrimaryMetric): EvaluationResult {
  const { evaluation, incumbent, features, baselines, reference: _bins, ...facts } = card;
  const sides = (side: "model" | "baseline"): Record<string, number> =>
    Object.fromEntries(Object.entries(evaluation.metrics).map(([metric, figure]) => [metric, figure[side]]));
  return {
    ...sides("model"),
    baselines: {
      naive: sides("baseline"),
      ...baselines,
      [`champion ${incumbent.version}`]: { [name]: incumbent.metric },
    },
    ...facts,
    promoted,
    features: features.length,
    evaluatedRows: evaluation.rows,
    positives: evaluation.positives,
  };
}
