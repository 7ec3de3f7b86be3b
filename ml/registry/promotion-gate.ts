import type { PrimaryMetric, PromotionLimits } from "../plugin.ts";
import type { ModelCard } from "./model-card.ts";

export interface GateCheck {
  readonly name:
    | "beats-champion"
    | "beats-baseline"
    | "enough-evidence"
    | "labels-known"
    | "calibrated"
    | "fast-enough";
  readonly passed: boolean;
  /** What was compared, for a person. */
  readonly detail: string;
}

export interface GateResult {
  readonly passed: boolean;
  readonly checks: readonly GateCheck[];
}

export interface GateRules {
  readonly primaryMetric: PrimaryMetric;
  readonly gate: PromotionLimits;
}

/** Of either label: of fewer, the resamples that the advantage comes from tell too little themselves. */
const EITHER_LABEL_MIN = 50;

/**
 * Whether a version may become champion, by what its card says: better than the present champion, and
 * not by chance alone, better than every baseline on the same rows, of which there are enough of either
 * label, by labels that were known, calibrated, and within the time that a score may take.
 * @param champion version that is champion now, by alias or built in
 */
export function promotionGate(rules: GateRules, card: ModelCard, champion: string): GateResult {
  const checks = [
    beatsChampion(rules.primaryMetric, card, champion),
    beatsBaselines(rules.primaryMetric, card),
    enoughEvidence(rules.gate, card),
    labelsKnown(card),
    calibrated(rules.gate, card),
    fastEnough(rules.gate, card),
  ];
  return { passed: checks.every(({ passed }) => passed), checks };
}

function beatsChampion(
  metric: PrimaryMetric,
  { evaluation, incumbent }: ModelCard,
  champion: string,
): GateCheck {
  const name = "beats-champion";
  if (incumbent.version !== champion) {
    return {
      name,
      passed: false,
      detail: `it was measured beside ${incumbent.version}, and ${champion} is champion now: train again`,
    };
  }
  const compared = compare(name, metric, evaluation.metrics[metric.name]?.model, incumbent.metric, champion);
  const { advantageMin = null } = incumbent;
  if (advantageMin === null) {
    const detail = `${compared.detail}, but its card does not say whether that is chance: train again`;
    return { name, passed: false, detail };
  }
  return {
    name,
    passed: compared.passed && advantageMin > 0,
    detail: `${compared.detail}, by ${advantageMin.toFixed(4)} or more in 95 % of resamples, which has to be above 0`,
  };
}

/** Of lists, which are no probabilities, hits alone: a miss is no label of its own. */
function enoughEvidence({ calibrationErrorMax }: PromotionLimits, { evaluation }: ModelCard): GateCheck {
  const { rows, positives } = evaluation;
  const fewest = calibrationErrorMax === null ? positives : Math.min(positives, rows - positives);
  return {
    name: "enough-evidence",
    passed: fewest >= EITHER_LABEL_MIN,
    detail: `measured on ${positives} positives and ${rows - positives} others, at least ${EITHER_LABEL_MIN}${calibrationErrorMax === null ? " of the former" : " of each"}`,
  };
}

/** Against the best of the naive baseline and the simple models of its card that have the figure. */
function beatsBaselines(metric: PrimaryMetric, { evaluation, baselines = {} }: ModelCard): GateCheck {
  const figures = evaluation.metrics[metric.name];
  const others = Object.entries(baselines).map(([name, values]) => [name, values[metric.name]] as const);
  const [best] = [["the baseline", figures?.baseline] as const, ...others]
    .filter((entry): entry is readonly [string, number] => entry[1] !== undefined)
    .sort(([, a], [, b]) => (metric.better === "lower" ? a - b : b - a));
  return compare("beats-baseline", metric, figures?.model, best?.[1], best?.[0] ?? "the baseline");
}

function compare(
  name: GateCheck["name"],
  { name: metric, better }: PrimaryMetric,
  own: number | undefined,
  other: number | undefined,
  whose: string,
): GateCheck {
  if (own === undefined || other === undefined) {
    return { name, passed: false, detail: `its card has no ${metric}` };
  }
  const passed = better === "lower" ? own < other : own > other;
  return {
    name,
    passed,
    detail: `${metric} ${own.toFixed(4)}, ${whose} ${other.toFixed(4)} (${better} is better)`,
  };
}

/** Figures by assumed labels say how well it foresees where the data were cut off. */
function labelsKnown({ openSessions, rows }: ModelCard): GateCheck {
  const name = "labels-known";
  if (openSessions !== "taken-as-ended") return { name, passed: true, detail: "no label was assumed" };
  return {
    name,
    passed: false,
    detail: `${rows.unknownLabel} rows are of sessions still open at the end of the data, which were taken as ended: train again on a longer history`,
  };
}

function calibrated({ calibrationErrorMax }: PromotionLimits, { evaluation }: ModelCard): GateCheck {
  const name = "calibrated";
  if (calibrationErrorMax === null) return { name, passed: true, detail: "its scores are no probabilities" };
  const error = evaluation.metrics.calibrationError?.model;
  if (error === undefined) return { name, passed: false, detail: "its card has no calibrationError" };
  return {
    name,
    passed: error <= calibrationErrorMax,
    detail: `calibration error ${error.toFixed(4)}, at most ${calibrationErrorMax}`,
  };
}

function fastEnough({ scoreMicrosMax }: PromotionLimits, { scoreMicros }: ModelCard): GateCheck {
  const name = "fast-enough";
  if (scoreMicros === undefined) return { name, passed: false, detail: "its card has no scoreMicros" };
  return {
    name,
    passed: scoreMicros <= scoreMicrosMax,
    detail: `${scoreMicros.toFixed(2)} µs a score, at most ${scoreMicrosMax}`,
  };
}
