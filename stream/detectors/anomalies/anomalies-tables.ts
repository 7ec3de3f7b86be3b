import { defineTable, oneOf, REVISION, WINDOW_END, WINDOW_START } from "../../../schema/index.ts";

export const goldMetrics = defineTable({
  namespace: "gold",
  name: "metrics",
  doc: "What the shop is watched by, per tumbling window: a row for each metric that is known and each window in which anything came.",
  partitionByDayOf: "window_start",
  key: ["metric", "window_start"],
  columns: [
    WINDOW_START,
    WINDOW_END,
    [
      "metric",
      "string",
      "required",
      "events:TYPE, category-events:CATEGORY, revenue:CURRENCY (minor units), orders or failed-payments.",
    ],
    ["value", "long", "required", "The metric in the window; 0 where nothing came for it."],
    [
      "expected",
      "double",
      "optional",
      "Median of the same hour of the week in the six weeks before; null before two of these have values.",
    ],
    REVISION,
  ],
  checks: [
    {
      name: "fresh",
      kind: "freshness",
      severity: "warn",
      column: "window_end",
      table: "silver.events",
      settleMs: 7_200_000,
    },
  ],
});

/** Where an anomaly lies of what its season says: the column `direction`. */
export const ANOMALY_DIRECTIONS = ["above", "below"] as const;
export type AnomalyDirection = (typeof ANOMALY_DIRECTIONS)[number];

export const goldAnomalies = defineTable({
  namespace: "gold",
  name: "anomalies",
  doc: "Windows in which a metric was far from its own season, the hour of the week.",
  partitionByDayOf: "window_start",
  key: ["alert_id"],
  columns: [
    ["alert_id", "string", "required", "Derived from metric and window: the same in every replay."],
    WINDOW_START,
    WINDOW_END,
    ["metric", "string", "required", "As in gold.metrics."],
    ["value", "long", "required", "The metric in the window."],
    ["expected", "double", "required", "What its season says."],
    ["direction", "string", "required", "above or below."],
    ["change", "double", "required", "(value − expected) / expected, to four places."],
    [
      "score",
      "double",
      "required",
      "Distance in units of the metric's own usual distance, to two places; negative below.",
    ],
    ["status", "string", "required", "raised, or retracted where late data took the ground away."],
    REVISION,
  ],
  checks: [oneOf("direction", ANOMALY_DIRECTIONS)],
});
