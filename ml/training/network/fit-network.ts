import type * as tensorflow from "@tensorflow/tfjs";
import { MillraceError } from "../../../schema/index.ts";
import { fitLogistic } from "../logistic-regression.ts";
import { createRandom, permutation } from "../random.ts";
import type { LabelledTable } from "../trees/boost.ts";
import { type DenseLayer, type DenseNetwork, inputCount, signedLog, writeInputs } from "./dense-network.ts";
import { loadTensorflow, type Tf } from "./load-tensorflow.ts";

export interface NetworkOptions {
  /** Units of the hidden layers. */
  readonly hidden: readonly number[];
  readonly learningRate: number;
  readonly batchRows: number;
  readonly epochsMax: number;
  /** Epochs without a gain on the hold-out after which fitting stops. */
  readonly patience: number;
  /** How much heavier all positives together weigh than they are, at most; 1: as they are. */
  readonly positiveWeightMax: number;
  readonly seed: number;
  readonly onProgress?: (message: string) => void;
}

/**
 * Fits a network for the log loss with Adam. Positives weigh more, since there are few; the log-odds
 * are then calibrated on the hold-out, which also says after which epoch to stop. The same data, options,
 * seed and backend give the same network. Throws code `dataset-unusable` where one class is missing.
 */
export async function fitNetwork(
  train: LabelledTable,
  holdOut: LabelledTable,
  options: NetworkOptions,
): Promise<DenseNetwork> {
  for (const table of [train, holdOut]) requireBothLabels(table);
  const { tf, backend, problem } = await loadTensorflow();
  options.onProgress?.(`TensorFlow.js on its backend ${backend}${problem === null ? "" : `: ${problem}`}`);
  const inputs = inputsOf(train);
  const width = inputCount(inputs);
  const random = createRandom(options.seed);
  const sizes = [width, ...options.hidden, 1];
  const variables = sizes.slice(1).map((outputs, index) => ({
    weights: tf.variable(tf.tensor2d(heUniform(sizes[index], outputs, random), [sizes[index], outputs])),
    biases: tf.variable(tf.zeros([outputs])),
  }));
  const optimizer = tf.train.adam(options.learningRate);
  const held = tf.tensor2d(designOf(inputs, holdOut), [holdOut.rows, width]);
  const design = designOf(inputs, train);
  const weightOf = positiveWeight(train, options.positiveWeightMax);
  let best = { loss: Number.POSITIVE_INFINITY, epoch: 0, network: null as DenseNetwork | null };
  try {
    for (let epoch = 1; epoch <= options.epochsMax && epoch - best.epoch <= options.patience; epoch++) {
      const order = permutation(train.rows, random);
      for (let from = 0; from < train.rows; from += options.batchRows) {
        const rows = order.subarray(from, from + options.batchRows);
        tf.tidy(() => step(tf, optimizer, variables, batchOf(design, train, rows, width, weightOf)));
      }
      const outputs = tf.tidy(() => forward(tf, variables, held).dataSync()) as Float32Array;
      const calibrated = calibrate(outputs, holdOut);
      options.onProgress?.(`epoch ${epoch}: log loss ${calibrated.loss.toFixed(6)} on later rows`);
      if (calibrated.loss < best.loss) {
        const { slope, intercept, loss } = calibrated;
        best = { loss, epoch, network: { ...inputs, layers: layersOf(variables), slope, intercept } };
      }
    }
  } finally {
    held.dispose();
    optimizer.dispose();
    for (const { weights, biases } of variables) tf.dispose([weights, biases]);
  }
  if (best.network === null) throw unusable("the loss is no number");
  return best.network;
}

interface Layer {
  readonly weights: tensorflow.Variable;
  readonly biases: tensorflow.Variable;
}

/** Log-odds before calibration, as TensorFlow.js computes them. */
export function forward(
  tf: Tf,
  layers: readonly { readonly weights: tensorflow.Tensor; readonly biases: tensorflow.Tensor }[],
  inputs: tensorflow.Tensor,
): tensorflow.Tensor1D {
  const last = layers.length - 1;
  const output = layers.reduce((from, { weights, biases }, index) => {
    const sums = tf.add(tf.matMul(from as tensorflow.Tensor2D, weights as tensorflow.Tensor2D), biases);
    return index < last ? tf.relu(sums) : sums;
  }, inputs);
  return output.reshape([-1]);
}

interface Batch {
  readonly inputs: Float32Array;
  readonly labels: Float32Array;
  readonly weights: Float32Array;
  readonly rows: number;
}

