import { countSetting, msSetting, ratioSetting } from "../../../schema/index.ts";
import { defineDetector } from "../detector.ts";
import { ANOMALY_DIRECTIONS, goldAnomalies, goldMetrics } from "./anomalies-tables.ts";
import { fixedMetrics, METRIC_PREFIX } from "./metric-names.ts";
import { ANOMALIES, sumMetrics } from "./metric-sums.ts";
import { CORRECTED_DAYS, KEPT_WEEKS } from "./season.ts";
import { watchMetrics } from "./watch-metrics.ts";

export { ANOMALY_DIRECTIONS, fixedMetrics, goldAnomalies, goldMetrics, METRIC_PREFIX };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

export const anomalies = defineDetector({
  name: ANOMALIES,
  doc: "Metrics far from their own season, the hour of the week; judged from about the 24th day on.",
  settings: {
    anomaliesWindowMs: msSetting(
      "Detectors",
      900_000,
      [300_000, 3_600_000],
      "Window of the metrics that are watched; divides an hour.",
    ),
    anomaliesThreshold: ratioSetting(
      "Detectors",
      4,
      [2, 100],
      "Distance from the season, in units of the metric's own usual distance, above which a window is an anomaly.",
    ),
    anomaliesExpectedMin: countSetting(
      "Detectors",
      20,
      [1, 1_000_000_000],
      "A metric is judged where its season says at least so much.",
    ),
  },
  problems: ({ anomaliesWindowMs }) =>
    HOUR_MS % anomaliesWindowMs === 0 && anomaliesWindowMs % MINUTE_MS === 0
      ? []
      : [`anomaliesWindowMs (${anomaliesWindowMs}) must be whole minutes, and divide an hour`],
  keptMs: () => KEPT_WEEKS * WEEK_MS,
  correctedMs: () => CORRECTED_DAYS * DAY_MS,
  tables: [goldMetrics, goldAnomalies],
  alerts: { anomaly: "A metric is far above or below what it is at that hour of the week." },
  create: (_config, deps) => sumMetrics(deps),
  combine: watchMetrics,
});
