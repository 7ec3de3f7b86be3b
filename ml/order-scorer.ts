import type {
  Dataset,
  EvaluationReport,
  MlPlugin,
  PrimaryMetric,
  Scorer,
  ServedPlugin,
  TrainOptions,
} from "./plugin.ts";
import type { ClassifierFigure } from "./training/weighted-figures.ts";

export const ORDER_DECISIONS = ["pass", "review", "block"] as const;
export type OrderDecision = (typeof ORDER_DECISIONS)[number];

/** Scores from `review` on are reviewed, from `block` on blocked. */
export interface DecisionThresholds {
  readonly review: number;
  readonly block: number;
}

/** A score that is no number (NaN) says nothing, so that somebody has to look. */
export function decisionOf(score: number, { review, block }: DecisionThresholds): OrderDecision {
  if (Number.isNaN(score)) return "review";
  return score >= block ? "block" : score >= review ? "review" : "pass";
}

/** A loaded model that judges orders. */
export interface OrderScorer extends Scorer {
  /** Kind of the model, such as `trees`. */
  readonly classifier: string;
  /** Chosen by cost when it was trained. */
  readonly thresholds: DecisionThresholds;
}

/** Scores of what a model is held against, row by row. */
export interface OrderBaseline {
  readonly name: string;
  readonly scores: Float64Array;
  /** Else only their order says something. */
  readonly isProbability: boolean;
}

/** A plugin that scores each order in the stream when it is placed, from `FraudFeatures`. */
export interface OrderScorerPlugin extends ServedPlugin<OrderScorer> {
  readonly primaryMetric: PrimaryMetric<ClassifierFigure>;
  /** Names of the whole vector. */
  readonly orderFeatures: readonly string[];
  /** What a feature's value means, for a person. */
  describe(feature: string, value: number): string;
  /** Fits a model; returns its serialised weights. Rejects with code `dataset-unusable` where it cannot. */
  train(dataset: Dataset, options: TrainOptions): Promise<Uint8Array>;
  /** @param baseRate share of frauds in training, which the naive baseline always says */
  evaluate(scorer: OrderScorer, dataset: Dataset, baseRate: number): EvaluationReport;
  /** Fits simple models on `train` and scores `validation`: their figures stand beside the model's. */
  scoreBaselines(train: Dataset, validation: Dataset, seed: number): readonly OrderBaseline[];
}

/** Whether a plugin sits in the stream as a scorer of orders. */
export function isOrderScorer(plugin: MlPlugin): plugin is OrderScorerPlugin {
  return "orderFeatures" in plugin;
}
