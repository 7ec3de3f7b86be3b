/** Orders of one seasonal ARMA model of differenced values. */
export interface ArimaOrder {
  readonly p: number;
  readonly q: number;
  readonly seasonalP: number;
  readonly seasonalQ: number;
  /** Values a season; unused where both seasonal orders are 0. */
  readonly period: number;
  /** Whether the values have a mean: a drift of what was differenced once. */
  readonly constant: boolean;
}

export interface CssFit {
  readonly order: ArimaOrder;
  /** Mean, AR, MA, seasonal AR, seasonal MA; signs as in `w_t = Σ φ w_{t-i} + e_t + Σ θ e_{t-j}`. */
  readonly parameters: Float64Array;
  readonly squaredError: number;
  readonly aicc: number;
  forecast(horizon: number): Float64Array;
}

const ITERATIONS_MAX = 12;
const DERIVATIVE_STEP = 1e-5;
const DAMPING_MAX = 1e6;
/** Roots of the fitted polynomials stay this far from the unit circle, as partial autocorrelations. */
const REFLECTION_MAX = 0.98;

/**
 * Conditional sum of squares: values and errors before the first are the mean and 0. Minimised by
 * Levenberg and Marquardt's method inside the stationary, invertible region. Null where the values
 * are fewer than AICc needs.
 */
export function fitCss(values: Float64Array, order: ArimaOrder): CssFit | null {
  const { p, q, seasonalP, seasonalQ, constant } = order;
  const size = (constant ? 1 : 0) + p + q + seasonalP + seasonalQ;
  const count = values.length;
  const k = size + 1;
  if (count - k - 1 <= 0) return null;
  const unit = constant ? deviation(values) : 1;
  const residuals = new Float64Array(count);
  const shifted = new Float64Array(count);
  const columns = Array.from({ length: size }, () => new Float64Array(count));
  let parameters = new Float64Array(size);
  if (constant) parameters[0] = values.reduce((total, value) => total + value, 0) / count / unit;
  let squares = runCss(values, order, parameters, unit, residuals);
  let damping = 1e-3;
  for (let iteration = 0; iteration < ITERATIONS_MAX && size > 0 && squares > 0; iteration++) {
    for (let j = 0; j < size; j++) {
      const moved = Float64Array.from(parameters);
      moved[j] += DERIVATIVE_STEP;
      runCss(values, order, moved, unit, shifted);
      for (let t = 0; t < count; t++) columns[j][t] = (shifted[t] - residuals[t]) / DERIVATIVE_STEP;
    }
    const before = squares;
    while (damping < DAMPING_MAX) {
      const step = leastSquaresStep(columns, residuals, damping);
      const trial = parameters.map((value, j) => value - step[j]);
      const cost = isStable(trial, order) ? runCss(values, order, trial, unit, shifted) : Number.NaN;
      if (cost < squares) {
        squares = cost;
        parameters = trial;
        residuals.set(shifted);
        damping = Math.max(1e-6, damping / 10);
        break;
      }
      damping *= 10;
    }
    if (before - squares <= 1e-6 * before) break;
  }
  const variance = Math.max(squares / count, 1e-300);
  return {
    order,
    parameters,
    squaredError: squares,
    aicc: count * Math.log(variance) + 2 * k + (2 * k * (k + 1)) / (count - k - 1),
    forecast: (horizon) => forecastCss(values, order, parameters, unit, residuals, horizon),
  };
}

/** Coefficients of both sides multiplied out: at lag i + 1 of centred values, and of errors. */
function expand(order: ArimaOrder, parameters: Float64Array): { ar: Float64Array; ma: Float64Array } {
  const { p, q, seasonalP, seasonalQ, period, constant } = order;
  const base = constant ? 1 : 0;
  const ar = new Float64Array(p + seasonalP * period);
  const ma = new Float64Array(q + seasonalQ * period);
  for (let i = 0; i < p; i++) ar[i] += parameters[base + i];
  for (let i = 0; i < q; i++) ma[i] += parameters[base + p + i];
  if (seasonalP === 1) {
    const factor = parameters[base + p + q];
    ar[period - 1] += factor;
    for (let i = 0; i < p; i++) ar[period + i] -= factor * parameters[base + i];
  }
  if (seasonalQ === 1) {
    const factor = parameters[base + p + q + seasonalP];
    ma[period - 1] += factor;
    for (let i = 0; i < q; i++) ma[period + i] += factor * parameters[base + p + i];
  }
  return { ar, ma };
}

