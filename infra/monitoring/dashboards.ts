import type { DashboardSpec, PanelSpec, Query } from "./dashboard.ts";

/** Processes of ours, for the metrics that others serve, too. */
const OURS = 'job=~"millrace|millrace-workers"';

function state(
  title: string,
  description: string,
  { expr, unit = "none", red }: { expr: string; unit?: string; red: NonNullable<PanelSpec["red"]> },
): PanelSpec {
  return { title, description, kind: "state", unit, red, queries: [{ expr, legend: title }] };
}

function lines(title: string, description: string, unit: string, ...queries: readonly Query[]): PanelSpec {
  return { title, description, kind: "lines", unit, queries };
}

const overview: DashboardSpec = {
  uid: "millrace-overview",
  title: "Millrace: is it well?",
  rows: [
    {
      title: "Now",
      panels: [
        state("Ready", "1 where /ready of the API says so; the checks below tell what it waits for.", {
          expr: "min(millrace_ready) or vector(0)",
          red: { below: 1 },
        }),
        state("Alerts firing", "Alerts of Prometheus that fire; the runbook has an entry for each.", {
          expr: 'count(ALERTS{alertstate="firing", alertname=~"Millrace.*"}) or vector(0)',
          red: { from: 1 },
        }),
        state("Tasks that do not run", "Failed, not owned, or not known.", {
          expr: 'count(millrace_task_state{state!="running"} == 1) or vector(0)',
          red: { from: 1 },
        }),
        state(
          "Lag",
          "Records in the log that no task has processed; in distributed mode, that no checkpoint covers.",
          {
            expr: "millrace:lag_records:sum",
            unit: "short",
            red: { from: 10_000 },
          },
        ),
        state("Oldest checkpoint", "Without new records none is due.", {
          expr: "max(millrace_checkpoint_age_seconds)",
          unit: "s",
          red: { from: 180 },
        }),
        state("Refused", "Share of the records of 10 minutes that went to the dead letters.", {
          expr: "(millrace:dead_letters:ratio10m >= 0) or vector(0)",
          unit: "percentunit",
          red: { from: 0.01 },
        }),
      ],
    },
    {
      title: "Throughput",
      panels: [
        lines(
          "Records processed by topic",
          "By all workers; products and others that every task reads count once a task.",
          "cps",
          { expr: "millrace:records:rate5m", legend: "{{topic}}" },
        ),
        lines(
          "Records that come, and that are processed",
          "The first above the second for long: the lag grows.",
          "cps",
          { expr: 'sum(deriv(millrace_topic_end_offset{topic!="product-panes"}[5m]))', legend: "come" },
          { expr: 'sum(rate(millrace_records_total{topic!="product-panes"}[5m]))', legend: "processed" },
        ),
        lines("Lag by topic", "Records that wait.", "short", {
          expr: "sum by (topic) (millrace_task_lag_records)",
          legend: "{{topic}}",
        }),
        lines(
          "Event time behind the clock",
          "Of each task's watermark; of a replay, it is the age of its events.",
          "s",
          {
            expr: "millrace_watermark_delay_seconds",
            legend: "{{task}}",
          },
        ),
      ],
    },
    {
      title: "Checkpoints and lake",
      panels: [
        lines("Age of the newest checkpoint", "Rises while nothing comes, too.", "s", {
          expr: "max by (task) (millrace_checkpoint_age_seconds)",
          legend: "{{task}}",
        }),
        lines(
          "Duration of checkpoints",
          "From the first cut to the committed offsets.",
          "s",
          {
            expr: "histogram_quantile(0.5, sum by (le) (rate(millrace_checkpoint_duration_seconds_bucket[5m])))",
            legend: "half of them",
          },
          {
            expr: "histogram_quantile(0.95, sum by (le) (rate(millrace_checkpoint_duration_seconds_bucket[5m])))",
            legend: "19 of 20",
          },
        ),
        lines("Further tries of commits", "By table and by what the try before failed with.", "short", {
          expr: "sum by (table, code) (increase(millrace_publish_retries_total[5m])) > 0",
          legend: "{{table}} {{code}}",
        }),
        lines(
          "Failures",
          "Worker threads that were started again, checkpoints and writes of hot values, by error code.",
          "short",
          { expr: "sum by (code) (increase(millrace_worker_failures_total[5m]))", legend: "worker {{code}}" },
          {
            expr: "sum by (code) (increase(millrace_checkpoint_failures_total[5m]))",
            legend: "checkpoint {{code}}",
          },
          { expr: "sum by (code) (increase(millrace_hot_failures_total[5m]))", legend: "hot store {{code}}" },
          { expr: "sum(increase(millrace_maintenance_failures_total[5m]))", legend: "maintenance" },
        ),
        {
          title: "Data files by table",
          description: "Behind the last round of maintenance; many small ones make queries slow.",
          kind: "bars",
          unit: "short",
          queries: [{ expr: "sort_desc(millrace_table_files)", legend: "{{table}}" }],
        },
        lines(
          "Time since the lake was maintained",
          "Compaction, expiry of snapshots and clean-up of all tables.",
          "s",
          {
            expr: "time() - millrace_maintenance_success_timestamp_seconds",
            legend: "{{instance}}",
          },
        ),
      ],
    },
    {
      title: "Refused, alerts, hot values",
      panels: [
        lines("Dead letters by reason", "Records of the last 5 minutes.", "short", {
          expr: "sum by (topic, reason) (increase(millrace_dead_letters_total[5m])) > 0",
          legend: "{{topic}}: {{reason}}",
        }),
        lines("Alerts written by kind", "Alerts of the last 5 minutes.", "short", {
          expr: "sum by (kind) (increase(millrace_alerts_written_total[5m])) > 0",
          legend: "{{kind}}",
        }),
        lines("Hot values written", "Each once a round, however often it changed.", "cps", {
          expr: "sum by (instance) (rate(millrace_hot_values_total[5m]))",
          legend: "{{instance}}",
        }),
        lines("Late events", "Still counted (late), or in bronze and silver only (tooLate).", "cps", {
          expr: 'sum by (outcome) (rate(millrace_events_total{outcome=~"late|tooLate|duplicates"}[5m]))',
          legend: "{{outcome}}",
        }),
      ],
    },
    {
      title: "Processes",
      panels: [
        lines(
          "Memory, of what each may have",
          "Its container's limit, or the machine's memory.",
          "percentunit",
          {
            expr: "process_resident_memory_bytes / millrace_memory_limit_bytes",
            legend: "{{instance}}",
          },
        ),
        lines("Processor time", "1 is a whole core.", "short", {
          expr: `rate(process_cpu_seconds_total{${OURS}}[5m])`,
          legend: "{{instance}}",
        }),
        lines(
          "Busiest worker thread",
          "At 1 its tasks have no time left: more partitions, or more workers.",
          "percentunit",
          {
            expr: "millrace_worker_busy_ratio",
            legend: "{{instance}}",
          },
        ),
        lines(
          "Waits of the event loop",
          "How long what was due has waited: of requests (1 of 100), and of worker threads.",
          "s",
          { expr: `nodejs_eventloop_lag_p99_seconds{${OURS}}`, legend: "{{instance}}" },
          { expr: "millrace_worker_delay_seconds", legend: "{{instance}} worker thread" },
        ),
        lines("Tasks by worker process", "Of the distributed mode.", "short", {
          expr: "millrace_worker_tasks",
          legend: "{{instance}}",
        }),
      ],
    },
  ],
};

