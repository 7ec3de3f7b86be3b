import type { TextColumn } from "../../../schema/index.ts";
import { textKey } from "../../features/fraud/entity-key.ts";
import {
  EventTypeCode,
  SESSION_GAP_MS,
  SHOPPER_EVENT_FIELDS,
  SHOPPER_SESSION_FEATURES,
  type ShopperEventBatch,
  shopperSession,
} from "../../features/index.ts";
import type { SessionScorerPlugin } from "../../plugin.ts";
import { fitLogistic } from "../../training/logistic-regression.ts";
import { classifierReport } from "../../training/metrics.ts";
import { aucByEvents } from "./auc-by-events.ts";
import { DEFAULT_MODEL_VERSION, DEFAULT_WEIGHTS } from "./default-model.ts";
import { createLogisticScorer } from "./logistic-scorer.ts";
import { uciEvaluation } from "./uci-shoppers.ts";
import { decodeWeights, encodeWeights } from "./weights.ts";

/** Penalty beside the summed loss: enough to keep weights finite where a small data set separates. */
const L2 = 1;

interface OrderingEventBatch extends ShopperEventBatch {
  readonly orderId: TextColumn;
}

/** Will this visit still lead to a purchase? Scored after each event of the shopper. */
export const propensity: SessionScorerPlugin<OrderingEventBatch> = {
  name: "propensity",
  doc: "Probability that the shopper still buys in this session: logistic regression on the visit so far.",
  contract: "customer-event",
  fields: [...SHOPPER_EVENT_FIELDS, "orderId"],
  features: [shopperSession],
  labels: {
    gapMs: SESSION_GAP_MS,
    entity: (batch, row) => batch.userId.ids[row],
    time: (batch, row) => batch.eventTime.values[row],
    isOutcome: (batch, row) => batch.eventType.codes[row] === EventTypeCode.purchase,
    // Each line of an order is an event: what is bought with it is not bought later.
    outcomeKey: (batch, row) => textKey(batch.orderId, row),
  },
  crossing: { threshold: 0.75, rearmBelow: 0.55 },
  primaryMetric: { name: "logLoss", better: "lower" },
  // Later sessions than those of the fit may be off by some points; a score is a part of an event's 2.5 µs.
  gate: { calibrationErrorMax: 0.05, scoreMicrosMax: 0.5 },
  async train(dataset, { onProgress }) {
    onProgress?.(`fitting ${dataset.featureNames.length} weights on ${dataset.rows} rows`);
    const model = fitLogistic({ ...dataset, columns: dataset.featureNames.length }, { l2: L2 });
    return encodeWeights(dataset.featureNames, model);
  },
  evaluate(scorer, dataset, baseRate) {
    const scores = new Float64Array(dataset.rows);
    scorer.score(dataset.vectors, dataset.rows, scores);
    const report = classifierReport({ scores, labels: dataset.labels }, baseRate);
    return { ...report, metrics: { ...report.metrics, ...aucByEvents(dataset, scores) } };
  },
  load(weights, modelVersion) {
    const model = decodeWeights(weights, modelVersion, SHOPPER_SESSION_FEATURES);
    return createLogisticScorer(SHOPPER_SESSION_FEATURES, modelVersion, model);
  },
  defaultModel() {
    return {
      version: DEFAULT_MODEL_VERSION,
      weights: new TextEncoder().encode(JSON.stringify(DEFAULT_WEIGHTS)),
    };
  },
  evaluation: uciEvaluation,
};
