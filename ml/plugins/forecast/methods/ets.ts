import { clamp, nelderMead } from "./nelder-mead.ts";
import type { Seasonality } from "./seasonality.ts";

/** Error, trend and season, named as in Hyndman, Koehler, Ord and Snyder (2008). */
export interface EtsSpec {
  readonly error: "A" | "M";
  readonly trend: "N" | "A" | "Ad";
  readonly season: "N" | "A" | "M";
}

export interface EtsFit {
  readonly spec: EtsSpec;
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  readonly phi: number;
  /** States after the last value; the seasonal ones start with the phase of the next. */
  readonly level: number;
  readonly slope: number;
  readonly seasonal: Float64Array;
  /** Sum of squared one-step errors, in units of the series. */
  readonly squaredError: number;
  readonly aicc: number;
}

/** Longer seasons are taken out before: one state a phase could not be fitted. */
export const ETS_PERIOD_MAX = 24;

const PARAMETER_MIN = 1e-4;
const PARAMETER_MAX = 0.9999;
const PHI_MIN = 0.8;
const PHI_MAX = 0.98;
/** Values that the first level and slope are regressed on. */
const FIRST_VALUES = 10;
const EVALUATIONS_PER_PARAMETER = 40;

const PLAIN: readonly EtsSpec[] = (["A", "M"] as const).flatMap((error) =>
  (["N", "A", "Ad"] as const).map((trend): EtsSpec => ({ error, trend, season: "N" })),
);
const SEASONAL: readonly EtsSpec[] = (["A", "M"] as const).flatMap((error) =>
  (["N", "A", "Ad"] as const).map((trend): EtsSpec => ({ error, trend, season: error })),
);

/**
 * The model of least AICc: errors additive or, where all values are positive, multiplicative; trend
 * none, additive or damped; a season of the error's kind where `seasonality` has one. Null where the
 * values are too few for the smallest.
 */
export function autoEts(values: Float64Array, seasonality: Seasonality): EtsFit | null {
  const positive = values.every((value) => value > 0);
  const seasonal = seasonality.kind !== "none" && seasonality.indices.length <= ETS_PERIOD_MAX;
  let best: EtsFit | null = null;
  for (const spec of seasonal ? SEASONAL : PLAIN) {
    if (spec.error === "M" && !positive) continue;
    const fit = fitEts(values, spec, seasonality);
    if (fit !== null && (best === null || fit.aicc < best.aicc)) best = fit;
  }
  return best;
}

/**
 * Fits smoothing parameters, first level and first slope by maximum likelihood; the first seasonal
 * states are those of the classical decomposition. Null where the values are fewer than AICc needs.
 */
export function fitEts(values: Float64Array, spec: EtsSpec, seasonality: Seasonality): EtsFit | null {
  const period = spec.season === "N" ? 0 : seasonality.indices.length;
  const trended = spec.trend !== "N";
  const damped = spec.trend === "Ad";
  const parameterCount = 2 + (trended ? 2 : 0) + (damped ? 1 : 0) + period;
  const freedom = values.length - parameterCount - 2;
  if (freedom <= 0) return null;

  const recursion = createRecursion(values, spec, firstSeason(values, spec, seasonality));
  const first = firstStates(values, trended, spec.season, recursion.firstSeasonal);
  const unit = first.unit;
  // Order: alpha, level, beta / alpha, slope, phi, gamma / (1 - alpha).
  const start = [0.3, first.level / unit];
  const steps = [0.2, 0.5];
  if (trended) {
    start.push(0.1, first.slope / unit);
    steps.push(0.2, 0.1);
  }
  if (damped) {
    start.push(0.95);
    steps.push(-0.08);
  }
  if (period > 0) {
    start.push(0.05);
    steps.push(0.2);
  }
  const evaluate = (point: Float64Array): number => {
    let at = 0;
    const alpha = clamp(point[at++], PARAMETER_MIN, PARAMETER_MAX);
    const level = point[at++] * unit;
    const beta = trended ? alpha * clamp(point[at++], PARAMETER_MIN, PARAMETER_MAX) : 0;
    const slope = trended ? point[at++] * unit : 0;
    const phi = damped ? clamp(point[at++], PHI_MIN, PHI_MAX) : 1;
    const gamma = period > 0 ? (1 - alpha) * clamp(point[at++], PARAMETER_MIN, PARAMETER_MAX) : 0;
    return recursion.run(alpha, beta, gamma, phi, level, slope);
  };
  const point = nelderMead(evaluate, start, {
    steps,
    evaluationsMax: EVALUATIONS_PER_PARAMETER * start.length,
    tolerance: 1e-6,
  });
  const cost = evaluate(point);
  if (!Number.isFinite(cost)) return null;
  const k = parameterCount + 1;
  return {
    spec,
    ...recursion.last(),
    aicc: cost + 2 * k + (2 * k * (k + 1)) / (values.length - k - 1),
  };
}

