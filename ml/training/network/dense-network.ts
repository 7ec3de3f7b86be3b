import { MillraceError } from "../../../schema/index.ts";
import { networkToOnnx } from "../../onnx/classifier-graph.ts";
import type { Scorer } from "../../plugin.ts";
import { sigmoid } from "../logistic-regression.ts";

/** Inputs beyond so many deviations are cut: a rare value must not outweigh everything else. */
const INPUT_MAX = 6;

/** Steps of the path integral of the contributions. */
const PATH_STEPS = 32;

/** One dense layer: `weights[i * outputs + o]`, single precision as they were trained. */
export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weights: Float32Array;
  readonly biases: Float32Array;
}

/**
 * A multilayer perceptron with rectified linear units and one output, the log-odds. Each feature is one
 * input, standardised after sign(x) · log(1 + |x|); each of `missing` is one more, 1 where it is NaN.
 */
export interface DenseNetwork {
  readonly featureNames: readonly string[];
  readonly mean: Float32Array;
  readonly scale: Float32Array;
  /** Features that may be missing. */
  readonly missing: Int32Array;
  readonly layers: readonly DenseLayer[];
  /** Log-odds are `slope · output + intercept`, fitted on later rows (Platt, 1999). */
  readonly slope: number;
  readonly intercept: number;
}

export function inputCount({
  featureNames,
  missing,
}: Pick<DenseNetwork, "featureNames" | "missing">): number {
  return featureNames.length + missing.length;
}

type Inputs = Pick<DenseNetwork, "featureNames" | "mean" | "scale" | "missing">;

/** What the first layer sees of the vector at `base`, into `out[at, at + inputs)`. */
export function writeInputs(
  { featureNames, mean, scale, missing }: Inputs,
  vectors: ArrayLike<number>,
  base: number,
  out: Float32Array,
  at: number,
): void {
  for (let j = 0; j < featureNames.length; j++) {
    const x = vectors[base + j];
    const z = (signedLog(x) - mean[j]) / scale[j];
    out[at + j] = Number.isNaN(x) ? 0 : Math.max(-INPUT_MAX, Math.min(INPUT_MAX, z));
  }
  for (let m = 0; m < missing.length; m++) {
    out[at + featureNames.length + m] = Number.isNaN(vectors[base + missing[m]]) ? 1 : 0;
  }
}

export function signedLog(x: number): number {
  return Math.sign(x) * Math.log1p(Math.abs(x));
}

/** Runs a network, one row at a time, in typed arrays that it keeps. */
export class NetworkRunner {
  readonly network: DenseNetwork;
  readonly inputs: Float32Array;
  /** Outputs of each layer, after the rectifier but for the last. */
  private readonly activations: readonly Float64Array[];
  private readonly gradients: readonly Float64Array[];

  constructor(network: DenseNetwork) {
    this.network = network;
    this.inputs = new Float32Array(inputCount(network));
    this.activations = network.layers.map(({ outputs }) => new Float64Array(outputs));
    this.gradients = network.layers.map(({ inputs }) => new Float64Array(inputs));
  }

  /** Log-odds of {@link inputs}. */
  logOdds(): number {
    const { layers, slope, intercept } = this.network;
    let from: Float32Array | Float64Array = this.inputs;
    layers.forEach((layer, index) => {
      forward(layer, from, this.activations[index], index < layers.length - 1);
      from = this.activations[index];
    });
    return slope * from[0] + intercept;
  }

  /** Derivatives of the last {@link logOdds} by the inputs; valid until the next call. */
  gradient(): Float64Array {
    const { layers, slope } = this.network;
    let upper: Float64Array = Float64Array.of(slope);
    for (let index = layers.length - 1; index >= 0; index--) {
      const { inputs, outputs, weights } = layers[index];
      const lower = this.gradients[index];
      const active = index > 0 ? this.activations[index - 1] : null;
      for (let i = 0; i < inputs; i++) {
        let sum = 0;
        if (active === null || active[i] > 0) {
          for (let o = 0; o < outputs; o++) sum += weights[i * outputs + o] * upper[o];
        }
        lower[i] = sum;
      }
      upper = lower;
    }
    return upper;
  }
}

function forward(
  { inputs, outputs, weights, biases }: DenseLayer,
  from: Float32Array | Float64Array,
  to: Float64Array,
  rectified: boolean,
): void {
  for (let o = 0; o < outputs; o++) to[o] = biases[o];
  for (let i = 0; i < inputs; i++) {
    const x = from[i];
    if (x === 0) continue;
    for (let o = 0, w = i * outputs; o < outputs; o++, w++) to[o] += x * weights[w];
  }
  if (rectified) for (let o = 0; o < outputs; o++) if (to[o] < 0) to[o] = 0;
}

/**
 * A scorer whose contributions are integrated gradients (Sundararajan, Taly and Yan, 2017) along the
 * straight path from the average training row, by {@link PATH_STEPS} midpoints: an approximation. What
 * the sum misses of the log-odds is spread over the features by the size of their part, so that the
 * contributions and the bias add up all the same.
 */