function step(tf: Tf, optimizer: tensorflow.Optimizer, layers: readonly Layer[], batch: Batch): void {
  const inputs = tf.tensor2d(batch.inputs, [batch.rows, batch.inputs.length / batch.rows]);
  const labels = tf.tensor1d(batch.labels);
  const weights = tf.tensor1d(batch.weights);
  optimizer.minimize(() => {
    const z = forward(tf, layers, inputs);
    const losses = tf.sub(tf.softplus(z), tf.mul(labels, z));
    return tf.div(tf.sum(tf.mul(weights, losses)), tf.sum(weights)).asScalar();
  });
}

function batchOf(
  design: Float32Array,
  table: LabelledTable,
  rows: Int32Array,
  width: number,
  weightOf: (row: number) => number,
): Batch {
  const inputs = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    inputs.set(design.subarray(row * width, (row + 1) * width), i * width);
  });
  return {
    inputs,
    labels: Float32Array.from(rows, (row) => table.labels[row]),
    weights: Float32Array.from(rows, weightOf),
    rows: rows.length,
  };
}

function layersOf(layers: readonly Layer[]): DenseLayer[] {
  return layers.map(({ weights, biases }) => ({
    inputs: weights.shape[0],
    outputs: weights.shape[1] ?? 1,
    weights: Float32Array.from(weights.dataSync()),
    biases: Float32Array.from(biases.dataSync()),
  }));
}

/** Means and deviations of the inputs, over the rows that have them. */
function inputsOf(table: LabelledTable): Pick<DenseNetwork, "featureNames" | "mean" | "scale" | "missing"> {
  const width = table.columns.length;
  const mean = new Float32Array(width);
  const scale = new Float32Array(width);
  const missing: number[] = [];
  table.columns.forEach((column, j) => {
    let [count, sum, squares] = [0, 0, 0];
    let isMissing = false;
    for (let row = 0; row < table.rows; row++) {
      const x = signedLog(column[row]);
      isMissing ||= Number.isNaN(x);
      // A ratio to nothing is infinite: it becomes the largest input.
      if (!Number.isFinite(x)) continue;
      count++;
      sum += x;
      squares += x * x;
    }
    if (isMissing) missing.push(j);
    mean[j] = count === 0 ? 0 : sum / count;
    const variance = count === 0 ? 0 : squares / count - mean[j] ** 2;
    scale[j] = variance > 1e-8 ? Math.sqrt(variance) : 1;
  });
  return { featureNames: table.featureNames, mean, scale, missing: Int32Array.from(missing) };
}

function designOf(
  inputs: Pick<DenseNetwork, "featureNames" | "mean" | "scale" | "missing">,
  table: LabelledTable,
): Float32Array {
  const width = inputCount(inputs);
  const design = new Float32Array(table.rows * width);
  const vector = new Float64Array(table.columns.length);
  for (let row = 0; row < table.rows; row++) {
    for (let j = 0; j < vector.length; j++) vector[j] = table.columns[j][row];
    writeInputs(inputs, vector, 0, design, row * width);
  }
  return design;
}

/** Platt's two numbers, and the log loss with them; rows stand for as many as their weight says. */
function calibrate(
  outputs: Float32Array,
  table: LabelledTable,
): { readonly slope: number; readonly intercept: number; readonly loss: number } {
  const model = fitLogistic(
    {
      vectors: Float64Array.from(outputs),
      labels: Float64Array.from(table.labels),
      rows: table.rows,
      columns: 1,
    },
    { l2: 1e-3 },
  );
  const slope = model.weights[0] / model.scale[0];
  const intercept = model.bias - slope * model.mean[0];
  let loss = 0;
  for (let row = 0; row < table.rows; row++) {
    const z = slope * outputs[row] + intercept;
    loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - table.labels[row] * z;
  }
  return { slope, intercept, loss: loss / table.rows };
}

function positiveWeight(table: LabelledTable, most: number): (row: number) => number {
  let [positives, negatives] = [0, 0];
  const own = (row: number): number => table.weights?.[row] ?? 1;
  for (let row = 0; row < table.rows; row++) {
    if (table.labels[row] === 1) positives += own(row);
    else negatives += own(row);
  }
  const factor = Math.max(1, Math.min(most, negatives / positives));
  return (row) => own(row) * (table.labels[row] === 1 ? factor : 1);
}

/** He and others (2015), uniform. */
function heUniform(inputs: number, outputs: number, random: () => number): Float32Array {
  const bound = Math.sqrt(6 / inputs);
  return Float32Array.from({ length: inputs * outputs }, () => (2 * random() - 1) * bound);
}

function requireBothLabels(table: LabelledTable): void {
  const positives = table.labels.reduce((total, label) => total + label, 0);
  if (positives === 0 || positives === table.rows) {
    throw unusable(`all ${table.rows} rows have the same label`);
  }
}

function unusable(detail: string): MillraceError {
  return new MillraceError(`cannot fit a network: ${detail}`, { code: "dataset-unusable", origin: "user" });
}
