import { HealthWindow, type ModelHealth, type ServedModels } from "../../ml/index.ts";
import { goldModelHealth, jsonBlob, type StateSection } from "../../schema/index.ts";
import type { Alert } from "../ports/alert-bus.ts";
import type { OperatorOutputs, Progress } from "../runtime/operator.ts";
import type { ModelStatus } from "../runtime/status.ts";
import type { OwnAlertKind } from "./own-alert-kinds.ts";
import type { ShadowTimes } from "./shadow-scores.ts";

export interface ModelHealthConfig {
  /** Length of a window, event time. */
  readonly windowMs: number;
  /** Population stability index from which an alert is raised. */
  readonly driftIndex: number;
  /** Windows with fewer sampled scores, or labels, raise none: chance moves their figures. */
  readonly driftRowsMin: number;
  /** Calibration error from which an alert is raised. */
  readonly calibrationErrorMax: number;
}

/** Of the models no more than their names. */
type WatchedModels = ServedModels<{ readonly modelVersion: string }>;

/** What a score turned out to be. */
export interface KnownLabel {
  readonly label: 0 | 1;
  /** A score from here on counts as a prediction of the outcome. */
  readonly threshold: number;
}

export interface ModelHealthDeps {
  readonly plugin: string;
  readonly featureNames: readonly string[];
  /** Those of them whose drift is no alert: it comes with the hour and with the age of the history. */
  readonly timeBound: readonly string[];
  readonly outputs: OperatorOutputs;
  /** The operator's, to which this adds its arrays and its blob. */
  readonly state: StateSection;
  /** Log partition of the task. */
  readonly partition: number;
  /** After this it is known of a score that nothing came of it. What did come is known sooner. */
  readonly labelDelayMs: number;
}

/** State beside the counts. Times are event time, ms. */
interface OpenWindow {
  readonly start: number;
  readonly end: number;
  /** The model that it is of. */
  readonly version: string;
  /** Newest score or label in it. */
  newest: number;
}

/** What differs between the alerts about a model. */
type ModelAlert = Pick<
  Alert,
  "id" | "severity" | "title" | "eventTime" | "windowStart" | "windowEnd" | "figures"
> & { readonly kind: OwnAlertKind };

/** Time of shadow scores beside the champion's for the same vectors. */
interface ShadowCost {
  readonly challenger: string;
  rows: number;
  championMs: number;
  challengerMs: number;
}

/**
 * Holds the scores of a task against what its model saw in training, and against the labels that
 * became known: a row of gold a window, an alert where scores or features drifted that do not move with
 * the hour and the age of the history alone, or where what was foretold is not what came. A sample
 * counts in the window that is open when it comes.
 */
export class ModelHealthMonitor {
  private readonly config: ModelHealthConfig;
  private readonly deps: ModelHealthDeps;
  private readonly window: HealthWindow;
  private readonly rows;
  private models: WatchedModels | null = null;
  private open: OpenWindow | null = null;
  /** End of the newest window that was reported: windows never overlap, whatever comes late. */
  private closedUntil = Number.MIN_SAFE_INTEGER;
  /** Since when the model that scores has done so: labels of its first scores are one-sided. */
  private since: { readonly version: string; readonly ms: number } | null = null;
  private cost: ShadowCost | null = null;
  private last: ModelStatus["health"] = null;
  private failedScores = 0;
  /** Version of which it was told that it gives no numbers. */
  private toldFailing: string | null = null;

  constructor(config: ModelHealthConfig, deps: ModelHealthDeps) {
    this.config = config;
    this.deps = deps;
    this.window = new HealthWindow(deps.state, deps.featureNames);
    this.rows = deps.outputs.openRows(goldModelHealth);
    deps.state.blob = jsonBlob(
      () => ({ open: this.open, closedUntil: this.closedUntil, since: this.since }),
      ({ open, closedUntil, since = null }) => {
        this.open = open;
        this.closedUntil = closedUntil;
        this.since = since;
      },
    );
  }

