import {
  classifierReport,
  defineEvaluation,
  EventTypeCode,
  fitLogistic,
  SESSION_GAP_MS,
  type SessionScorerPlugin,
  SHOPPER_EVENT_FIELDS,
  type ShopperEventBatch,
} from "../../../ml/index.ts";
import { encodeModel, loadModel } from "./model.ts";
import { evaluateVectors, readVectors } from "./vector-file.ts";
import { VISIT_FEATURES, visitFeatures } from "./visit-features.ts";

/** Will the shopper still put something into the cart in this visit? */
export const cartIntent: SessionScorerPlugin<ShopperEventBatch> = {
  name: "cart-intent",
  doc: "Probability that something is still put into the cart in this visit: logistic regression.",
  contract: "customer-event",
  fields: SHOPPER_EVENT_FIELDS,
  features: [visitFeatures],
  labels: {
    gapMs: SESSION_GAP_MS,
    entity: (batch, row) => batch.userId.ids[row],
    time: (batch, row) => batch.eventTime.values[row],
    isOutcome: (batch, row) => batch.eventType.codes[row] === EventTypeCode.cart_add,
  },
  crossing: { threshold: 0.8, rearmBelow: 0.6 },
  primaryMetric: { name: "logLoss", better: "lower" },
  gate: { calibrationErrorMax: 0.05, scoreMicrosMax: 2 },
  async train(dataset, { onProgress }) {
    onProgress?.(`fitting ${dataset.featureNames.length} weights on ${dataset.rows} rows`);
    return encodeModel(fitLogistic({ ...dataset, columns: dataset.featureNames.length }, { l2: 1 }));
  },
  evaluate(scorer, dataset, baseRate) {
    const scores = new Float64Array(dataset.rows);
    scorer.score(dataset.vectors, dataset.rows, scores);
    return classifierReport({ scores, labels: dataset.labels }, baseRate);
  },
  load: loadModel,
  /** Knows nothing yet: every visit is as likely as not, until `millrace train cart-intent`. */
  defaultModel() {
    const zeros = new Float64Array(VISIT_FEATURES.length);
    const ones = zeros.map(() => 1);
    return {
      version: "cart-intent-untrained",
      weights: encodeModel({ bias: 0, weights: zeros, mean: zeros, scale: ones }),
    };
  },
  evaluation: defineEvaluation({
    doc: "vectors of visits in a CSV file: the features' columns and `label`, 0 or 1",
    options: {
      train: { kind: "file", doc: "vectors to fit", required: true },
      test: { kind: "file", doc: "later vectors, to measure", required: true },
    },
    example: "--train earlier.csv --test later.csv",
    run: async ({ train, test }, context) =>
      evaluateVectors(await readVectors(train), await readVectors(test), context),
  }),
};
