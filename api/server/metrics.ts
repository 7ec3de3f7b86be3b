import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { QualityStatus } from "../../lakehouse/index.ts";
import type { LiveAccuracy, LiveForecasts } from "../../ml/index.ts";
import type { Collected, ModelStatus, PipelineStatus } from "../../stream/index.ts";
import type { AlertHub } from "../modules/alerts/hub.ts";
import type { ReadinessProbe } from "./readiness.ts";

export interface ApiMetrics {
  readonly contentType: string;
  /** The exposition text; figures of the pipeline are read at this moment. */
  text(): Promise<string>;
  observeRequest(request: {
    readonly method: string;
    readonly route: string;
    readonly status: number;
    readonly seconds: number;
  }): void;
  /** What became of events that came over HTTP. */
  observeCollected(topic: string, collected: Pick<Collected, "accepted" | "refused">): void;
  /** An error that a GraphQL answer tells, by whose fault it is. */
  observeError(origin: unknown): void;
}

interface MetricSources {
  readonly pipeline: PipelineStatus;
  readonly hub: AlertHub;
  readonly sockets: () => number;
  readonly forecasts: () => LiveForecasts | null;
  readonly readiness: Pick<ReadinessProbe, "checks">;
  /** Metrics that others keep, and that are served with these. */
  readonly further: Registry | null;
  readonly quality: () => QualityStatus | null;
  readonly clock: () => number;
}

const ERROR_ORIGINS = ["user", "external", "internal"];

/** Prometheus metrics of pipeline and API, in a registry of their own. */
export function createMetrics(sources: MetricSources): ApiMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  registerPipelineMetrics(registry, sources);
  registerAlertMetrics(registry, sources);
  registerReadinessMetrics(registry, sources);
  const errors = new Counter({
    name: "millrace_graphql_errors_total",
    help: "Errors in GraphQL answers, by whose fault they are: the caller's (user), a server's (external), or our own.",
    labelNames: ["origin"],
    registers: [registry],
  });
  for (const origin of ERROR_ORIGINS) errors.inc({ origin }, 0);
  const requests = new Histogram({
    name: "millrace_http_request_duration_seconds",
    help: "Duration of HTTP requests.",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  const collectedEvents = new Counter({
    name: "millrace_collected_events_total",
    help: "Events that came over HTTP, by what became of them.",
    labelNames: ["topic", "outcome"],
    registers: [registry],
  });
  const served = sources.further === null ? [registry] : [registry, sources.further];
  return {
    contentType: registry.contentType,
    text: async () => (await Promise.all(served.map((each) => each.metrics()))).join("\n"),
    observeCollected: (topic, { accepted, refused }) => {
      collectedEvents.inc({ topic, outcome: "accepted" }, accepted);
      collectedEvents.inc({ topic, outcome: "refused" }, refused);
    },
    observeError: (origin) =>
      errors.inc({ origin: ERROR_ORIGINS.find((known) => known === origin) ?? "internal" }),
    observeRequest: ({ method, route, status, seconds }) =>
      requests.observe({ method, route, status: String(status) }, seconds),
  };
}

function registerPipelineMetrics(
  registry: Registry,
  { pipeline, clock, forecasts, quality }: MetricSources,
): void {
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void): Gauge =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        collect(this);
      },
    });
  new Counter({
    name: "millrace_events_total",
    help: "Events that tasks took, by what became of them.",
    labelNames: ["task", "outcome"],
    registers,
    collect() {
      this.reset();
      for (const { taskId, events } of pipeline.tasks()) {
        for (const [outcome, count] of Object.entries(events)) this.inc({ task: taskId, outcome }, count);
      }
    },
  });
  new Counter({
    name: "millrace_lost_records_total",
    help: "Records that the log no longer had when they were due: retention was faster, or a topic was made again.",
    labelNames: ["task"],
    registers,
    collect() {
      this.reset();
      for (const { taskId, lostRecords = 0 } of pipeline.tasks()) this.inc({ task: taskId }, lostRecords);
    },
  });
  gauge(
    "millrace_task_lag_records",
    "Records in the log not processed yet.",
    ["task", "topic", "partition"],
    (g) => {
      for (const { taskId, inputs } of pipeline.tasks()) {
        for (const { topic, partition, lag } of inputs) g.set({ task: taskId, topic, partition }, lag);
      }
    },
  );
  registerTopicEnds(gauge, pipeline);
  gauge(
    "millrace_watermark_timestamp_seconds",
    "The task's watermark: event time up to which windows are closed, since the epoch.",
    ["task"],
    (g) => {
      for (const { taskId, watermarkMs } of pipeline.tasks()) {
        if (watermarkMs !== null && Number.isFinite(watermarkMs)) g.set({ task: taskId }, watermarkMs / 1000);
      }
    },
  );
  gauge("millrace_watermark_delay_seconds", "Clock minus the task's watermark.", ["task"], (g) => {
    for (const { taskId, watermarkMs } of pipeline.tasks()) {
      if (watermarkMs !== null && Number.isFinite(watermarkMs)) {
        g.set({ task: taskId }, (clock() - watermarkMs) / 1000);
      }
    }
  });
  gauge("millrace_checkpoint_age_seconds", "Time since the task's newest checkpoint.", ["task"], (g) => {
    for (const { taskId, checkpointedAt } of pipeline.tasks()) {
      if (checkpointedAt !== null) g.set({ task: taskId }, (clock() - checkpointedAt) / 1000);
    }
  });
  gauge(
    "millrace_status_age_seconds",
    "Time since the tasks' status was last learnt from Kafka and the object store; 0 where they run in this process.",
    [],
    (g) => g.set((pipeline.statusAgeMs?.() ?? 0) / 1000),
  );
  registerForecastMetrics(gauge, forecasts);
  registerQualityMetrics(registry, gauge, { quality, clock });
  registerModelMetrics(registry, gauge, pipeline);
  gauge("millrace_task_state", "1 for the state that the task is in.", ["task", "state"], (g) => {
    for (const { taskId, state } of pipeline.tasks()) g.set({ task: taskId, state }, 1);
  });
}

