import type { OrderDecision } from "../../ml/index.ts";

/** Namespace of the hot store; key: order id → {@link FraudScoreRecord}. */
export const FRAUD_SCORES_NAMESPACE = "fraud-scores";

export interface FraudScoreRecord {
  readonly orderId: string;
  readonly userId: string;
  readonly orderTime: number;
  /** Probability of fraud, 0 to 1. */
  readonly score: number;
  readonly decision: OrderDecision;
  /** What speaks most for fraud, in words; nothing for an order that passes. */
  readonly reasons: readonly string[];
  readonly modelVersion: string;
  readonly classifier: string;
  /** Signed contributions to the log-odds of the features that move the score most; the lake has all. None for an order that passes. */
  readonly contributions: Readonly<Record<string, number>>;
  readonly partition: number;
  readonly offset: number;
}