export function createNetworkScorer(network: DenseNetwork, modelVersion: string): Scorer {
  const { featureNames, missing } = network;
  const width = featureNames.length;
  const runner = new NetworkRunner(network);
  const bias = runner.logOdds();
  const target = new Float32Array(runner.inputs.length);
  const parts = new Float64Array(width);

  function contributions(vector: Float64Array, out: Float64Array): void {
    writeInputs(network, vector, 0, target, 0);
    out.fill(0);
    for (let step = 0; step < PATH_STEPS; step++) {
      const share = (step + 0.5) / PATH_STEPS;
      for (let i = 0; i < target.length; i++) runner.inputs[i] = share * target[i];
      runner.logOdds();
      const gradient = runner.gradient();
      for (let i = 0; i < target.length; i++) {
        const feature = i < width ? i : missing[i - width];
        out[feature] += (gradient[i] * target[i]) / PATH_STEPS;
      }
    }
    runner.inputs.set(target);
    spread(runner.logOdds() - bias, out);
  }

  return {
    modelVersion,
    featureNames,
    bias,
    score(vectors, count, out) {
      for (let i = 0; i < count; i++) {
        writeInputs(network, vectors, i * width, runner.inputs, 0);
        out[i] = sigmoid(runner.logOdds());
      }
    },
    contributions,
    explain(vector) {
      contributions(vector, parts);
      const named: Record<string, number> = { bias };
      for (let j = 0; j < width; j++) named[featureNames[j]] = parts[j];
      return named;
    },
    toOnnx: (plugin) =>
      networkToOnnx(
        { ...network, inputMax: INPUT_MAX },
        { plugin, version: modelVersion, features: featureNames },
      ),
  };
}

/** Adds what is missing to `total`, in proportion to the parts' sizes. */
function spread(total: number, parts: Float64Array): void {
  let [sum, size] = [0, 0];
  for (const part of parts) {
    sum += part;
    size += Math.abs(part);
  }
  if (size === 0) return;
  const rest = total - sum;
  for (let j = 0; j < parts.length; j++) parts[j] += (rest * Math.abs(parts[j])) / size;
}

const FORMAT = "millrace-network-1";

/** A JSON object; single precision numbers come back as the same bits. */
export function networkToJson(network: DenseNetwork): Record<string, unknown> {
  const { featureNames, mean, scale, missing, layers, slope, intercept } = network;
  return {
    format: FORMAT,
    featureNames,
    mean: [...mean],
    scale: [...scale],
    missing: [...missing],
    slope,
    intercept,
    layers: layers.map(({ inputs, outputs, weights, biases }) => ({
      inputs,
      outputs,
      weights: [...weights],
      biases: [...biases],
    })),
  };
}

/** Throws code `model-incompatible` where the value is no network over these features. */
export function networkFromJson(
  value: unknown,
  modelVersion: string,
  featureNames: readonly string[],
): DenseNetwork {
  const refuse = (detail: string): MillraceError =>
    new MillraceError(`model ${modelVersion} cannot be used: ${detail}; train it again`, {
      code: "model-incompatible",
      origin: "user",
    });
  const stored = (value ?? {}) as Record<string, unknown>;
  if (stored.format !== FORMAT) throw refuse(`its weights are not of the form ${FORMAT}`);
  if (JSON.stringify(stored.featureNames) !== JSON.stringify(featureNames)) {
    throw refuse("it was trained on other features");
  }
  const numbers = (list: unknown, length: number | null, name: string): number[] => {
    if (!Array.isArray(list) || !list.every(Number.isFinite) || (length !== null && list.length !== length)) {
      throw refuse(`${name} is no list of ${length ?? "finite"} numbers`);
    }
    return list as number[];
  };
  const width = featureNames.length;
  const missing = Int32Array.from(numbers(stored.missing, null, "missing"));
  if (missing.some((feature) => feature < 0 || feature >= width)) throw refuse("missing names no feature");
  const scale = Float32Array.from(numbers(stored.scale, width, "scale"));
  if (scale.some((x) => !(x > 0))) throw refuse("scale is not positive");
  let inputs = width + missing.length;
  const layers = (Array.isArray(stored.layers) ? stored.layers : []).map((layer, index) => {
    const biases = Float32Array.from(numbers(layer?.biases, null, `biases of layer ${index}`));
    const weights = numbers(layer?.weights, inputs * biases.length, `weights of layer ${index}`);
    const read = { inputs, outputs: biases.length, weights: Float32Array.from(weights), biases };
    inputs = biases.length;
    return read;
  });
  if (layers.length === 0 || inputs !== 1) throw refuse("its last layer has not one output");
  const [slope, intercept] = numbers([stored.slope, stored.intercept], 2, "calibration");
  const mean = Float32Array.from(numbers(stored.mean, width, "mean"));
  return { featureNames, mean, scale, missing, layers, slope, intercept };
}