  /** The models that score from now on. What is counted of another one is reported first. */
  follow(models: WatchedModels): void {
    if (this.open !== null && this.open.version !== models.champion.modelVersion) {
      // After a restart this is all that is known of the version before: its counts have no bins any more.
      if (this.models?.champion.modelVersion !== this.open.version) this.window.setReference(null);
      this.close({ ...this.open, end: Math.min(this.open.end, this.open.newest + 1) });
    }
    this.models = models;
    this.window.setReference(models.card?.reference ?? null);
    const challenger = models.challenger?.modelVersion ?? null;
    if (challenger !== (this.cost?.challenger ?? null)) {
      this.cost = challenger === null ? null : { challenger, rows: 0, championMs: 0, challengerMs: 0 };
    }
  }

  /** Counts a sampled score and its vector at `base`; one that is no number is a problem of the model. */
  addScore(eventTime: number, score: number, vectors: Float64Array, base: number): void {
    if (Number.isNaN(score)) {
      this.addFailure(eventTime);
      return;
    }
    this.openAt(eventTime);
    this.window.addScore(score, vectors, base);
  }

  /** Counts a label that became known at `eventTime`. */
  addLabel(eventTime: number, score: number, { label, threshold }: KnownLabel): void {
    this.openAt(eventTime);
    this.window.addLabel(score, label, threshold);
  }

  /** Counts a list whose next look became known at `eventTime`. */
  addList(eventTime: number, list: { readonly isHit: boolean; readonly shown: number }): void {
    this.openAt(eventTime);
    this.window.addList(list);
  }

  /** Counts what scoring the same rows cost with each model. */
  addShadow({ rows, championMs, challengerMs }: ShadowTimes): void {
    if (this.cost === null) return;
    this.cost.rows += rows;
    this.cost.championMs += championMs;
    this.cost.challengerMs += challengerMs;
  }

  advance({ watermarkMs }: Progress): void {
    if (this.open !== null && watermarkMs >= this.open.end) this.close(this.open);
  }

  /** As of now, with the figures of the newest window that is over. */
  status(): ModelStatus {
    const { models, cost } = this;
    return {
      plugin: this.deps.plugin,
      champion: models?.champion.modelVersion ?? "",
      challenger: cost?.challenger ?? null,
      championMicros: cost === null ? null : micros(cost.championMs, cost.rows),
      challengerMicros: cost === null ? null : micros(cost.challengerMs, cost.rows),
      health: this.last,
      failedScores: this.failedScores,
    };
  }

  /** The id has neither task nor time: one alert tells of the version. */
  private addFailure(eventTime: number): void {
    this.failedScores++;
    const version = this.models?.champion.modelVersion ?? "";
    if (this.toldFailing === version) return;
    this.toldFailing = version;
    const { plugin } = this.deps;
    this.emit({
      id: `model-problem:${plugin}:champion:${version}:score-not-a-number`,
      kind: "model-problem",
      severity: "high",
      title: `${plugin}: its model ${version} gives scores that are no numbers; roll it back`,
      eventTime,
      windowStart: null,
      windowEnd: null,
      figures: { plugin, alias: "champion", code: "score-not-a-number", scoring: version },
    });
  }

  private openAt(eventTime: number): void {
    const time = Math.max(eventTime, this.closedUntil);
    if (this.open !== null) {
      this.open.newest = Math.max(this.open.newest, time);
      return;
    }
    const { windowMs } = this.config;
    const aligned = Math.floor(time / windowMs) * windowMs;
    this.open = {
      start: Math.max(aligned, this.closedUntil),
      end: aligned + windowMs,
      version: this.models?.champion.modelVersion ?? "",
      newest: time,
    };
    const { start, version } = this.open;
    if (this.since?.version !== version) this.since = { version, ms: start };
  }

  private close(window: OpenWindow): void {
    const health = this.window.read();
    this.writeRow(window, health);
    const drifted = this.raiseDrift(window, health);
    this.raiseMiscalibration(window, health);
    this.last = { ...health, version: window.version, drifted };
    this.window.clear();
    this.open = null;
    this.closedUntil = window.end;
    if (this.cost !== null) Object.assign(this.cost, { rows: 0, championMs: 0, challengerMs: 0 });
  }

