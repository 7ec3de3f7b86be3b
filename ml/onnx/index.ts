export { type ExportedModel, forestToOnnx, logisticToOnnx } from "./classifier-graph.ts";
export { createOnnxScorer } from "./onnx-scorer.ts";