export function forecastEts(fit: EtsFit, horizon: number): Float64Array {
  const out = new Float64Array(horizon);
  let reach = 0;
  let power = 1;
  for (let h = 0; h < horizon; h++) {
    power *= fit.phi;
    reach += power;
    const trend = fit.level + reach * fit.slope;
    const seasonal = fit.seasonal[h % Math.max(1, fit.seasonal.length)];
    out[h] = fit.spec.season === "N" ? trend : fit.spec.season === "A" ? trend + seasonal : trend * seasonal;
  }
  return out;
}

interface Recursion {
  readonly firstSeasonal: Float64Array;
  /** Runs over the values; returns -2 log likelihood up to a constant, Infinity where it breaks down. */
  run(alpha: number, beta: number, gamma: number, phi: number, level: number, slope: number): number;
  /** What the last run ended with. */
  last(): Omit<EtsFit, "spec" | "aicc">;
}

/**
 * With states written for additive errors the updates of a multiplicative error are the same
 * (`l·ε = y − μ` where the season multiplies, too), so that only the likelihood tells them apart.
 */
function createRecursion(values: Float64Array, spec: EtsSpec, firstSeasonal: Float64Array): Recursion {
  const period = firstSeasonal.length;
  const seasonal = new Float64Array(period);
  const relative = spec.error === "M";
  const count = values.length;
  let state: Omit<EtsFit, "spec" | "aicc" | "seasonal"> | null = null;
  return {
    firstSeasonal,
    run(alpha, beta, gamma, phi, level, slope) {
      seasonal.set(firstSeasonal);
      let l = level;
      let b = slope;
      let squares = 0;
      let relativeSquares = 0;
      let logs = 0;
      let product = 1;
      let phase = 0;
      for (let t = 0; t < count; t++) {
        const q = l + phi * b;
        let mu = q;
        let inner = 1;
        if (period > 0) {
          const s = seasonal[phase];
          if (spec.season === "A") mu = q + s;
          else {
            mu = q * s;
            inner = s;
          }
        }
        const error = values[t] - mu;
        squares += error * error;
        if (relative) {
          if (!(mu > 1e-12)) return Number.POSITIVE_INFINITY;
          const share = error / mu;
          relativeSquares += share * share;
          product *= mu;
          if (product > 1e100 || product < 1e-100) {
            logs += Math.log(product);
            product = 1;
          }
        }
        const pull = error / inner;
        l = q + alpha * pull;
        b = phi * b + beta * pull;
        if (period > 0) {
          seasonal[phase] += spec.season === "A" ? gamma * error : (gamma * error) / q;
          if (++phase === period) phase = 0;
        }
      }
      state = { alpha, beta, gamma, phi, level: l, slope: b, squaredError: squares };
      // A perfect fit has no likelihood: the floor keeps constant series finite.
      return relative
        ? count * Math.log(Math.max(relativeSquares, 1e-20)) + 2 * (logs + Math.log(product))
        : count * Math.log(Math.max(squares, 1e-20));
    },
    last() {
      if (state === null) throw new Error("run first");
      return { ...state, seasonal: seasonal.map((_, j) => seasonal[(count + j) % period]) };
    },
  };
}

/** Indices of the decomposition, in the kind that the model wants. */
function firstSeason(values: Float64Array, spec: EtsSpec, { kind, indices }: Seasonality): Float64Array {
  if (spec.season === "N") return new Float64Array();
  let mean = 0;
  for (const value of values) mean += value / values.length;
  if (spec.season === "A") return kind === "additive" ? indices : indices.map((index) => (index - 1) * mean);
  return kind === "multiplicative" ? indices : indices.map((index) => Math.max(0.05, 1 + index / mean));
}

/** Level and slope before the first value, by least squares over the first values without season. */
function firstStates(
  values: Float64Array,
  trended: boolean,
  season: EtsSpec["season"],
  seasonal: Float64Array,
): { level: number; slope: number; unit: number } {
  const count = Math.min(values.length, Math.max(FIRST_VALUES, seasonal.length));
  let mean = 0;
  let cross = 0;
  let spread = 0;
  const center = (count + 1) / 2;
  for (let t = 0; t < count; t++) {
    const s = season === "N" ? 0 : seasonal[t % seasonal.length];
    const value = season === "M" ? values[t] / s : values[t] - s;
    mean += value / count;
    cross += value * (t + 1 - center);
    spread += (t + 1 - center) ** 2;
  }
  const slope = trended && spread > 0 ? cross / spread : 0;
  let deviation = 0;
  for (let t = 0; t < values.length; t++) deviation += Math.abs(values[t] - mean) / values.length;
  return { level: mean - slope * center, slope, unit: deviation || Math.abs(mean) || 1 };
}
