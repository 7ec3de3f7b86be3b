import {
  decisionOf,
  type FraudFeatures,
  type OrderDecision,
  type OrderScorer,
  type ServedModels,
} from "../../ml/index.ts";
import {
  type CustomerEventBatch,
  columnValue,
  type EventBatch,
  type FraudLabelBatch,
  goldFraudScores,
  type OrderBatch,
  type PaymentBatch,
  RowFlag,
  StateSection,
} from "../../schema/index.ts";
import type { Alert } from "../ports/alert-bus.ts";
import type { Operator, OperatorOutputs } from "../runtime/operator.ts";
import type { ModelStatus } from "../runtime/status.ts";
import { FRAUD_SCORES_NAMESPACE, type FraudScoreRecord } from "../sinks/fraud-score-record.ts";
import type { HotOutputs } from "../sinks/hot-batch-writer.ts";
import type { OperatorKeys } from "./operator-keys.ts";
import { OrderMonitor, type OrderMonitorConfig } from "./order-monitor.ts";
import type { OwnAlertKind } from "./own-alert-kinds.ts";

export interface ScoreOrdersConfig {
  /** Time to live of an order's hot record, ms. */
  readonly hotTtlMs: number;
  readonly monitor: OrderMonitorConfig;
}

export interface ScoreOrdersDeps {
  readonly keys: OperatorKeys;
  readonly outputs: OperatorOutputs;
  /** State of the model's features; its section belongs to the task beside the operator's own. */
  readonly features: FraudFeatures;
  readonly partition: number;
  /** The plugin's name. */
  readonly plugin: string;
  /** Asked before each batch: the models may change between two. */
  readonly slot: { readonly models: ServedModels<OrderScorer> };
  /** Milliseconds from any origin, with fractions: for the cost of a challenger. */
  readonly stopwatch: () => number;
  /** What a feature's value means, for a person. */
  readonly describe: (feature: string, value: number) => string;
}

/** The steps of the scoring, by the topic whose records they fold. */
export interface ScoreOrders {
  readonly steps: {
    readonly "customer-events": Operator<CustomerEventBatch>;
    readonly orders: Operator<OrderBatch>;
    readonly payments: Operator<PaymentBatch>;
    readonly "fraud-labels": Operator<FraudLabelBatch>;
  };
  status(): ModelStatus;
  /** Hands over the newest scores, at most so many; whether more are waiting. */
  flushHot(hot: HotOutputs, keysMax: number): boolean;
  hotWaiting(): number;
}

/** Vectors scored together. */
const SCORE_ROWS = 64;
/** Hot records that wait; of more, the newest stay: the lake has them all. */
const HOT_WAITING_MAX = 4096;
const REASONS = 3;
// Of an order that passes.
const NO_REASONS: readonly string[] = [];
// Of an order that the model has no number for.
const NOT_SCORED: readonly string[] = ["the model gave no score, so that somebody has to look"];
const NO_PARTS: Readonly<Record<string, number>> = {};

// Places of the next offsets of what was known when an order was scored.
const EVENTS = 0;
const PAYMENTS = 1;
const LABELS = 2;

const SEVERITY: Readonly<Record<Exclude<OrderDecision, "pass">, Alert["severity"]>> = {
  review: "medium",
  block: "high",
};

/**
 * Scores each order when it is placed, from the user's visit and from what orders, payments and labels
 * of the same partition said before. Emits a row of `gold.fraud_scores` for each order, an alert `fraud`
 * for those to review or block, and a hot record by order. A row says up to which offset of each other
 * topic the order's past reaches, so that training can put together the same vector.
 */
