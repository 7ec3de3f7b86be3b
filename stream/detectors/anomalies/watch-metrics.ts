import { StateSection } from "../../../schema/index.ts";
import { type SummedWindow, SummedWindows } from "../../operators/summed-windows.ts";
import type { Alert } from "../../ports/alert-bus.ts";
import type { Combiner, CombinerDeps } from "../detector.ts";
import { type AnomalyDirection, goldAnomalies, goldMetrics } from "./anomalies-tables.ts";
import { METRICS_MAX, MetricRing } from "./metric-ring.ts";
import { ANOMALIES, metricSources, PANE_MS } from "./metric-sums.ts";
import { CORRECTED_DAYS, distance, Season, type UsualDistance } from "./season.ts";

export interface AnomaliesConfig {
  readonly anomaliesWindowMs: number;
  readonly anomaliesThreshold: number;
  readonly anomaliesExpectedMin: number;
}

/** A metric in a window, beside its season. */
interface Judgement {
  readonly metric: number;
  readonly window: number;
  readonly value: number;
  readonly expected: number | null;
  /** Distance in units of the usual one; null while either is not known, or too little is expected. */
  readonly score: number | null;
}

/** A score from which on an anomaly is of high severity, times the threshold. */
const HIGH_TIMES = 2;

/** Second stage: metrics of all tasks per window, judged against their own season. */
export function watchMetrics(config: AnomaliesConfig, deps: CombinerDeps): Combiner {
  const { anomaliesWindowMs: windowMs } = config;
  const state = new StateSection(ANOMALIES);
  const rows = openRows(config, deps);
  const season: Season = new Season(windowMs, {
    valueAt: (metric, window) => ring.valueAt(metric, window),
    distanceAt: (metric, window) => ring.distanceAt(metric, window),
  });
  const ring = new MetricRing(state, season.perWeek);
  const touched = new Set<number>();
  /** Usual distances by metric, of one day; derived. */
  let usual = { day: Number.NaN, byMetric: new Map<number, UsualDistance | null>() };

  const windows: SummedWindows = new SummedWindows(state, {
    sources: deps.sourceTasks.flatMap(metricSources),
    width: 1,
    paneMs: PANE_MS,
    windowMs,
    allowedLatenessMs: deps.time.allowedLatenessMs,
    keptWindows: CORRECTED_DAYS * season.perDay,
    report: (_window, key) => touched.add(key),
    reported: (window) => take(window),
  });

  function take({ start }: SummedWindow): void {
    const window = start / windowMs;
    const isNewWindow = !ring.isObserved(window);
    ring.open(window);
    const earlier: number[] = [];
    windows.each(start, (key, [value]) => {
      if (key < METRICS_MAX && ring.set(key, window, value)) earlier.push(key);
    });
    for (let metric = 0; metric < ring.metrics; metric++) {
      if (isNewWindow || touched.has(metric)) judge(metric, window);
    }
    correctLater(window);
    touched.clear();
    // Late data showed that a metric was there before: windows that were reported without it have none of it.
    for (const metric of earlier) {
      for (let later = window + 1; later <= ring.newest; later++) {
        if (ring.isObserved(later) && ring.rowRevisions.values[ring.placeOf(metric, later)] === 0) {
          judge(metric, later);
        }
      }
    }
  }

  /** A topic lay weeks behind: what looks back on the window is judged anew. */
  function correctLater(window: number): void {
    const later = [...new Set(season.after(window, ring.newest))].filter((at) => ring.isObserved(at));
    if (later.length === 0) return;
    usual = { day: Number.NaN, byMetric: new Map() };
    for (const at of later.sort((a, b) => a - b)) {
      for (const metric of touched) if (metric < ring.metrics) judge(metric, at);
    }
  }

  function judge(metric: number, window: number): void {
    const value = ring.valueAt(metric, window);
    // The metric came later than this.
    if (Number.isNaN(value)) return;
    const expected = season.expected(metric, window);
    const apart = expected === null ? Number.NaN : distance(value, expected);
    ring.setDistance(metric, window, apart);
    const unit = usualDistance(metric, season.dayOf(window));
    const isJudged = expected !== null && unit !== null && expected >= config.anomaliesExpectedMin;
    const score = isJudged ? apart / (apart < 0 ? unit.below : unit.above) : null;
    const judgement = { metric, window, value, expected, score };
    const at = ring.placeOf(metric, window);
    ring.rowRevisions.values[at] += 1;
    ring.rowRevisions.mark(at);
    rows.writeMetric(windows.keys.text(metric), judgement, ring.rowRevisions.values[at]);
    alert(judgement, at);
  }

  function alert(judgement: Judgement, at: number): void {
    const { score } = judgement;
    const holds = score !== null && Math.abs(score) > config.anomaliesThreshold;
    if (!holds && ring.raised.values[at] === 0) return;
    ring.raised.values[at] = holds ? 1 : 0;
    ring.raised.mark(at);
    ring.alertRevisions.values[at] += 1;
    ring.alertRevisions.mark(at);
    const status = holds ? "raised" : "retracted";
    rows.writeAnomaly(windows.keys.text(judgement.metric), judgement, {
      status,
      revision: ring.alertRevisions.values[at],
    });
  }

  /** Once a day: the days that it is read off do not change any more. */
  function usualDistance(metric: number, day: number): UsualDistance | null {
    if (usual.day !== day) usual = { day, byMetric: new Map() };
    const known = usual.byMetric.get(metric);
    if (known !== undefined) return known;
    const found = season.usualDistance(metric, day);
    usual.byMetric.set(metric, found);
    return found;
  }

  return {
    state,
    fold: (bytes, start) => windows.fold(bytes, start),
    afterRestore: () => windows.afterRestore(),
  };
}

