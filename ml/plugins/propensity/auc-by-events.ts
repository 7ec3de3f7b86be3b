import { SHOPPER_SESSION_FEATURES } from "../../features/index.ts";
import type { Dataset, EvaluationReport } from "../../plugin.ts";
import { auc } from "../../training/metrics.ts";

/** Events of the visit so far, both ends inclusive. */
const SPANS: readonly (readonly [name: string, from: number, to: number])[] = [
  ["aucAfter1Event", 1, 1],
  ["aucAfter2Events", 2, 2],
  ["aucAfter3To5Events", 3, 5],
  ["aucAfter6To10Events", 6, 10],
  ["aucAfter11EventsOrMore", 11, Number.POSITIVE_INFINITY],
];

/** Counts by type of event, which add up to the events of the visit. */
const COUNTS = [
  "page_views",
  "item_views",
  "clicks",
  "searches",
  "cart_adds",
  "cart_removes",
  "checkouts",
  "purchases",
].map((name) => SHOPPER_SESSION_FEATURES.indexOf(name as (typeof SHOPPER_SESSION_FEATURES)[number]));

/**
 * How well vectors are told apart by the number of events that the visit had by then: the earlier,
 * the harder. Spans in which all have the same outcome are left out.
 */
export function aucByEvents(dataset: Dataset, scores: Float64Array): EvaluationReport["metrics"] {
  const { vectors, labels, rows } = dataset;
  const width = dataset.featureNames.length;
  const events = Int32Array.from({ length: rows }, (_, row) =>
    // Counts are stored as log(1 + n).
    Math.round(COUNTS.reduce((total, j) => total + Math.expm1(vectors[row * width + j]), 0)),
  );
  const metrics: Record<string, { model: number; baseline: number }> = {};
  for (const [name, from, to] of SPANS) {
    const inSpan = (_: number, row: number): boolean => events[row] >= from && events[row] <= to;
    const own = labels.filter(inSpan);
    if (!own.includes(0) || !own.includes(1)) continue;
    metrics[name] = { model: auc({ scores: scores.filter(inSpan), labels: own }), baseline: 0.5 };
  }
  return metrics;
}
