import type { FeatureKeys, FeatureSet, Scorer, ServedModels, SessionOutcome } from "../../ml/index.ts";
import {
  type CrossingKind,
  type CustomerEventBatch,
  PAGE_SHIFT,
  RowFlag,
  StateSection,
  type TableSpec,
} from "../../schema/index.ts";
import type { Operator, OperatorOutputs, Progress } from "../runtime/operator.ts";
import type { ModelStatus } from "../runtime/status.ts";
import { type JsonWriter, jsonFragment } from "../sinks/json-writer.ts";
import { type ModelHealthConfig, ModelHealthMonitor } from "./model-health.ts";
import { PendingLabels } from "./pending-labels.ts";
import { ShadowScores } from "./shadow-scores.ts";
import { touchSlots } from "./touch-slots.ts";
import type { UserRecords } from "./user-records.ts";

export interface ScoreSessionsConfig {
  /** A session whose score reaches this is a high-propensity session. */
  readonly threshold: number;
  /** Below this it may cross again (hysteresis); below the threshold. */
  readonly rearmBelow: number;
  /** A gap longer than this begins a new session. */
  readonly sessionGapMs: number;
  readonly health: ModelHealthConfig & {
    /** One event in so many is a sample for the model's health and for its challenger; a power of two. */
    readonly sampleEvery: number;
  };
}

export interface ScoreSessionsDeps {
  readonly keys: FeatureKeys;
  readonly outputs: OperatorOutputs;
  /** Log partition of the task. */
  readonly partition: number;
  readonly userRecords: UserRecords;
  /** State of the model's features; its sections belong to the task beside the operator's own. */
  readonly features: FeatureSet<CustomerEventBatch>;
  /** The plugin's name, and where it finds the label of a score. */
  readonly plugin: { readonly name: string; readonly labels: SessionOutcome };
  /** What becomes of crossings. */
  readonly report: CrossingReport;
  /** Asked before each batch: the models may change between two. */
  readonly slot: { readonly models: ServedModels };
  /** Milliseconds from any origin, with fractions: for the cost of a challenger. */
  readonly stopwatch: () => number;
}

/** Where crossings of a plugin go. */
export interface CrossingReport {
  /** `gold.propensity_scores`, or one with the same columns behind `plugin`. */
  readonly table: TableSpec;
  readonly alertKind: string;
  title(userId: string, percent: number): string;
}

/** The operator, and what it tells of its model. */
export interface SessionScoring extends Operator<CustomerEventBatch> {
  status(): ModelStatus;
}

/** Places of a user's numbers. */
const USER_SHIFT = 2;
const START = 0;
const LAST = 1;
const OFFSET = 2;
/** 1 while the session is above the threshold. */
const ABOVE = 3;

/** Vectors scored together: few enough to stay in the cache. */
const SCORE_ROWS = 128;
/** Sampled scores of a task that wait for their label; of more, those of a sample of the users do. */
const PENDING_MAX = 4096;
/** Contributions that the hot record shows; gold has all of them. */
const HOT_CONTRIBUTIONS = 3;
const COMMA = 0x2c;
const CLOSE = 0x7d;

/**
 * Folds every event into the features of its user, scores the session so far, reports crossings of
 * the threshold (gold and an alert) and keeps the newest score for the hot store.
 * Crossings are those of a session: each session begins below the threshold, without a row that
 * says that the one before it fell.
 *
 * A new model takes over between two batches. Hot records are scored when they are written, so that
 * score, contributions and version are one model's. A replay after a crash scores with the champion of
 * then: an alert that the model before raised stands.
 */
