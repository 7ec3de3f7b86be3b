import { clamp, nelderMead } from "./nelder-mead.ts";

export interface ThetaOptions {
  /** Refits the trend line at each value (DSTM, DOTM) instead of once over all (STM, OTM). */
  readonly dynamic: boolean;
  /** Fits theta (OTM, DOTM) instead of the classical 2 (STM, DSTM). */
  readonly optimised: boolean;
}

const ALPHA_MIN = 0.1;
const ALPHA_MAX = 0.99;
const THETA_MAX = 1e6;

/**
 * The four theta models of Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler, "Models for
 * optimising the theta method and their relationship to state space models" (2016): simple
 * exponential smoothing with a drift from the straight line through the data. `values` are without
 * season; at least 3.
 */
export function forecastTheta(values: Float64Array, horizon: number, options: ThetaOptions): Float64Array {
  const unit = values.reduce((total, value) => total + Math.abs(value), 0) / values.length || 1;
  const line = straightLine(values);
  const evaluate = (point: Float64Array): number =>
    runTheta(values, options, line, parametersOf(point, options, unit), null);
  const start = [values[0] / 2 / unit, 0.5];
  const steps = [0.25, 0.2];
  if (options.optimised) {
    start.push(2);
    steps.push(1);
  }
  const point = nelderMead(evaluate, start, {
    steps,
    evaluationsMax: 80 * start.length,
    tolerance: 1e-6,
  });
  const out = new Float64Array(horizon);
  runTheta(values, options, line, parametersOf(point, options, unit), out);
  return out;
}

interface ThetaParameters {
  readonly level: number;
  readonly alpha: number;
  readonly theta: number;
}

interface Line {
  readonly a: number;
  readonly b: number;
}

function parametersOf(point: Float64Array, { optimised }: ThetaOptions, unit: number): ThetaParameters {
  return {
    level: point[0] * unit,
    alpha: clamp(point[1], ALPHA_MIN, ALPHA_MAX),
    theta: optimised ? clamp(point[2], 1, THETA_MAX) : 2,
  };
}

/** Squared one-step errors from the fourth value on; writes the forecasts to `out`. */
function runTheta(
  values: Float64Array,
  { dynamic }: ThetaOptions,
  line: Line,
  { level, alpha, theta }: ThetaParameters,
  out: Float64Array | null,
): number {
  const count = values.length;
  const end = count + (out?.length ?? 0);
  const drift = 1 - 1 / theta;
  let l = alpha * values[0] + (1 - alpha) * level;
  let mean = values[0];
  let a = dynamic ? values[0] : line.a;
  let b = dynamic ? 0 : line.b;
  let squares = 0;
  let decay = 1 - alpha;
  for (let t = 1; t < end; t++) {
    // decay is (1 - alpha) to the power of t, for the t values before this one.
    const mu = l + drift * (decay * a + ((1 - decay * (1 - alpha)) / alpha) * b);
    decay *= 1 - alpha;
    const y = t < count ? values[t] : mu;
    if (t >= count && out !== null) out[t - count] = mu;
    else if (t >= 3) squares += (y - mu) ** 2;
    l = alpha * y + (1 - alpha) * l;
    if (!dynamic) continue;
    const before = mean;
    mean = (t * mean + y) / (t + 1);
    b = ((t - 1) * b + (6 * (y - before)) / (t + 1)) / (t + 2);
    a = mean - (b * (t + 2)) / 2;
  }
  return squares;
}

/** Least squares line `a + b·t`, t from 1. */
function straightLine(values: Float64Array): Line {
  const center = (values.length + 1) / 2;
  let mean = 0;
  let cross = 0;
  let spread = 0;
  for (let t = 0; t < values.length; t++) {
    mean += values[t] / values.length;
    cross += values[t] * (t + 1 - center);
    spread += (t + 1 - center) ** 2;
  }
  const b = spread > 0 ? cross / spread : 0;
  return { a: mean - b * center, b };
}
