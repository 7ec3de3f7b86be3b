import { type LogisticModel, type Scorer, sigmoid } from "../../../ml/index.ts";
import { MillraceError, utf8Decoder } from "../../../schema/index.ts";
import { VISIT_FEATURES } from "./visit-features.ts";

const WIDTH = VISIT_FEATURES.length;

/** The weights as JSON: whatever `train` returns, `load` has to read. */
export function encodeModel({ bias, weights, mean, scale }: LogisticModel): Uint8Array {
  const lists = { weights: [...weights], mean: [...mean], scale: [...scale] };
  return new TextEncoder().encode(JSON.stringify({ features: VISIT_FEATURES, bias, ...lists }));
}

/** Throws code `model-incompatible` for anything else than what {@link encodeModel} writes for these features. */
export function loadModel(bytes: Uint8Array, modelVersion: string): Scorer {
  const stored = parse(bytes, modelVersion);
  if (JSON.stringify(stored.features) !== JSON.stringify(VISIT_FEATURES)) {
    throw incompatible(modelVersion, "it was trained on other features");
  }
  const list = (name: "weights" | "mean" | "scale"): number[] => {
    const value = stored[name];
    if (Array.isArray(value) && value.length === WIDTH && value.every(Number.isFinite)) return value;
    throw incompatible(modelVersion, `${name} is not ${WIDTH} finite numbers`);
  };
  const [weights, mean, scale] = [list("weights"), list("mean"), list("scale")];
  const bias = Number(stored.bias);
  const part = (vectors: Float64Array, base: number, j: number): number =>
    (weights[j] * (vectors[base + j] - mean[j])) / scale[j];
  return {
    modelVersion,
    featureNames: VISIT_FEATURES,
    bias,
    score(vectors, count, out) {
      for (let i = 0; i < count; i++) {
        let z = bias;
        for (let j = 0; j < WIDTH; j++) z += part(vectors, i * WIDTH, j);
        out[i] = sigmoid(z);
      }
    },
    contributions(vector, out) {
      for (let j = 0; j < WIDTH; j++) out[j] = part(vector, 0, j);
    },
    explain: (vector) => ({
      bias,
      ...Object.fromEntries(VISIT_FEATURES.map((name, j) => [name, part(vector, 0, j)])),
    }),
  };
}

function parse(bytes: Uint8Array, modelVersion: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(utf8Decoder.decode(bytes));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw incompatible(modelVersion, "its weights are not JSON", cause);
  }
  throw incompatible(modelVersion, "its weights are not a JSON object");
}

function incompatible(modelVersion: string, detail: string, cause?: unknown): MillraceError {
  return new MillraceError(`model ${modelVersion} cannot be loaded: ${detail}`, {
    code: "model-incompatible",
    origin: "user",
    ...(cause === undefined ? {} : { cause }),
  });
}