export function createScoreSessions(config: ScoreSessionsConfig, deps: ScoreSessionsDeps): SessionScoring {
  const { features, keys, outputs, partition, plugin, report, slot, userRecords } = deps;
  const state = new StateSection(`score-sessions.${plugin.name}`);
  /** Half a cache line a user: what the hot record says beside the features, and where the session stands. */
  const users = state.float64("users");
  const pending = new PendingLabels(state, PENDING_MAX);
  const health = new ModelHealthMonitor(config.health, {
    plugin: plugin.name,
    featureNames: features.featureNames,
    timeBound: features.timeBound,
    outputs,
    state,
    partition,
    labelDelayMs: config.sessionGapMs,
  });
  const sampleMask = config.health.sampleEvery - 1;

  const width = features.featureNames.length;
  const vectors = new Float64Array(SCORE_ROWS * width);
  const scores = new Float64Array(SCORE_ROWS);
  const rowOf = new Int32Array(SCORE_ROWS);
  /** Session starts as of the row: later rows of the same chunk may begin another session. */
  const startOf = new Float64Array(SCORE_ROWS);
  const beginsSession = new Uint8Array(SCORE_ROWS);
  const shadow = new ShadowScores({
    plugin: plugin.name,
    width,
    rowsMax: SCORE_ROWS,
    outputs,
    stopwatch: deps.stopwatch,
  });

  let { models } = slot;
  let scorer = models.champion;
  let fragments = hotFragments(scorer);
  pending.follow(scorer.modelVersion);
  health.follow(models);

  function takeUpModels(): void {
    if (slot.models === models) return;
    ({ models } = slot);
    health.follow(models);
    if (models.champion === scorer) return;
    scorer = models.champion;
    pending.follow(scorer.modelVersion);
    fragments = hotFragments(scorer);
  }

  const rows = outputs.openRows(report.table, { user_id: keys.userId });
  const pluginColumn = report.table.columns.some(({ name }) => name === "plugin")
    ? rows.text("plugin")
    : null;
  const out = {
    userId: rows.key("user_id"),
    sessionStart: rows.float64("session_start"),
    eventTime: rows.float64("event_time"),
    kind: rows.text("kind"),
    score: rows.float64("score"),
    modelVersion: rows.text("model_version"),
    features: rows.text("features"),
    contributions: rows.text("contributions"),
    partition: rows.int32("_partition"),
    offset: rows.float64("_offset"),
  };

  function emitCrossing(
    batch: CustomerEventBatch,
    row: number,
    kind: CrossingKind,
    place: number,
    value: number,
  ): void {
    const user = batch.userId.ids[row];
    const vector = vectors.subarray(place * width, (place + 1) * width);
    const r = rows.next();
    if (pluginColumn !== null) rows.setText(pluginColumn, r, plugin.name);
    out.userId.ids[r] = user;
    out.sessionStart.values[r] = startOf[place];
    out.eventTime.values[r] = batch.eventTime.values[row];
    rows.setText(out.kind, r, kind);
    out.score.values[r] = value;
    rows.setText(out.modelVersion, r, scorer.modelVersion);
    rows.setText(out.features, r, `[${vector.join(",")}]`);
    rows.setText(out.contributions, r, contributionsText(vector));
    out.partition.values[r] = batch.partition;
    out.offset.values[r] = batch.offset[row];
    if (kind === "crossed") emitAlert(batch, row, value);
  }

  function emitAlert(batch: CustomerEventBatch, row: number, value: number): void {
    const userId = keys.userId.text(batch.userId.ids[row]);
    outputs.emitAlert({
      id: `${report.alertKind}:${batch.partition}:${batch.offset[row]}`,
      revision: 1,
      status: "raised",
      kind: report.alertKind,
      severity: "low",
      title: report.title(userId, Math.round(value * 100)),
      userId,
      productId: batch.productId.ids[row] < 0 ? null : keys.productId.text(batch.productId.ids[row]),
      orderId: null,
      eventTime: batch.eventTime.values[row],
      windowStart: null,
      windowEnd: null,
      figures: { score: value, modelVersion: scorer.modelVersion },
    });
  }

  function scoreRows(batch: CustomerEventBatch, count: number): void {
    scorer.score(vectors, count, scores);
    for (let i = 0; i < count; i++) {
      const row = rowOf[i];
      const user = batch.userId.ids[row];
      const value = scores[i];
      // Here, not where the row was folded: rows of the session before may stand in the same chunk.
      if (beginsSession[i] === 1) {
        setAbove(user, 0);
        settleLabel(user, batch.eventTime.values[row], 0, 0);
      }
      if (plugin.labels.isOutcome(batch, row))
        settleLabel(user, batch.eventTime.values[row], 1, outcomeOf(batch, row));
      if ((batch.offset[row] & sampleMask) === 0) sampleScore(batch, row, i, value);
      const isAbove = users.values[(user << USER_SHIFT) + ABOVE] === 1;
      if (isAbove ? value < config.rearmBelow : value >= config.threshold) {
        setAbove(user, isAbove ? 0 : 1);
        emitCrossing(batch, row, isAbove ? "fell" : "crossed", i, value);
      }
    }
    if (shadow.gathered > 0 && models.challenger !== null) {
      health.addShadow(shadow.score({ ...models, challenger: models.challenger }));
    }
  }

  function sampleScore(batch: CustomerEventBatch, row: number, place: number, value: number): void {
    const user = batch.userId.ids[row];
    const eventTime = batch.eventTime.values[row];
    health.addScore(eventTime, value, vectors, place * width);
    if (!Number.isNaN(value)) pending.add(user, eventTime, value, outcomeOf(batch, row));
    if (models.challenger === null) return;
    shadow.gather(vectors, place * width, {
      entity: keys.userId.text(user),
      eventTime,
      partition: batch.partition,
      offset: batch.offset[row],
    });
  }

  function outcomeOf(batch: CustomerEventBatch, row: number): number {
    return plugin.labels.isOutcome(batch, row) ? (plugin.labels.outcomeKey?.(batch, row) ?? 0) : 0;
  }

  function settleLabel(user: number, eventTime: number, label: 0 | 1, outcome: number): void {
    const score = pending.take(user, outcome);
    if (!Number.isNaN(score)) health.addLabel(eventTime, score, { label, threshold: config.threshold });
  }

  function setAbove(user: number, value: 0 | 1): void {
    const at = (user << USER_SHIFT) + ABOVE;
    if (users.values[at] === value) return;
    users.values[at] = value;
    users.dirty[at >>> PAGE_SHIFT] = 1;
  }

  /** Returns 1 where the event begins a session of its user, else 0. */
  function noteEvent(batch: CustomerEventBatch, row: number, user: number): 0 | 1 {
    const time = batch.eventTime.values[row];
    const at = user << USER_SHIFT;
    const { values } = users;
    // A user without an event has last = 0 and so begins a session, whatever the gap.
    const begins = time - values[at + LAST] > config.sessionGapMs || values[at + LAST] === 0;
    if (begins) values[at + START] = time;
    if (time > values[at + LAST]) values[at + LAST] = time;
    values[at + OFFSET] = batch.offset[row];
    users.dirty[at >>> PAGE_SHIFT] = 1;
    userRecords.mark(user);
    return begins ? 1 : 0;
  }

  function readAhead(userIds: Int32Array, from: number, to: number): void {
    touchSlots(users.values, userIds, from, to, 1 << USER_SHIFT);
    features.readAhead(userIds, from, to);
  }

  function process(batch: CustomerEventBatch, from: number, to: number): void {
    takeUpModels();
    users.ensure(keys.userId.size << USER_SHIFT);
    features.ensure();
    let count = 0;
    for (let row = from; row < to; row++) {
      if ((row - from) % SCORE_ROWS === 0) readAhead(batch.userId.ids, row, Math.min(row + SCORE_ROWS, to));
      if ((batch.flags[row] & RowFlag.duplicate) !== 0) continue;
      const user = batch.userId.ids[row];
      beginsSession[count] = noteEvent(batch, row, user);
      features.fold(batch, row);
      features.read(user, batch.eventTime.values[row], vectors, count * width);
      startOf[count] = users.values[(user << USER_SHIFT) + START];
      rowOf[count++] = row;
      if (count === SCORE_ROWS) {
        scoreRows(batch, count);
        count = 0;
      }
    }
    if (count > 0) scoreRows(batch, count);
  }

  const contributions = new Float64Array(width);

  /** All contributions as a JSON object, to the sixth digit; `bias` is the rest of the log-odds. */
  function contributionsText(vector: Float64Array): string {
    scorer.contributions(vector, contributions);
    let text = `"bias":${round6(scorer.bias)}`;
    for (let j = 0; j < width; j++) text += `,"${scorer.featureNames[j]}":${round6(contributions[j])}`;
    return `{${text}}`;
  }

  /** The features that move the score most; four digits are enough to read. */
  function writeStrongest(vector: Float64Array, out: JsonWriter): void {
    scorer.contributions(vector, contributions);
    for (let n = 0; n < Math.min(HOT_CONTRIBUTIONS, width); n++) {
      let best = 0;
      for (let j = 1; j < width; j++)
        if (Math.abs(contributions[j]) > Math.abs(contributions[best])) best = j;
      if (n > 0) out.byte(COMMA);
      out.raw(fragments.names[best]);
      out.decimal(contributions[best], 4);
      contributions[best] = 0;
    }
  }

  /** The user's `PropensityRecord`. */
  function writeRecord(user: number, out: JsonWriter): void {
    const at = user << USER_SHIFT;
    const vector = vectors.subarray(0, width);
    features.read(user, users.values[at + LAST], vectors, 0);
    out.raw(FIELD.score);
    scorer.score(vector, 1, scores);
    out.decimal(scores[0], 6);
    out.raw(fragments.modelVersion);
    out.raw(FIELD.eventTime);
    out.integer(users.values[at + LAST]);
    out.raw(FIELD.sessionStart);
    out.integer(users.values[at + START]);
    out.raw(FIELD.contributions);
    writeStrongest(vector, out);
    out.raw(FIELD.partition);
    out.integer(partition);
    out.raw(FIELD.offset);
    out.integer(users.values[at + OFFSET]);
    out.byte(CLOSE);
  }

  userRecords.addPart({
    name: plugin.name,
    has: (user) => user << USER_SHIFT < users.length && users.values[(user << USER_SHIFT) + LAST] > 0,
    write: writeRecord,
    readAhead,
  });

  function advance(progress: Progress): void {
    // Nothing older than the watermark comes: who was silent for the gap before it has ended the session.
    const endedBefore = progress.watermarkMs - config.sessionGapMs;
    pending.expire(
      endedBefore,
      (user) => users.values[(user << USER_SHIFT) + LAST],
      (score, newest) =>
        health.addLabel(newest + config.sessionGapMs, score, { label: 0, threshold: config.threshold }),
    );
    health.advance(progress);
  }

  return {
    name: `score-sessions.${plugin.name}`,
    state,
    process,
    advance,
    afterRestore() {
      pending.afterRestore();
      health.follow(models);
    },
    status: () => ({ ...health.status(), unfollowedScores: pending.leftOut }),
  };
}

const FIELD = {
  score: jsonFragment('{"score":'),
  eventTime: jsonFragment(',"eventTime":'),
  sessionStart: jsonFragment(',"sessionStart":'),
  contributions: jsonFragment(',"contributions":{'),
  partition: jsonFragment('},"partition":'),
  offset: jsonFragment(',"offset":'),
};

/** What a hot record says of its model. */
function hotFragments({ featureNames, modelVersion }: Scorer): {
  names: Uint8Array[];
  modelVersion: Uint8Array;
} {
  return {
    names: featureNames.map((name) => jsonFragment(`${JSON.stringify(name)}:`)),
    modelVersion: jsonFragment(`,"modelVersion":${JSON.stringify(modelVersion)}`),
  };
}

function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