/** Writes the errors; returns the sum of their squares. Only lags with a coefficient are visited. */
function runCss(
  values: Float64Array,
  order: ArimaOrder,
  parameters: Float64Array,
  unit: number,
  errors: Float64Array,
): number {
  const { ar, ma } = expand(order, parameters);
  const arLags = lagsOf(ar);
  const maLags = lagsOf(ma);
  const mean = order.constant ? parameters[0] * unit : 0;
  let squares = 0;
  for (let t = 0; t < values.length; t++) {
    let error = values[t] - mean;
    for (let i = 0; i < arLags.length && arLags[i] <= t; i++) {
      error -= ar[arLags[i] - 1] * (values[t - arLags[i]] - mean);
    }
    for (let i = 0; i < maLags.length && maLags[i] <= t; i++)
      error -= ma[maLags[i] - 1] * errors[t - maLags[i]];
    errors[t] = error;
    squares += error * error;
  }
  return squares;
}

function forecastCss(
  values: Float64Array,
  order: ArimaOrder,
  parameters: Float64Array,
  unit: number,
  errors: Float64Array,
  horizon: number,
): Float64Array {
  const { ar, ma } = expand(order, parameters);
  const mean = order.constant ? parameters[0] * unit : 0;
  const count = values.length;
  const out = new Float64Array(horizon);
  for (let h = 0; h < horizon; h++) {
    let value = mean;
    for (let lag = 1; lag <= ar.length; lag++) {
      const t = count + h - lag;
      if (t >= 0) value += ar[lag - 1] * ((t < count ? values[t] : out[t - count]) - mean);
    }
    for (let lag = 1; lag <= ma.length; lag++) {
      const t = count + h - lag;
      if (t >= 0 && t < count) value += ma[lag - 1] * errors[t];
    }
    out[h] = value;
  }
  return out;
}

function lagsOf(coefficients: Float64Array): number[] {
  const lags: number[] = [];
  for (let i = 0; i < coefficients.length; i++) if (coefficients[i] !== 0) lags.push(i + 1);
  return lags;
}

function isStable(parameters: Float64Array, order: ArimaOrder): boolean {
  const { p, q, seasonalP, constant } = order;
  const base = constant ? 1 : 0;
  const ma = parameters.subarray(base + p, base + p + q).map((theta) => -theta);
  if (!rootsOutside(parameters.subarray(base, base + p)) || !rootsOutside(ma)) return false;
  for (let j = base + p + q; j < parameters.length; j++) {
    if (Math.abs(parameters[j]) > REFLECTION_MAX) return false;
  }
  return seasonalP >= 0;
}

/** Levinson's recursion backwards: stable while every partial autocorrelation is below 1. */
function rootsOutside(coefficients: Float64Array): boolean {
  let current = Array.from(coefficients);
  while (current.length > 0) {
    const last = current[current.length - 1];
    if (!(Math.abs(last) < REFLECTION_MAX)) return false;
    const size = current.length - 1;
    const next = new Array<number>(size);
    for (let i = 0; i < size; i++) next[i] = (current[i] + last * current[size - 1 - i]) / (1 - last * last);
    current = next;
  }
  return true;
}

/** Solves (JᵀJ + damping · diag) step = Jᵀr by Cholesky; `columns` are those of J. */
function leastSquaresStep(
  columns: readonly Float64Array[],
  residuals: Float64Array,
  damping: number,
): Float64Array {
  const size = columns.length;
  const factor = new Float64Array(size * size);
  const step = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) factor[i * size + j] = dot(columns[i], columns[j]);
    factor[i * size + i] = factor[i * size + i] * (1 + damping) + 1e-12;
    step[i] = dot(columns[i], residuals);
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = factor[i * size + j];
      for (let l = 0; l < j; l++) sum -= factor[i * size + l] * factor[j * size + l];
      factor[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / factor[j * size + j];
    }
  }
  for (let i = 0; i < size; i++) {
    for (let l = 0; l < i; l++) step[i] -= factor[i * size + l] * step[l];
    step[i] /= factor[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let l = i + 1; l < size; l++) step[i] -= factor[l * size + i] * step[l];
    step[i] /= factor[i * size + i];
  }
  return step;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let t = 0; t < a.length; t++) total += a[t] * b[t];
  return total;
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length;
  return Math.sqrt(variance) || Math.abs(mean) || 1;
}
