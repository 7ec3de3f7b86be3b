import { gunzipSync } from "node:zlib";
import { FRAUD_FEATURES } from "../../features/index.ts";
import type { OrderScorerPlugin } from "../../order-scorer.ts";
import { classifierReport } from "../../training/metrics.ts";
import { DEFAULT_MODEL, DEFAULT_MODEL_VERSION } from "./default-model.ts";
import { fraudEvaluation } from "./evaluation.ts";
import { scoreOrderBaselines } from "./order-baselines.ts";
import { encodeOrderModel, fitOrderModel, loadOrderModel } from "./order-model.ts";
import { describeFeature } from "./reasons.ts";

/** Is this order fraud? Scored when it is placed, from what was known then. */
export const fraud: OrderScorerPlugin = {
  name: "fraud",
  doc: "Probability that an order is fraud: boosted trees or a network on what user, device, card and address did before.",
  orderFeatures: FRAUD_FEATURES,
  describe: describeFeature,
  // Frauds are few, so the order of the highest scores decides, not that of all.
  primaryMetric: { name: "averagePrecision", better: "higher" },
  // Orders are a few in a hundred events: what one may cost is a part of its explanation's.
  gate: { calibrationErrorMax: 0.05, scoreMicrosMax: 100 },
  async train(dataset, options) {
    return encodeOrderModel((await fitOrderModel(dataset, options)).stored);
  },
  evaluate(scorer, dataset, baseRate) {
    const scores = new Float64Array(dataset.rows);
    scorer.score(dataset.vectors, dataset.rows, scores);
    return classifierReport({ scores, labels: dataset.labels }, baseRate);
  },
  scoreBaselines: scoreOrderBaselines,
  load: loadOrderModel,
  defaultModel() {
    return {
      version: DEFAULT_MODEL_VERSION,
      weights: gunzipSync(Buffer.from(DEFAULT_MODEL.join(""), "base64")),
    };
  },
  evaluation: fraudEvaluation,
};
