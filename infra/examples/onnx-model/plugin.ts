import { readFileSync } from "node:fs";
import { createOnnxScorer, featureNames } from "../../../ml/index.ts";
import { propensity } from "../../../ml/plugins/propensity/index.ts";
import { MillraceError } from "../../../schema/index.ts";

/**
 * The propensity plugin with a model of scikit-learn: its features, labels and figures, another model.
 * As a folder under `ml/plugins/` and a line in `ml/plugins/index.ts` it scores in the stream.
 */
export const onnxPropensity: typeof propensity = {
  ...propensity,
  name: "propensity-sklearn",
  doc: "Probability that the shopper still buys in this session: gradient boosting of scikit-learn.",
  // onnxruntime is called once a batch; alone, a score takes some microseconds.
  gate: { ...propensity.gate, scoreMicrosMax: 20 },
  async train() {
    throw new MillraceError("propensity-sklearn is trained by train.py, outside of Millrace", {
      code: "not-trainable",
      origin: "user",
    });
  },
  load: (weights, modelVersion) => createOnnxScorer(weights, modelVersion, featureNames(propensity)),
  defaultModel: () => ({
    version: "propensity-sklearn-1",
    weights: readFileSync(new URL("./model.onnx", import.meta.url)),
  }),
};