const api: DashboardSpec = {
  uid: "millrace-api",
  title: "Millrace: API and subscribers",
  rows: [
    {
      title: "Now",
      panels: [
        state("Query engine", "1 where it answers in time.", {
          expr: 'min(millrace_dependency_up{dependency="query-engine"}) or vector(0)',
          red: { below: 1 },
        }),
        state("Hot store", "1 where it answers in time.", {
          expr: 'min(millrace_dependency_up{dependency="hot-store"}) or vector(0)',
          red: { below: 1 },
        }),
        state("Failures in 10 minutes", "Answers that failed for reasons that are not the caller's.", {
          expr: "millrace:api_failures:increase10m",
          unit: "short",
          red: { from: 5 },
        }),
        state("19 of 20 answers within", "GraphQL over HTTP, 5 minutes.", {
          expr: "(millrace:graphql_seconds:p95_5m >= 0) or vector(0)",
          unit: "s",
          red: { from: 2.5 },
        }),
      ],
    },
    {
      title: "Requests",
      panels: [
        lines("Requests by route and status", "Also probes and pages.", "reqps", {
          expr: "sum by (route, status) (rate(millrace_http_request_duration_seconds_count[5m]))",
          legend: "{{route}} {{status}}",
        }),
        lines(
          "Duration of GraphQL requests",
          "Over HTTP; operations of WebSockets are not timed.",
          "s",
          {
            expr: 'histogram_quantile(0.5, sum by (le) (rate(millrace_http_request_duration_seconds_bucket{route="/graphql"}[5m])))',
            legend: "half of them",
          },
          { expr: "millrace:graphql_seconds:p95_5m", legend: "19 of 20" },
          {
            expr: 'histogram_quantile(0.99, sum by (le) (rate(millrace_http_request_duration_seconds_bucket{route="/graphql"}[5m])))',
            legend: "99 of 100",
          },
        ),
        lines(
          "Errors in answers",
          "By whose fault: the caller's (user), a server's (external), our own (internal).",
          "short",
          {
            expr: "sum by (origin) (increase(millrace_graphql_errors_total[5m]))",
            legend: "{{origin}}",
          },
        ),
        lines("Events over HTTP", "Taken, or refused to whoever sent them.", "cps", {
          expr: "sum by (topic, outcome) (rate(millrace_collected_events_total[5m]))",
          legend: "{{topic}} {{outcome}}",
        }),
      ],
    },
    {
      title: "Subscribers",
      panels: [
        lines(
          "Open",
          "WebSockets, and the alert subscriptions on them.",
          "short",
          { expr: "sum(millrace_sockets)", legend: "WebSockets" },
          { expr: "sum(millrace_alert_subscribers)", legend: "alert subscriptions" },
        ),
        lines("Alerts delivered", "Over all subscribers.", "cps", {
          expr: "sum(rate(millrace_alerts_delivered_total[5m]))",
          legend: "delivered",
        }),
        lines(
          "Closed as too slow",
          "Subscribers of the last 5 minutes; each can resume from its cursor.",
          "short",
          {
            expr: "sum(increase(millrace_slow_subscribers_total[5m]))",
            legend: "closed",
          },
        ),
      ],
    },
  ],
};

