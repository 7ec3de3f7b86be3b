import { MillraceError } from "../../../schema/index.ts";
import type { LogisticModel } from "../../training/logistic-regression.ts";

/** How a logistic model lies in the registry: JSON, arrays in the order of `features`. */
export interface LogisticWeights {
  readonly format: "millrace-logistic/1";
  readonly features: readonly string[];
  readonly bias: number;
  readonly weights: readonly number[];
  readonly mean: readonly number[];
  readonly scale: readonly number[];
}

export function encodeWeights(features: readonly string[], model: LogisticModel): Uint8Array {
  const weights: LogisticWeights = {
    format: "millrace-logistic/1",
    features,
    bias: model.bias,
    weights: [...model.weights],
    mean: [...model.mean],
    scale: [...model.scale],
  };
  return new TextEncoder().encode(JSON.stringify(weights));
}

/** Throws code `model-incompatible` where the bytes are no such model, or one of other features. */
export function decodeWeights(
  bytes: Uint8Array,
  modelVersion: string,
  features: readonly string[],
): LogisticModel {
  const stored = parse(bytes, modelVersion);
  if (stored.format !== "millrace-logistic/1") {
    throw incompatible(modelVersion, `format ${String(stored.format)}, not millrace-logistic/1`);
  }
  if (JSON.stringify(stored.features) !== JSON.stringify(features)) {
    throw incompatible(modelVersion, "it was trained on other features: train it again");
  }
  const model = {
    bias: finiteNumbers([stored.bias], 1, "bias", modelVersion)[0],
    weights: finiteNumbers(stored.weights, features.length, "weights", modelVersion),
    mean: finiteNumbers(stored.mean, features.length, "mean", modelVersion),
    scale: finiteNumbers(stored.scale, features.length, "scale", modelVersion),
  };
  if (model.scale.some((scale) => scale <= 0)) throw incompatible(modelVersion, "scale is not positive");
  return model;
}

function parse(bytes: Uint8Array, modelVersion: string): Partial<Record<keyof LogisticWeights, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null) return value;
  } catch (cause) {
    throw incompatible(modelVersion, "its weights are not JSON", cause);
  }
  throw incompatible(modelVersion, "its weights are not a JSON object");
}

function finiteNumbers(value: unknown, length: number, name: string, modelVersion: string): Float64Array {
  if (!Array.isArray(value) || value.length !== length || !value.every(Number.isFinite)) {
    throw incompatible(modelVersion, `${name} is not ${length} finite numbers`);
  }
  return Float64Array.from(value as number[]);
}

function incompatible(modelVersion: string, detail: string, cause?: unknown): MillraceError {
  return new MillraceError(`model ${modelVersion} cannot be loaded: ${detail}`, {
    code: "model-incompatible",
    origin: "user",
    ...(cause === undefined ? {} : { cause }),
  });
}