function openRows(config: AnomaliesConfig, { outputs }: CombinerDeps) {
  const { anomaliesWindowMs: windowMs, anomaliesThreshold: threshold } = config;
  const metrics = outputs.openRows(goldMetrics);
  const out = {
    start: metrics.float64("window_start"),
    end: metrics.float64("window_end"),
    metric: metrics.text("metric"),
    value: metrics.float64("value"),
    expected: metrics.float64("expected"),
    revision: metrics.int32("revision"),
  };
  const anomalies = outputs.openRows(goldAnomalies);
  const found = {
    id: anomalies.text("alert_id"),
    start: anomalies.float64("window_start"),
    end: anomalies.float64("window_end"),
    metric: anomalies.text("metric"),
    value: anomalies.float64("value"),
    expected: anomalies.float64("expected"),
    direction: anomalies.text("direction"),
    change: anomalies.float64("change"),
    score: anomalies.float64("score"),
    status: anomalies.text("status"),
    revision: anomalies.int32("revision"),
  };

  function writeMetric(metric: string, { window, value, expected }: Judgement, revision: number): void {
    const row = metrics.next();
    out.start.values[row] = window * windowMs;
    out.end.values[row] = (window + 1) * windowMs;
    metrics.setText(out.metric, row, metric);
    out.value.values[row] = value;
    out.expected.values[row] = expected ?? 0;
    if (out.expected.valid !== null) out.expected.valid[row] = expected === null ? 0 : 1;
    out.revision.values[row] = revision;
  }

  function writeAnomaly(
    metric: string,
    { window, value, expected: season, score: apart }: Judgement,
    { status, revision }: { readonly status: Alert["status"]; readonly revision: number },
  ): void {
    const expected = season ?? 0;
    const score = Math.round((apart ?? 0) * 100) / 100;
    const change = expected === 0 ? 0 : Math.round(((value - expected) / expected) * 10_000) / 10_000;
    const direction: AnomalyDirection = value >= expected ? "above" : "below";
    const [start, end] = [window * windowMs, (window + 1) * windowMs];
    const id = `anomaly:${metric}:${start}`;
    const row = anomalies.next();
    anomalies.setText(found.id, row, id);
    found.start.values[row] = start;
    found.end.values[row] = end;
    anomalies.setText(found.metric, row, metric);
    found.value.values[row] = value;
    found.expected.values[row] = expected;
    anomalies.setText(found.direction, row, direction);
    found.change.values[row] = change;
    found.score.values[row] = score;
    anomalies.setText(found.status, row, status);
    found.revision.values[row] = revision;
    outputs.emitAlert({
      id,
      revision,
      status,
      kind: "anomaly",
      severity: Math.abs(score) > HIGH_TIMES * threshold ? "high" : "medium",
      title: `${metric} is ${value}, ${direction} the ${expected} of its season`,
      userId: null,
      productId: null,
      orderId: null,
      eventTime: end,
      windowStart: start,
      windowEnd: end,
      figures: { metric, value, expected, direction, change, score },
    });
  }

  return { writeMetric, writeAnomaly };
}