/** The tasks sample apart: the worst of them is shown. */
function worst(metric: string): Query {
  return { expr: `max by (plugin, version) (${metric})`, legend: "{{plugin}} {{version}}" };
}

const models: DashboardSpec = {
  uid: "millrace-models",
  title: "Millrace: models and forecasts",
  rows: [
    {
      title: "Drift, newest window",
      panels: [
        lines(
          "Drifted",
          "1 where scores or features have left what the training saw, by the setting modelDriftIndex.",
          "none",
          worst("millrace_model_drifted"),
        ),
        lines(
          "Stability of the scores",
          "Population stability index: 0.1 is little, 0.25 much.",
          "none",
          worst("millrace_model_score_stability"),
        ),
        lines(
          "Least stable feature",
          "The same of the worst feature; those of the clock move with the hour.",
          "none",
          worst("millrace_model_feature_stability_max"),
        ),
        lines("Scores sampled", "Of fewer, the figures beside this move by chance.", "short", {
          expr: "sum by (plugin, version) (millrace_model_scores)",
          legend: "{{plugin}} {{version}}",
        }),
      ],
    },
    {
      title: "What came true, newest window",
      panels: [
        lines("Precision", "Share of the scores at or above the threshold that came true.", "percentunit", {
          expr: "min by (plugin, version) (millrace_model_precision)",
          legend: "{{plugin}} {{version}}",
        }),
        lines("Recall", "Share of what came true that was scored so.", "percentunit", {
          expr: "min by (plugin, version) (millrace_model_recall)",
          legend: "{{plugin}} {{version}}",
        }),
        lines(
          "Calibration error",
          "Mean distance of scores and what came, over tenths of the score.",
          "none",
          worst("millrace_model_calibration_error"),
        ),
        lines("Labels", "Sampled scores whose label became known.", "short", {
          expr: "sum by (plugin, version) (millrace_model_labels)",
          legend: "{{plugin}} {{version}}",
        }),
      ],
    },
    {
      title: "Cost and forecasts",
      panels: [
        lines(
          "Time of a score",
          "Where a challenger scores in shadow: both, of the same vectors.",
          "µs",
          { expr: "max by (plugin) (millrace_model_score_micros)", legend: "{{plugin}} champion" },
          { expr: "max by (plugin) (millrace_model_shadow_score_micros)", legend: "{{plugin}} challenger" },
        ),
        lines(
          "Forecasts within their intervals",
          "Of those that came due: 0.8 and 0.95 are what they promise.",
          "percentunit",
          { expr: "max by (step) (millrace_forecast_coverage_80)", legend: "{{step}} 80 %" },
          { expr: "max by (step) (millrace_forecast_coverage_95)", legend: "{{step}} 95 %" },
        ),
        lines("Error of the forecasts", "Sum of the absolute errors over the demand.", "percentunit", {
          expr: "max by (step) (millrace_forecast_wape)",
          legend: "{{step}}",
        }),
      ],
    },
  ],
};

export const dashboards: readonly DashboardSpec[] = [overview, api, models];