/** Of each partition once, however many tasks read it. */
function registerTopicEnds(gauge: MakeGauge, pipeline: PipelineStatus): void {
  gauge(
    "millrace_topic_end_offset",
    "Offset behind the newest record of a partition that tasks read: how much has come.",
    ["topic", "partition"],
    (g) => {
      const ends = new Map<string, { topic: string; partition: number; end: number }>();
      for (const { topic, partition, endOffset } of pipeline.tasks().flatMap(({ inputs }) => inputs)) {
        const key = `${topic}/${partition}`;
        const end = Math.max(endOffset, ends.get(key)?.end ?? 0);
        ends.set(key, { topic, partition, end });
      }
      for (const { topic, partition, end } of ends.values()) g.set({ topic, partition }, end);
    },
  );
}

/** As `/ready` says; the servers are asked when Prometheus asks. */
function registerReadinessMetrics(registry: Registry, { readiness }: MetricSources): void {
  const registers = [registry];
  new Gauge({
    name: "millrace_ready",
    help: "1 where /ready says so.",
    registers,
    async collect() {
      this.set(Object.values(await readiness.checks()).every(Boolean) ? 1 : 0);
    },
  });
  new Gauge({
    name: "millrace_dependency_up",
    help: "1 where the tasks all run, and where the server answers in time: what millrace_ready depends on.",
    labelNames: ["dependency"],
    registers,
    async collect() {
      for (const [dependency, isUp] of Object.entries(await readiness.checks()))
        this.set({ dependency }, isUp ? 1 : 0);
    },
  });
}

/** Of the steps that ended since the run before, by their length. */
function registerForecastMetrics(gauge: MakeGauge, forecasts: MetricSources["forecasts"]): void {
  const perStep = (name: string, help: string, figure: (accuracy: LiveAccuracy) => number | null): void => {
    gauge(`millrace_forecast_${name}`, `${help}, of the steps that came due.`, ["step"], (g) => {
      for (const [step, accuracy] of Object.entries(forecasts() ?? {}) as [string, LiveAccuracy | null][]) {
        const value = accuracy === null ? null : figure(accuracy);
        if (value !== null) g.set({ step }, value);
      }
    });
  };
  perStep("due", "Forecasts", (accuracy) => accuracy.forecasts);
  perStep("coverage_80", "Share within their 80 % interval", ({ coverage80 }) => coverage80);
  perStep("coverage_95", "Share within their 95 % interval", ({ coverage95 }) => coverage95);
  perStep("wape", "Sum of the absolute errors over the demand", ({ wape }) => wape);
  perStep("bias", "Sum of expected less asked for over the demand", ({ bias }) => bias);
}

