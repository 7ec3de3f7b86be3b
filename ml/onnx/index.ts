export { createOnnxScorer } from "./onnx-scorer.ts";
