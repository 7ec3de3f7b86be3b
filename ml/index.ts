export * from "./evaluation.ts";
export * from "./features/index.ts";
export * from "./onnx/index.ts";
export * from "./order-scorer.ts";
export * from "./plugin.ts";
export { mlPlugins, orderScorers, sessionScorers } from "./plugins/index.ts";
export * from "./recommender.ts";
export * from "./registry/index.ts";
export * from "./training/index.ts";
