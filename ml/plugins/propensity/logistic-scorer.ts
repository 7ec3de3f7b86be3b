import { logisticToOnnx } from "../../onnx/classifier-graph.ts";
import type { Scorer } from "../../plugin.ts";
import { type LogisticModel, sigmoid } from "../../training/logistic-regression.ts";

/** Scores with the standardisation folded into the weights: one multiplication and addition a feature. */
export function createLogisticScorer(
  featureNames: readonly string[],
  modelVersion: string,
  model: LogisticModel,
): Scorer {
  const { weights, mean, scale } = model;
  const width = weights.length;
  const slopes = weights.map((weight, j) => weight / scale[j]);
  const parts = new Float64Array(width);
  const intercept = slopes.reduce((total, slope, j) => total - slope * mean[j], model.bias);
  return {
    modelVersion,
    featureNames,
    bias: model.bias,
    score(vectors, count, out) {
      for (let i = 0, base = 0; i < count; i++, base += width) {
        let z = intercept;
        for (let j = 0; j < width; j++) z += slopes[j] * vectors[base + j];
        out[i] = sigmoid(z);
      }
    },
    contributions(vector, out) {
      for (let j = 0; j < width; j++) out[j] = slopes[j] * (vector[j] - mean[j]);
    },
    explain(vector) {
      this.contributions(vector, parts);
      const named: Record<string, number> = { bias: model.bias };
      for (let j = 0; j < width; j++) named[featureNames[j]] = parts[j];
      return named;
    },
    toOnnx: (plugin) => logisticToOnnx(model, { plugin, version: modelVersion, features: featureNames }),
  };
}
