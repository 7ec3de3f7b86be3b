import type { FeatureKeys, FeatureSet, Scorer } from "../../ml/index.ts";
import {
  type CustomerEventBatch,
  goldPropensityScores,
  PAGE_SHIFT,
  RowFlag,
  StateSection,
} from "../../schema/index.ts";
import type { Operator, OperatorOutputs } from "../runtime/operator.ts";
import { type JsonWriter, jsonFragment } from "../sinks/json-writer.ts";
import { touchSlots } from "./touch-slots.ts";
import type { UserRecords } from "./user-records.ts";

export interface ScoreSessionsConfig {
  /** A session whose score reaches this is a high-propensity session. */
  readonly threshold: number;
  /** Below this it may cross again (hysteresis); below the threshold. */
  readonly rearmBelow: number;
  /** A gap longer than this begins a new session. */
  readonly sessionGapMs: number;
}

export interface ScoreSessionsDeps {
  readonly keys: FeatureKeys;
  readonly outputs: OperatorOutputs;
  readonly userRecords: UserRecords;
  /** State of the model's features; its sections belong to the task beside the operator's own. */
  readonly features: FeatureSet<CustomerEventBatch>;
  readonly scorer: Scorer;
}

/** Places of a user's numbers. */
const USER_SHIFT = 2;
const START = 0;
const LAST = 1;
const OFFSET = 2;
const SCORE = 3;

/** Vectors scored together: few enough to stay in the cache. */
const SCORE_ROWS = 128;
/** Contributions that the hot record shows; gold has all of them. */
const HOT_CONTRIBUTIONS = 3;
const COMMA = 0x2c;
const CLOSE = 0x7d;

/**
 * Folds every event into the features of its user, scores the session so far, reports crossings of
 * the threshold (gold and alert `high-propensity`) and keeps the newest score for the hot store.
 * Crossings are those of a session: each session begins below the threshold, without a row that
 * says that the one before it fell.
 */
export function createScoreSessions(
  config: ScoreSessionsConfig,
  deps: ScoreSessionsDeps,
): Operator<CustomerEventBatch> {
  const { features, keys, outputs, scorer, userRecords } = deps;
  const state = new StateSection("score-sessions");
  /** Half a cache line a user: what the hot record says beside the features. */
  const users = state.float64("users");
  const above = state.uint8("above");
  let partition = 0;

  const width = features.featureNames.length;
  const vectors = new Float64Array(SCORE_ROWS * width);
  const scores = new Float64Array(SCORE_ROWS);
  const rowOf = new Int32Array(SCORE_ROWS);
  /** Session starts as of the row: later rows of the same chunk may begin another session. */
  const startOf = new Float64Array(SCORE_ROWS);
  const beginsSession = new Uint8Array(SCORE_ROWS);

  const rows = outputs.openRows(goldPropensityScores, { user_id: keys.userId });
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
    kind: "crossed" | "fell",
    place: number,
    value: number,
  ): void {
    const user = batch.userId.ids[row];
    const vector = vectors.subarray(place * width, (place + 1) * width);
    const r = rows.next();
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
      id: `high-propensity:${batch.partition}:${batch.offset[row]}`,
      revision: 1,
      status: "raised",
      kind: "high-propensity",
      severity: "low",
      title: `${userId} is likely to buy in this session (${Math.round(value * 100)} %)`,
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
      users.values[(user << USER_SHIFT) + SCORE] = value;
      // Here, not where the row was folded: rows of the session before may stand in the same chunk.
      if (beginsSession[i] === 1) setAbove(user, 0);
      if (above.values[user] === 0 ? value >= config.threshold : value < config.rearmBelow) {
        const rose = above.values[user] === 0;
        setAbove(user, rose ? 1 : 0);
        emitCrossing(batch, row, rose ? "crossed" : "fell", i, value);
      }
    }
  }

  function setAbove(user: number, value: 0 | 1): void {
    if (above.values[user] === value) return;
    above.values[user] = value;
    above.dirty[user >>> PAGE_SHIFT] = 1;
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

  function readAhead(batch: CustomerEventBatch, from: number, to: number): void {
    touchSlots(users.values, batch.userId.ids, from, to, 1 << USER_SHIFT);
    features.readAhead(batch, from, to);
  }

  function process(batch: CustomerEventBatch, from: number, to: number): void {
    users.ensure(keys.userId.size << USER_SHIFT);
    above.ensure(keys.userId.size);
    features.ensure();
    partition = batch.partition;
    let count = 0;
    for (let row = from; row < to; row++) {
      if ((row - from) % SCORE_ROWS === 0) readAhead(batch, row, Math.min(row + SCORE_ROWS, to));
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

  const names = scorer.featureNames.map((name) => jsonFragment(`${JSON.stringify(name)}:`));

  /** The features that move the score most; four digits are enough to read. */
  function writeStrongest(vector: Float64Array, out: JsonWriter): void {
    scorer.contributions(vector, contributions);
    for (let n = 0; n < Math.min(HOT_CONTRIBUTIONS, width); n++) {
      let best = 0;
      for (let j = 1; j < width; j++)
        if (Math.abs(contributions[j]) > Math.abs(contributions[best])) best = j;
      if (n > 0) out.byte(COMMA);
      out.raw(names[best]);
      out.decimal(contributions[best], 4);
      contributions[best] = 0;
    }
  }

  const field = {
    score: jsonFragment('{"score":'),
    modelVersion: jsonFragment(`,"modelVersion":${JSON.stringify(scorer.modelVersion)}`),
    eventTime: jsonFragment(',"eventTime":'),
    sessionStart: jsonFragment(',"sessionStart":'),
    contributions: jsonFragment(',"contributions":{'),
    partition: jsonFragment('},"partition":'),
    offset: jsonFragment(',"offset":'),
  };

  /** The user's `PropensityRecord`. */
  function writeRecord(user: number, out: JsonWriter): void {
    const at = user << USER_SHIFT;
    const vector = vectors.subarray(0, width);
    features.read(user, users.values[at + LAST], vectors, 0);
    out.raw(field.score);
    out.decimal(users.values[at + SCORE], 6);
    out.raw(field.modelVersion);
    out.raw(field.eventTime);
    out.integer(users.values[at + LAST]);
    out.raw(field.sessionStart);
    out.integer(users.values[at + START]);
    out.raw(field.contributions);
    writeStrongest(vector, out);
    out.raw(field.partition);
    out.integer(partition);
    out.raw(field.offset);
    out.integer(users.values[at + OFFSET]);
    out.byte(CLOSE);
  }

  userRecords.addPart({
    name: "propensity",
    has: (user) => user << USER_SHIFT < users.length && users.values[(user << USER_SHIFT) + LAST] > 0,
    write: writeRecord,
  });

  return { name: "score-sessions", state, process, advance: () => undefined };
}

function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
