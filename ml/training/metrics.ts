import { MillraceError } from "../../schema/index.ts";
import type { EvaluationReport, ReliabilityBin } from "../plugin.ts";

/**
 * Scores and labels (0 or 1) of one evaluation, row by row. A score may be infinite where only the order
 * counts; of one that is no number (NaN) every figure throws code `score-not-a-number`.
 */
export interface Scored {
  readonly scores: Float64Array;
  readonly labels: Float64Array;
}

/**
 * Area under the ROC curve: the chance that a positive scores above a negative, ties counting half
 * (Mann and Whitney). NaN where one class is missing.
 */
export function auc({ scores, labels }: Scored): number {
  const order = ascending(scores);
  let negatives = 0;
  let wins = 0;
  for (let i = 0; i < order.length; ) {
    const end = endOfTie(scores, order, i);
    let tiedPositives = 0;
    for (let k = i; k < end; k++) tiedPositives += labels[order[k]];
    const tiedNegatives = end - i - tiedPositives;
    wins += tiedPositives * (negatives + tiedNegatives / 2);
    negatives += tiedNegatives;
    i = end;
  }
  return wins / ((scores.length - negatives) * negatives);
}

/**
 * Average precision as scikit-learn defines it: the sum over distinct thresholds, from the highest,
 * of (recall − recall before) × precision, without interpolation. NaN without positives.
 */
export function averagePrecision({ scores, labels }: Scored): number {
  const order = ascending(scores);
  const positives = sum(labels);
  let seen = 0;
  let hits = 0;
  let total = 0;
  for (let i = order.length; i > 0; ) {
    const score = scores[order[i - 1]];
    let tied = 0;
    for (; i > 0 && scores[order[i - 1]] === score; i--) {
      tied += labels[order[i - 1]];
      seen++;
    }
    hits += tied;
    total += (tied * hits) / seen;
  }
  return positives === 0 ? Number.NaN : total / positives;
}

/** Mean of −log p(label), with p kept within the machine epsilon of 0 and 1, as scikit-learn does. */
export function logLoss({ scores, labels }: Scored): number {
  requireNumbers(scores);
  let total = 0;
  for (let i = 0; i < scores.length; i++) {
    const p = Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, scores[i]));
    total -= labels[i] * Math.log(p) + (1 - labels[i]) * Math.log1p(-p);
  }
  return total / scores.length;
}

/** Mean of (p − label)². */
export function brier({ scores, labels }: Scored): number {
  requireNumbers(scores);
  let total = 0;
  for (let i = 0; i < scores.length; i++) total += (scores[i] - labels[i]) ** 2;
  return total / scores.length;
}

/** Bins of equal row counts by rising score; at most `bins`, fewer where there are fewer rows. */
export function reliability({ scores, labels }: Scored, bins = 10): ReliabilityBin[] {
  const order = ascending(scores);
  const table: ReliabilityBin[] = [];
  for (let bin = 0; bin < bins; bin++) {
    const from = Math.floor((bin * order.length) / bins);
    const to = Math.floor(((bin + 1) * order.length) / bins);
    if (to === from) continue;
    let score = 0;
    let positives = 0;
    for (let k = from; k < to; k++) {
      score += scores[order[k]];
      positives += labels[order[k]];
    }
    table.push({ rows: to - from, meanScore: score / (to - from), rate: positives / (to - from) });
  }
  return table;
}

/** Expected calibration error: mean over the rows of |mean score − rate| of their bin. */
export function calibrationError(table: readonly ReliabilityBin[]): number {
  let rows = 0;
  let total = 0;
  for (const bin of table) {
    rows += bin.rows;
    total += bin.rows * Math.abs(bin.meanScore - bin.rate);
  }
  return total / rows;
}

/** Share of positives. */
export function positiveRate(labels: Float64Array): number {
  return sum(labels) / labels.length;
}

/**
 * The usual report of a probability model, beside a baseline that always says `baseRate`: that of the
 * training rows, since the rate of the rows that are scored is known only when they are.
 */
export function classifierReport(scored: Scored, baseRate: number): EvaluationReport {
  const { labels } = scored;
  const constant = { scores: new Float64Array(labels.length).fill(baseRate), labels };
  const table = reliability(scored);
  return {
    rows: labels.length,
    positives: sum(labels),
    metrics: {
      auc: { model: auc(scored), baseline: 0.5 },
      averagePrecision: { model: averagePrecision(scored), baseline: averagePrecision(constant) },
      logLoss: { model: logLoss(scored), baseline: logLoss(constant) },
      brier: { model: brier(scored), baseline: brier(constant) },
      calibrationError: {
        model: calibrationError(table),
        baseline: Math.abs(baseRate - positiveRate(labels)),
      },
    },
    reliability: table,
  };
}

/** Row numbers by rising score; throws code `score-not-a-number`. */
export function ascending(scores: Float64Array): Int32Array {
  requireNumbers(scores);
  const order = Int32Array.from(scores, (_, i) => i);
  return order.sort((a, b) => scores[a] - scores[b] || a - b);
}

/** NaN equals nothing, itself included: ties of it never end, and no order holds. */
function requireNumbers(scores: Float64Array): void {
  const first = scores.findIndex(Number.isNaN);
  if (first < 0) return;
  const count = scores.reduce((total, score) => total + (Number.isNaN(score) ? 1 : 0), 0);
  throw new MillraceError(
    `${count} of ${scores.length} scores are no numbers, the first of them in row ${first}: the model that gave them cannot be measured, and a champion has to be rolled back before another is trained beside it`,
    { code: "score-not-a-number", origin: "user" },
  );
}

function endOfTie(scores: Float64Array, order: Int32Array, from: number): number {
  let end = from + 1;
  while (end < order.length && scores[order[end]] === scores[order[from]]) end++;
  return end;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
