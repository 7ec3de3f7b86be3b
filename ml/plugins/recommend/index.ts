import type { MlPlugin } from "../../plugin.ts";
import { evaluation } from "./evaluation.ts";

/** What will this visitor look at next? */
export const recommend: MlPlugin = {
  name: "recommend",
  doc: "Next items of a session: order-aware co-occurrence, similar sessions and returns, ordered by trees.",
  evaluation,
};

export * from "./item-similarity.ts";
export { decodeRecommender, encodeRecommender } from "./model-file.ts";
export { DEFAULT_OPTIONS, type RecommendOptions } from "./recommend-options.ts";
export * from "./recommender.ts";
export { makeSessionLog, type SessionLog } from "./session-log.ts";