/** Of the checks that this process has run by schedule: of several processes one runs them at a time. */
function registerQualityMetrics(
  registry: Registry,
  gauge: MakeGauge,
  { quality, clock }: Pick<MetricSources, "quality" | "clock">,
): void {
  new Counter({
    name: "millrace_data_quality_runs_total",
    help: "Scheduled checks of the tables, by whether they came to their end.",
    labelNames: ["outcome"],
    registers: [registry],
    collect() {
      this.reset();
      const status = quality();
      if (status === null) return;
      this.inc({ outcome: "done" }, status.runs);
      this.inc({ outcome: "failed" }, status.failures);
    },
  });
  gauge("millrace_data_quality_age_seconds", "Time since the newest of these runs began.", [], (g) => {
    const newest = quality()?.newest ?? null;
    if (newest !== null) g.set((clock() - newest.checkedAt) / 1000);
  });
  gauge(
    "millrace_data_quality_check_failed",
    "1 for each check of a table that failed, or could not be run, in the newest of these runs.",
    ["table", "check", "severity", "status"],
    (g) => {
      for (const { table, check, severity, status } of quality()?.newest?.results ?? [])
        if (status === "failed" || status === "unknown") g.set({ table, check, severity, status }, 1);
    },
  );
}

type MakeGauge = (name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void) => Gauge;

/** The figure of each task's models, where they have it. */
function* modelFigures(pipeline: PipelineStatus, figure: (model: ModelStatus) => number | null | undefined) {
  for (const { taskId: task, models = [] } of pipeline.tasks())
    for (const model of models) {
      const value = figure(model);
      if (typeof value === "number") yield { task, model, value };
    }
}

/** Of each task: it scores by itself, and its figures are of its own sample. */
function registerModelMetrics(registry: Registry, gauge: MakeGauge, pipeline: PipelineStatus): void {
  const perModel = (
    name: string,
    help: string,
    figure: (model: ModelStatus) => number | null,
    versionOf = ({ champion }: ModelStatus): string => champion,
  ): void => {
    gauge(name, help, ["task", "plugin", "version"], (g) => {
      for (const { task, model, value } of modelFigures(pipeline, figure))
        g.set({ task, plugin: model.plugin, version: versionOf(model) }, value);
    });
  };
  type Health = NonNullable<ModelStatus["health"]>;
  const health = (name: string, help: string, figure: (health: Health) => number | null): void =>
    perModel(
      `millrace_model_${name}`,
      `${help}, newest window.`,
      (model) => (model.health === null ? null : figure(model.health)),
      (model) => model.health?.version ?? model.champion,
    );
  health("scores", "Scores sampled", ({ rows }) => rows);
  health("score_stability", "Population stability index of the scores", (h) => h.scoreStability);
  health("feature_stability_max", "The same of the least stable feature", (h) =>
    h.featureStability.length === 0 ? null : h.featureStability[0].index,
  );
  health("drifted", "1 where scores or features have drifted from the training by the settings", (h) =>
    h.drifted === true ? 1 : 0,
  );
  health("labels", "Sampled scores whose label became known", ({ labels }) => labels);
  health("precision", "Share of the scores at or above the threshold that came true", (h) => h.precision);
  health("recall", "Share of what came true that was scored so", ({ recall }) => recall);
  health(
    "calibration_error",
    "Mean of |mean score - rate| over tenths of the score",
    (h) => h.calibrationError,
  );
  perModel("millrace_model_score_micros", "Time of a score beside a challenger's.", (m) => m.championMicros);
  perModel("millrace_model_shadow_score_micros", "Time of a shadow score.", (m) => m.challengerMicros);
  const total = (name: string, help: string, count: (model: ModelStatus) => number | undefined) =>
    new Counter({
      name: `millrace_model_${name}_total`,
      help,
      labelNames: ["task", "plugin"],
      registers: [registry],
      collect() {
        this.reset();
        for (const { task, model, value } of modelFigures(pipeline, count))
          this.inc({ task, plugin: model.plugin }, value);
      },
    });
  total(
    "unfollowed_scores",
    "Scores whose label is not waited for: more were open than a task keeps, so a sample of them is.",
    (model) => model.unfollowedScores,
  );
  total("failed_scores", "Scores of the champion that were no numbers.", (model) => model.failedScores);
  total(
    "late_labels",
    "Labels of orders that are not remembered any more, so that no feature knows them.",
    (model) => model.lateLabels,
  );
}

function registerAlertMetrics(registry: Registry, { hub, sockets }: MetricSources): void {
  const registers = [registry];
  new Gauge({
    name: "millrace_alert_subscribers",
    help: "Alert subscriptions that are open.",
    registers,
    collect() {
      this.set(hub.subscribers);
    },
  });
  new Gauge({
    name: "millrace_sockets",
    help: "WebSockets that are open.",
    registers,
    collect() {
      this.set(sockets());
    },
  });
  new Counter({
    name: "millrace_alerts_delivered_total",
    help: "Alerts handed to subscribers.",
    registers,
    collect() {
      this.reset();
      this.inc(hub.delivered);
    },
  });
  new Counter({
    name: "millrace_slow_subscribers_total",
    help: "Subscribers closed as too slow.",
    registers,
    collect() {
      this.reset();
      this.inc(hub.slow);
    },
  });
}
