/** Smoothing constants that are tried; the literature advises small ones (Syntetos and Boylan, 2005). */
const CONSTANTS = [0.05, 0.1, 0.2, 0.3];

/**
 * Croston's method (1972): smooths the sizes of demands and the intervals between them, both updated
 * at a demand only, and forecasts their ratio. The same for every horizon. 0 where nothing was sold.
 */
export function croston(values: Float64Array, alpha: number): number {
  let size = 0;
  let interval = 0;
  let since = 1;
  for (const value of values) {
    if (value > 0) {
      size = size === 0 ? value : size + alpha * (value - size);
      interval = interval === 0 ? since : interval + alpha * (since - interval);
      since = 1;
    } else since++;
  }
  return interval === 0 ? 0 : size / interval;
}

/** Croston without its bias upwards: times 1 − alpha / 2 (Syntetos and Boylan, 2005). */
export function sba(values: Float64Array, alpha: number): number {
  return (1 - alpha / 2) * croston(values, alpha);
}

export interface TsbConstants {
  readonly alpha: number;
  readonly beta: number;
}

/**
 * Teunter, Syntetos and Babai (2011): smooths the probability of a demand at every step, `beta`, and
 * the size at a demand, `alpha`, so that a product that stopped selling fades. Starts from the means.
 */
export function tsb(values: Float64Array, { alpha, beta }: TsbConstants): number {
  return runTsb(values, alpha, beta).forecast;
}

/** TSB with the constants of the least squared one-step error. */
export function autoTsb(values: Float64Array): number {
  let best = { squares: Number.POSITIVE_INFINITY, forecast: 0 };
  for (const alpha of CONSTANTS) {
    for (const beta of CONSTANTS) {
      const run = runTsb(values, alpha, beta);
      if (run.squares < best.squares) best = run;
    }
  }
  return best.forecast;
}

function runTsb(values: Float64Array, alpha: number, beta: number): { squares: number; forecast: number } {
  let demands = 0;
  let total = 0;
  for (const value of values) {
    if (value <= 0) continue;
    demands++;
    total += value;
  }
  if (demands === 0) return { squares: 0, forecast: 0 };
  let probability = demands / values.length;
  let size = total / demands;
  let squares = 0;
  for (const value of values) {
    squares += (value - probability * size) ** 2;
    if (value > 0) {
      size += alpha * (value - size);
      probability += beta * (1 - probability);
    } else probability -= beta * probability;
  }
  return { squares, forecast: probability * size };
}

/** Share of values that are zero. */
export function zeroShare(values: Float64Array): number {
  let zeros = 0;
  for (const value of values) if (value === 0) zeros++;
  return values.length === 0 ? 0 : zeros / values.length;
}
