import { MillraceError } from "../../schema/index.ts";
import type { Scorer } from "../plugin.ts";
import { createRandom, permutation } from "../training/random.ts";
import { readOnnxMetadata } from "./onnx-metadata.ts";
import { openOnnxSession } from "./onnx-session.ts";

/** Pairs of orders of the features that an explanation is averaged over. */
const ORDER_PAIRS = 16;
const ORDER_SEED = 1;

/** A probability in single precision rounds to 0 or 1 beyond this. */
const PROBABILITY_MIN = 1e-7;

/**
 * A model of another library as a scorer: an ONNX file of a binary classifier, whose metadata name
 * its features (`millrace.features`, a JSON list) and, for the explanations, an average row
 * (`millrace.reference`, a JSON list; all 0 where it is missing).
 *
 * Contributions are Shapley values by sampling: what the log-odds change when features are taken
 * from the reference to the vector one after the other, averaged over {@link ORDER_PAIRS} random
 * orders and their reverse (Štrumbelj and Kononenko, 2014; Mitchell, Cooper, Frank and Holmes, 2022).
 * They add up to the score's log-odds; each alone is an estimate, the same for the same vector.
 *
 * Throws codes `model-incompatible` and `onnxruntime-missing`.
 */
export function createOnnxScorer(
  file: Uint8Array,
  modelVersion: string,
  featureNames: readonly string[],
): Scorer {
  const width = featureNames.length;
  const reference = readReference(file, modelVersion, featureNames);
  const session = openOnnxSession(file, { modelVersion, width });
  const orders = sampleOrders(width);
  const path = new Float64Array((width + 1) * width);
  const scores = new Float64Array(width + 1);
  const parts = new Float64Array(width);
  session.run(reference, 1, scores);
  const bias = logit(scores[0]);

  function contributions(vector: Float64Array, out: Float64Array): void {
    out.fill(0, 0, width);
    for (const order of orders) {
      path.set(reference);
      for (let step = 0; step < width; step++) {
        path.copyWithin((step + 1) * width, step * width, (step + 1) * width);
        path[(step + 1) * width + order[step]] = vector[order[step]];
      }
      session.run(path, width + 1, scores);
      for (let step = 0; step < width; step++) {
        out[order[step]] += (logit(scores[step + 1]) - logit(scores[step])) / orders.length;
      }
    }
  }

  return {
    modelVersion,
    featureNames,
    bias,
    score: (vectors, count, out) => session.run(vectors, count, out),
    contributions,
    explain(vector) {
      contributions(vector, parts);
      const named: Record<string, number> = { bias };
      for (let j = 0; j < width; j++) named[featureNames[j]] = parts[j];
      return named;
    },
  };
}

function sampleOrders(width: number): Int32Array[] {
  const random = createRandom(ORDER_SEED);
  return Array.from({ length: ORDER_PAIRS }, () => permutation(width, random)).flatMap((order) => [
    order,
    order.slice().reverse(),
  ]);
}

function logit(probability: number): number {
  const p = Math.min(1 - PROBABILITY_MIN, Math.max(PROBABILITY_MIN, probability));
  return Math.log(p / (1 - p));
}

/** The average row of the metadata, after a check that the features are ours. */
function readReference(
  file: Uint8Array,
  modelVersion: string,
  featureNames: readonly string[],
): Float64Array {
  const refuse = (detail: string, cause?: unknown): MillraceError =>
    new MillraceError(`model ${modelVersion} cannot be used: ${detail}`, {
      code: "model-incompatible",
      origin: "user",
      cause,
    });
  let features: unknown;
  let reference: unknown;
  try {
    const metadata = readOnnxMetadata(file);
    features = JSON.parse(metadata.get("millrace.features") ?? "null");
    reference = JSON.parse(metadata.get("millrace.reference") ?? "null");
  } catch (cause) {
    throw refuse("it is no ONNX file, or its metadata are no JSON", cause);
  }
  if (features === null) throw refuse("its metadata do not name its features (millrace.features)");
  if (JSON.stringify(features) !== JSON.stringify(featureNames)) {
    throw refuse("it was trained on other features, or on these in another order");
  }
  if (reference === null) return new Float64Array(featureNames.length);
  if (!Array.isArray(reference) || reference.length !== featureNames.length) {
    throw refuse(`millrace.reference is no list of ${featureNames.length} numbers`);
  }
  const row = Float64Array.from(reference, Number);
  if (!row.every(Number.isFinite)) throw refuse("millrace.reference has a value that is no number");
  return row;
}
