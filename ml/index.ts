export * from "./evaluation.ts";
export * from "./features/index.ts";
export * from "./monitoring/index.ts";
export * from "./onnx/index.ts";
export * from "./order-scorer.ts";
export * from "./plugin.ts";
export {
  type DemandForecast,
  type ReorderOptions,
  type ReorderProposal,
  type Runout,
  reorderProposal,
  runoutDate,
} from "./plugins/forecast/inventory.ts";
export { mlPlugins, orderScorers, sessionScorers } from "./plugins/index.ts";
export * from "./recommender.ts";
export * from "./registry/index.ts";
export * from "./training/index.ts";
