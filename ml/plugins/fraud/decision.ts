import { type DecisionThresholds, decisionOf } from "../../order-scorer.ts";
import type { Scored } from "../../training/metrics.ts";

/** What decisions cost, in the currency of the payments. */
export interface DecisionCosts {
  /** On top of the amount, for each fraud that passes. */
  readonly missedCharge: number;
  /** Work of one review; a reviewer tells fraud from genuine. */
  readonly review: number;
  /** Turning a genuine payment away. */
  readonly wrongBlock: number;
}

export const DECISION_COSTS: DecisionCosts = { missedCharge: 20, review: 4, wrongBlock: 40 };

export interface ScoredPayments extends Scored {
  readonly amounts: Float64Array;
}

/**
 * The review threshold that would have cost least on the payments given, and the block threshold
 * where a review costs more than the mistakes that it prevents: (1 − p) · wrongBlock = review.
 */
export function chooseThresholds(payments: ScoredPayments, costs: DecisionCosts): DecisionThresholds {
  const { scores, labels, amounts } = payments;
  const block = 1 - costs.review / costs.wrongBlock;
  const order = Int32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  // Everything passes; then ever more is reviewed, and blocking comes out of the reviewed.
  let cost = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === 1) cost += amounts[i] + costs.missedCharge;
  let lowest = cost;
  let review = 1;
  order.forEach((row, index) => {
    const fraud = labels[row] === 1;
    const isBlocked = scores[row] >= block;
    if (fraud) cost -= amounts[row] + costs.missedCharge;
    cost += isBlocked ? (fraud ? 0 : costs.wrongBlock) : costs.review;
    const next = order[index + 1];
    // A threshold cannot part equal scores.
    if (cost >= lowest || (next !== undefined && scores[next] === scores[row])) return;
    lowest = cost;
    review = scores[row];
  });
  return { review: Math.min(review, block), block };
}

export interface DecisionOutcome {
  readonly blocked: number;
  readonly reviewed: number;
  readonly passed: number;
  readonly fraudsBlocked: number;
  readonly fraudsReviewed: number;
  readonly fraudsPassed: number;
  readonly cost: number;
  /** The same if every payment passed. */
  readonly costWithoutModel: number;
}

/** What the thresholds would have done. */
export function decide(
  { scores, labels, amounts }: ScoredPayments,
  thresholds: DecisionThresholds,
  costs: DecisionCosts,
): DecisionOutcome {
  const counts = { block: [0, 0], review: [0, 0], pass: [0, 0] };
  let [cost, costWithoutModel] = [0, 0];
  for (let i = 0; i < scores.length; i++) {
    const fraud = labels[i] === 1;
    const missed = fraud ? amounts[i] + costs.missedCharge : 0;
    const outcome = decisionOf(scores[i], thresholds);
    counts[outcome][labels[i]]++;
    costWithoutModel += missed;
    if (outcome === "pass") cost += missed;
    else if (outcome === "review") cost += costs.review;
    else if (!fraud) cost += costs.wrongBlock;
  }
  return {
    blocked: counts.block[0] + counts.block[1],
    reviewed: counts.review[0] + counts.review[1],
    passed: counts.pass[0] + counts.pass[1],
    fraudsBlocked: counts.block[1],
    fraudsReviewed: counts.review[1],
    fraudsPassed: counts.pass[1],
    cost,
    costWithoutModel,
  };
}
