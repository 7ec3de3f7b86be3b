import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { MillraceError } from "../../schema/index.ts";

/** Row-major matrix of inputs with a 0/1 label for each row. */
export interface Design {
  readonly vectors: Float64Array;
  readonly labels: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** Log-odds = bias + Σ weights[j] × (x[j] − mean[j]) / scale[j]. */
export interface LogisticModel {
  readonly bias: number;
  readonly weights: Float64Array;
  readonly mean: Float64Array;
  readonly scale: Float64Array;
}

export interface LogisticOptions {
  /** Penalty ½ · l2 · Σ weights² beside the summed log loss (scikit-learn's 1 / C); the bias goes free. */
  readonly l2: number;
  /**
   * False leaves the inputs' zero where it is (mean 0, scaled only): the same scores, and rows of
   * mostly zeros cost what their other inputs cost. For indicator columns; true otherwise.
   */
  readonly center?: boolean;
  readonly iterationsMax?: number;
}

/**
 * Logistic regression with standardised inputs, by Newton's method (iteratively reweighted least
 * squares; Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 4.4.1), with the
 * step halved while the loss would rise. Convex with l2 > 0, so nothing depends on a start or a seed.
 * Throws code `dataset-unusable` where one class is missing or an input is not finite.
 */
export function fitLogistic(design: Design, options: LogisticOptions): LogisticModel {
  const positives = design.labels.subarray(0, design.rows).reduce((total, label) => total + label, 0);
  if (positives === 0 || positives === design.rows) {
    throw unusable(`all ${design.rows} rows have the same label: train on data with and without the outcome`);
  }
  const { mean, scale } = standardisation(design, options.center ?? true);
  const rate = positives / design.rows;
  let beta = new Float64Array(design.columns + 1);
  beta[design.columns] = Math.log(rate / (1 - rate));
  let state = evaluateAt(design, mean, scale, beta, options.l2);
  for (let iteration = 0; iteration < (options.iterationsMax ?? 50); iteration++) {
    const step = newtonStep(state);
    const next = lineSearch(design, mean, scale, beta, step, state, options.l2);
    if (next === null) break;
    const gain = state.loss - next.state.loss;
    beta = next.beta;
    state = next.state;
    if (gain <= 1e-12 * Math.abs(state.loss)) break;
  }
  return { bias: beta[design.columns], weights: beta.slice(0, design.columns), mean, scale };
}

/** Log-odds of one vector at `base`. */
export function logOdds(model: LogisticModel, vectors: Float64Array, base: number): number {
  const { weights, mean, scale } = model;
  let total = model.bias;
  for (let j = 0; j < weights.length; j++) total += (weights[j] * (vectors[base + j] - mean[j])) / scale[j];
  return total;
}

/** Probability of log-odds, without overflow at either end. */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

function standardisation(
  { vectors, rows, columns }: Design,
  center: boolean,
): { mean: Float64Array; scale: Float64Array } {
  const mean = new Float64Array(columns);
  const scale = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) mean[j] += vectors[i * columns + j] / rows;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) scale[j] += (vectors[i * columns + j] - mean[j]) ** 2 / rows;
  }
  for (let j = 0; j < columns; j++) {
    const deviation = Math.sqrt(scale[j]);
    if (!Number.isFinite(deviation)) throw unusable(`input ${j} has a value that is not a finite number`);
    // A constant input says nothing; its weight comes out 0.
    scale[j] = deviation > 1e-9 ? deviation : 1;
  }
  if (!center) mean.fill(0);
  return { mean, scale };
}

interface LossState {
  readonly loss: number;
  readonly gradient: Float64Array;
  /** Row-major, symmetric. */
  readonly hessian: Float64Array;
}

/** Penalised loss, its gradient and its Hessian at `beta` (the bias last), in one pass over the rows. */
function evaluateAt(
  design: Design,
  mean: Float64Array,
  scale: Float64Array,
  beta: Float64Array,
  l2: number,
): LossState {
  const { vectors, labels, rows, columns } = design;
  const size = columns + 1;
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  let loss = 0;
  // The row's inputs other than zero, and which they are; the bias's 1 comes last.
  const x = new Float64Array(size);
  const at = new Int32Array(size);
  for (let i = 0; i < rows; i++) {
    let z = beta[columns];
    let used = 0;
    for (let j = 0, cell = i * columns; j < columns; j++, cell++) {
      const value = (vectors[cell] - mean[j]) / scale[j];
      if (value === 0) continue;
      z += beta[j] * value;
      x[used] = value;
      at[used++] = j;
    }
    x[used] = 1;
    at[used++] = columns;
    const p = sigmoid(z);
    // log(1 + e^z) − y·z, in the form that does not overflow.
    loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - labels[i] * z;
    addRow({ x, at, used }, p - labels[i], p * (1 - p), gradient, hessian);
  }
  for (let j = 0; j < columns; j++) {
    loss += (l2 / 2) * beta[j] ** 2;
    gradient[j] += l2 * beta[j];
    hessian[j * size + j] += l2;
  }
  for (let j = 0; j < size; j++) for (let k = 0; k < j; k++) hessian[j * size + k] = hessian[k * size + j];
  return { loss, gradient, hessian };
}

/** Adds one row to the gradient and to the upper half of the Hessian. */
function addRow(
  { x, at, used }: { readonly x: Float64Array; readonly at: Int32Array; readonly used: number },
  residual: number,
  weight: number,
  gradient: Float64Array,
  hessian: Float64Array,
): void {
  const size = gradient.length;
  for (let j = 0; j < used; j++) {
    gradient[at[j]] += residual * x[j];
    const wx = weight * x[j];
    const base = at[j] * size;
    for (let k = j; k < used; k++) hessian[base + at[k]] += wx * x[k];
  }
}

function newtonStep({ gradient, hessian }: LossState): Float64Array {
  const size = gradient.length;
  const ridge = 1e-10 * (1 + hessian[size * size - 1]);
  const matrix = Matrix.from1DArray(size, size, hessian);
  for (let j = 0; j < size; j++) matrix.set(j, j, matrix.get(j, j) + ridge);
  const decomposition = new CholeskyDecomposition(matrix);
  if (!decomposition.isPositiveDefinite()) throw unusable("the inputs are linearly dependent: raise l2");
  return Float64Array.from(decomposition.solve(Matrix.columnVector(gradient)).to1DArray());
}

function lineSearch(
  design: Design,
  mean: Float64Array,
  scale: Float64Array,
  beta: Float64Array,
  step: Float64Array,
  state: LossState,
  l2: number,
): { beta: Float64Array<ArrayBuffer>; state: LossState } | null {
  for (let factor = 1; factor > 1e-4; factor /= 2) {
    const candidate = Float64Array.from(beta, (value, j) => value - factor * step[j]);
    const next = evaluateAt(design, mean, scale, candidate, l2);
    if (next.loss < state.loss) return { beta: candidate, state: next };
  }
  return null;
}

function unusable(detail: string): MillraceError {
  return new MillraceError(`cannot fit the model: ${detail}`, { code: "dataset-unusable", origin: "user" });
}