export function createScoreOrders(config: ScoreOrdersConfig, deps: ScoreOrdersDeps): ScoreOrders {
  const { keys, outputs, features, describe } = deps;
  let scorer = deps.slot.models.champion;
  const state = new StateSection("score-orders");
  const known = state.float64("known");
  known.ensure(3);
  const width = features.featureNames.length;
  const vectors = new Float64Array(SCORE_ROWS * width);
  const scores = new Float64Array(SCORE_ROWS);
  const contributions = new Float64Array(width);
  const rowOf = new Int32Array(SCORE_ROWS);
  const top = new Int32Array(REASONS);
  const vectorNumbers = new Array<number>(width).fill(0);
  const quoted = features.featureNames.map((name) => `,${JSON.stringify(name)}:`);
  let waiting: FraudScoreRecord[] = [];
  const monitor = new OrderMonitor(
    config.monitor,
    {
      ...deps,
      featureNames: features.featureNames,
      timeBound: features.timeBound,
      rowsMax: SCORE_ROWS,
      state,
    },
    deps.slot.models,
  );

  const rows = outputs.openRows(goldFraudScores, { user_id: keys.userId });
  const out = {
    orderId: rows.text("order_id"),
    userId: rows.key("user_id"),
    orderTime: rows.float64("order_time"),
    score: rows.float64("score"),
    decision: rows.text("decision"),
    reasons: rows.text("reasons"),
    modelVersion: rows.text("model_version"),
    classifier: rows.text("classifier"),
    features: rows.text("features"),
    contributions: rows.text("contributions"),
    partition: rows.int32("_partition"),
    offset: rows.float64("_offset"),
    eventsOffset: rows.float64("_events_offset"),
    paymentsOffset: rows.float64("_payments_offset"),
    labelsOffset: rows.float64("_labels_offset"),
  };

  function processOrders(batch: OrderBatch, from: number, to: number): void {
    scorer = deps.slot.models.champion;
    monitor.follow(deps.slot.models);
    features.ensure();
    let count = 0;
    for (let row = from; row < to; row++) {
      if ((batch.flags[row] & RowFlag.duplicate) !== 0) continue;
      if (features.foldOrder(batch, row, vectors, count * width)) rowOf[count++] = row;
      if (count === SCORE_ROWS) {
        scoreRows(batch, count);
        count = 0;
      }
    }
    scoreRows(batch, count);
  }

  function scoreRows(batch: OrderBatch, count: number): void {
    scorer.score(vectors, count, scores);
    for (let i = 0; i < count; i++) {
      emit(batch, rowOf[i], scores[i], vectors.subarray(i * width, (i + 1) * width));
      monitor.scored(batch, rowOf[i], scores[i], vectors, i * width);
    }
    monitor.scoreInShadow();
  }

  /** An order that passes is not explained: that costs more than all the rest, and its vector is kept. */
  function emit(batch: OrderBatch, row: number, score: number, vector: Float64Array): void {
    const decision = decisionOf(score, scorer.thresholds);
    const isHeld = decision !== "pass";
    const isScored = !Number.isNaN(score);
    if (isHeld && isScored) scorer.contributions(vector, contributions);
    else contributions.fill(0);
    const record: FraudScoreRecord = {
      orderId: String(columnValue(batch.orderId, row)),
      userId: keys.userId.text(batch.userId.ids[row]),
      orderTime: batch.orderTime.values[row],
      // What the decision is that of: a row, an alert and a hot record have a number.
      score: isScored ? score : Math.min(1, scorer.thresholds.review),
      decision,
      reasons: isHeld ? (isScored ? reasonsFor(vector) : NOT_SCORED) : NO_REASONS,
      modelVersion: scorer.modelVersion,
      classifier: scorer.classifier,
      contributions: isHeld ? strongest() : NO_PARTS,
      partition: batch.partition,
      offset: batch.offset[row],
    };
    const featuresText = vectorText(vector);
    const contributionsJson = isHeld && isScored ? contributionsText() : "{}";
    emitRow(batch.userId.ids[row], record, featuresText, contributionsJson);
    if (isHeld) outputs.emitAlert(alertOf(record, decision, featuresText, contributionsJson));
    // Cut to half now and then: to drop one by one would move all of them each time.
    if (waiting.length >= 2 * HOT_WAITING_MAX) waiting = waiting.slice(-HOT_WAITING_MAX);
    waiting.push(record);
  }

  function emitRow(userId: number, record: FraudScoreRecord, vector: string, parts: string): void {
    const r = rows.next();
    rows.setText(out.orderId, r, record.orderId);
    out.userId.ids[r] = userId;
    out.orderTime.values[r] = record.orderTime;
    out.score.values[r] = record.score;
    rows.setText(out.decision, r, record.decision);
    rows.setText(out.reasons, r, JSON.stringify(record.reasons));
    rows.setText(out.modelVersion, r, record.modelVersion);
    rows.setText(out.classifier, r, record.classifier);
    rows.setText(out.features, r, vector);
    rows.setText(out.contributions, r, parts);
    out.partition.values[r] = record.partition;
    out.offset.values[r] = record.offset;
    out.eventsOffset.values[r] = known.values[EVENTS];
    out.paymentsOffset.values[r] = known.values[PAYMENTS];
    out.labelsOffset.values[r] = known.values[LABELS];
  }

  /** The features that speak most for fraud, in words. */
  function reasonsFor(vector: Float64Array): string[] {
    const count = findLargest(1);
    const reasons: string[] = [];
    for (let i = 0; i < count; i++) reasons.push(describe(scorer.featureNames[top[i]], vector[top[i]]));
    return reasons;
  }

  function strongest(): Record<string, number> {
    const count = findLargest(-1);
    const parts: Record<string, number> = {};
    for (let i = 0; i < count; i++) parts[scorer.featureNames[top[i]]] = contributions[top[i]];
    return parts;
  }

  /**
   * Writes the few features of the largest contributions to `top`, the largest first; of equal ones the
   * first. Returns how many. Negative ones count as 0, or with `sign` -1 as their size.
   */
  function findLargest(sign: 1 | -1): number {
    let count = 0;
    for (let j = 0; j < width; j++) {
      const size = Math.max(contributions[j], sign * contributions[j]);
      if (!(size > 0)) continue;
      let place = count;
      while (
        place > 0 &&
        Math.max(contributions[top[place - 1]], sign * contributions[top[place - 1]]) < size
      ) {
        place--;
      }
      if (place >= REASONS) continue;
      top.copyWithin(place + 1, place, REASONS - 1);
      top[place] = j;
      if (count < REASONS) count++;
    }
    return count;
  }

  /** Features that moved nothing are left out: with trees, most. */
  function contributionsText(): string {
    let text = `{"bias":${scorer.bias}`;
    for (let j = 0; j < width; j++) {
      if (contributions[j] !== 0) text += quoted[j] + contributions[j];
    }
    return `${text}}`;
  }

  /** JSON has no NaN: a missing value is null. */
  function vectorText(vector: Float64Array): string {
    for (let j = 0; j < width; j++) vectorNumbers[j] = vector[j];
    return JSON.stringify(vectorNumbers);
  }

  /** A step of another topic: folds its rows and notes how far it came. */
  function step<B extends EventBatch>(
    topic: keyof ScoreOrders["steps"],
    place: number,
    fold: ((batch: B, row: number) => void) | null,
  ): Operator<B> {
    return {
      name: `score-orders.${topic}`,
      state: new StateSection(`score-orders.${topic}`),
      process(batch, from, to) {
        if (fold !== null) {
          features.ensure();
          for (let row = from; row < to; row++) {
            if ((batch.flags[row] & RowFlag.duplicate) === 0) fold(batch, row);
          }
        }
        known.values[place] = batch.offset[to - 1] + 1;
        known.mark(place);
      },
      advance: () => undefined,
    };
  }

  return {
    steps: {
      "customer-events": step("customer-events", EVENTS, null),
      orders: {
        name: "score-orders",
        state,
        process: processOrders,
        advance: (progress) => monitor.advance(progress),
        afterRestore: () => monitor.afterRestore(),
      },
      payments: step("payments", PAYMENTS, (batch: PaymentBatch, row) => features.foldPayment(batch, row)),
      "fraud-labels": step("fraud-labels", LABELS, (batch: FraudLabelBatch, row) => {
        features.foldLabel(batch, row);
        monitor.labelled(batch, row);
      }),
    },
    status: () => ({ ...monitor.status(), lateLabels: features.lateLabels }),
    hotWaiting: () => waiting.length,
    flushHot(hot, keysMax) {
      if (waiting.length === 0) return false;
      const batch = hot.namespace(FRAUD_SCORES_NAMESPACE, config.hotTtlMs);
      for (const record of waiting.splice(0, keysMax)) batch.put(record.orderId, JSON.stringify(record));
      return waiting.length > 0;
    },
  };
}

function alertOf(
  record: FraudScoreRecord,
  decision: Exclude<OrderDecision, "pass">,
  features: string,
  contributions: string,
): Alert {
  const { orderId, userId, orderTime, score, reasons, modelVersion, partition, offset } = record;
  return {
    id: `fraud:${orderId}`,
    revision: 1,
    status: "raised",
    kind: "fraud" satisfies OwnAlertKind,
    severity: SEVERITY[decision],
    title: `${decision === "block" ? "Block" : "Review"} order ${orderId}: fraud at ${Math.round(score * 100)} %, ${reasons.join("; ")}`,
    userId,
    productId: null,
    orderId,
    eventTime: orderTime,
    windowStart: null,
    windowEnd: null,
    figures: {
      score,
      decision,
      modelVersion,
      features,
      contributions,
      partition,
      offset,
      ...Object.fromEntries(reasons.map((reason, i) => [`reason${i + 1}`, reason])),
    },
  };
}
