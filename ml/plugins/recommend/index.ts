import type { RecommenderPlugin } from "../../recommender.ts";
import { evaluation } from "./evaluation.ts";
import { ItemSimilarity } from "./item-similarity.ts";
import { decodeProductRecommender, untrainedRecommender } from "./product-model-file.ts";
import { trainOnLake } from "./train-on-lake.ts";
import { VISIT_FIELDS } from "./visit-log.ts";

/** Far under what a page waits for, far above what an answer takes. */
const ANSWER_MICROS_MAX = 5000;

/** What will this visitor look at next? */
export const recommend: RecommenderPlugin = {
  name: "recommend",
  doc: "Next items of a session: order-aware co-occurrence, similar sessions and returns, ordered by trees.",
  evaluation,
  contract: "customer-event",
  fields: VISIT_FIELDS,
  primaryMetric: { name: "mrr20", better: "higher" },
  gate: { calibrationErrorMax: null, scoreMicrosMax: ANSWER_MICROS_MAX },
  load: decodeProductRecommender,
  defaultModel: () => ({ version: "recommend-untrained-1", weights: untrainedRecommender() }),
  createOnline: (section, categoryOf) => new ItemSimilarity(section, categoryOf),
  trainOnLake: (options) => trainOnLake(recommend, options),
};

export * from "./item-similarity.ts";
export { decodeRecommender, encodeRecommender } from "./model-file.ts";
export { DEFAULT_OPTIONS, type RecommendOptions } from "./recommend-options.ts";
export * from "./recommender.ts";
export { makeSessionLog, type SessionLog } from "./session-log.ts";