  private writeRow({ start, end, version }: OpenWindow, health: ModelHealth): void {
    const { rows, cost } = this;
    const r = rows.next();
    const set = (name: string, value: number | null): void => {
      const column = rows.float64(name);
      if (column.valid !== null) column.valid[r] = value === null ? 0 : 1;
      column.values[r] = value ?? 0;
    };
    rows.setText(rows.text("plugin"), r, this.deps.plugin);
    rows.setText(rows.text("model_version"), r, version);
    set("window_start", start);
    set("window_end", end);
    set("scores", health.rows);
    set("score_mean", health.meanScore);
    set("score_stability", health.scoreStability);
    const stability = health.featureStability.map(({ feature, index }) => [feature, round6(index)]);
    rows.setText(rows.text("feature_stability"), r, JSON.stringify(Object.fromEntries(stability)));
    set("labels", health.labels);
    set("positives", health.positives);
    set("true_positives", health.truePositives);
    set("false_positives", health.falsePositives);
    set("precision", health.precision);
    set("recall", health.recall);
    set("calibration_error", health.calibrationError);
    rows.setText(rows.text("challenger_version"), r, cost?.challenger ?? null);
    set("champion_micros", cost === null ? null : micros(cost.championMs, cost.rows));
    set("challenger_micros", cost === null ? null : micros(cost.challengerMs, cost.rows));
    rows.int32("_partition").values[r] = this.deps.partition;
  }

  /** Whether there is drift. The id has no partition: every task sees a sample of the same traffic, and one alert says it. */
  private raiseDrift({ start, end, version }: OpenWindow, health: ModelHealth): boolean {
    const { driftIndex, driftRowsMin } = this.config;
    const { plugin, timeBound } = this.deps;
    const told = health.featureStability.find(({ feature }) => !timeBound.includes(feature));
    const worst = told ?? { feature: "", index: 0 };
    const score = health.scoreStability ?? 0;
    if (health.rows < driftRowsMin || Math.max(score, worst.index) < driftIndex) return false;
    const what = score >= driftIndex ? "scores" : `feature ${worst.feature}`;
    this.raise({ start, end, version }, "model-drift", {
      title: `${plugin} sees other traffic than its model ${version} was trained on: its ${what} drifted`,
      figures: {
        scores: health.rows,
        scoreStability: round6(score),
        feature: worst.feature,
        featureStability: round6(worst.index),
      },
    });
    return true;
  }

  private raiseMiscalibration(window: Omit<OpenWindow, "newest">, health: ModelHealth): void {
    const { calibrationErrorMax, driftRowsMin } = this.config;
    const { plugin, labelDelayMs } = this.deps;
    const { labels, calibrationError, precision, recall } = health;
    if (calibrationError === null || labels < driftRowsMin || calibrationError < calibrationErrorMax) return;
    if (this.since === null || window.start < this.since.ms + labelDelayMs) return;
    this.raise(window, "model-calibration", {
      title: `${plugin}: what its model ${window.version} foretells is not what comes`,
      figures: {
        labels,
        calibrationError: round6(calibrationError),
        ...(precision !== null && { precision: round6(precision) }),
        ...(recall !== null && { recall: round6(recall) }),
      },
    });
  }

  private raise(
    { start, end, version }: Omit<OpenWindow, "newest">,
    kind: OwnAlertKind,
    { title, figures }: Pick<Alert, "title" | "figures">,
  ): void {
    const { plugin } = this.deps;
    this.emit({
      id: `${kind}:${plugin}:${version}:${start}`,
      kind,
      severity: "medium",
      title,
      eventTime: end,
      windowStart: start,
      windowEnd: end,
      figures: { plugin, modelVersion: version, ...figures },
    });
  }

  private emit(alert: ModelAlert): void {
    this.deps.outputs.emitAlert({
      revision: 1,
      status: "raised",
      userId: null,
      productId: null,
      orderId: null,
      ...alert,
    });
  }
}

function micros(ms: number, rows: number): number | null {
  return rows === 0 ? null : (ms / rows) * 1000;
}

function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
