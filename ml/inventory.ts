/** What is expected to be asked for, step by step, with the bounds of its 80 % interval. */
export interface DemandForecast {
  readonly mean: Float64Array;
  readonly lower80: Float64Array;
  readonly upper80: Float64Array;
  /** Length of a step, ms. */
  readonly stepMs: number;
  /** Where the first step begins, event time in ms. */
  readonly startMs: number;
}

/** Times in ms; null: not within the forecast. */
export interface Runout {
  /** When the expected demand has used up the stock. */
  readonly expectedMs: number | null;
  /** When demand at the upper end has: with 10 % chance it runs out before. */
  readonly earliestMs: number | null;
  /** When demand at the lower end has: with 10 % chance it lasts longer. */
  readonly latestMs: number | null;
}

export interface ReorderOptions {
  /** Units in stock and on the way, less what is promised. */
  readonly stock: number;
  /** From an order to its arrival. */
  readonly leadTimeMs: number;
  /** From this order to the next chance to order. */
  readonly reviewTimeMs: number;
  /** Chance that the stock lasts until the next order arrives, 0.5 to 1 exclusive. */
  readonly serviceLevel: number;
  /** Units are ordered in multiples of this; absent: 1. */
  readonly packUnits?: number;
}

export interface ReorderProposal {
  /** 0: the stock lasts. */
  readonly units: number;
  /** Expected demand until the order after this one arrives. */
  readonly expectedDemand: number;
  /** What the service level asks for beyond that. */
  readonly safetyStock: number;
}

/** Standard deviations from the mean to the bound of an 80 % interval of a normal distribution. */
const Z80 = 1.2815515655446004;

/**
 * The forecast as of a time within it: its steps begin there, and each has its share of the two steps
 * that it lies over. Null where the forecast begins later or is over.
 */
export function forecastFrom(forecast: DemandForecast, timeMs: number): DemandForecast | null {
  const { startMs, stepMs, mean } = forecast;
  const passed = (timeMs - startMs) / stepMs;
  const first = Math.floor(passed);
  // The last step is whole no more once a part of it is over.
  const steps = mean.length - Math.ceil(passed);
  if (passed < 0 || steps <= 0) return null;
  const share = passed - first;
  const from = (values: Float64Array): Float64Array =>
    Float64Array.from(
      { length: steps },
      (_, h) => (1 - share) * values[first + h] + (share === 0 ? 0 : share * values[first + h + 1]),
    );
  return {
    ...{ startMs: timeMs, stepMs },
    mean: from(mean),
    lower80: from(forecast.lower80),
    upper80: from(forecast.upper80),
  };
}

/**
 * When `stock` units are used up. Within a step demand is spread evenly; errors of different steps
 * are taken as independent, so that the bound of the sum is nearer to its mean than the sum of bounds.
 */
export function runoutDate(stock: number, forecast: DemandForecast): Runout {
  const crossing = (bound: -1 | 0 | 1): number | null => {
    let before = 0;
    if (stock <= 0) return forecast.startMs;
    for (let steps = 1; steps <= forecast.mean.length; steps++) {
      const used = cumulative(forecast, steps, bound);
      if (used >= stock) {
        const share = used > before ? (stock - before) / (used - before) : 1;
        return forecast.startMs + (steps - 1 + share) * forecast.stepMs;
      }
      before = Math.max(before, used);
    }
    return null;
  };
  return { expectedMs: crossing(0), earliestMs: crossing(1), latestMs: crossing(-1) };
}

/**
 * Order-up-to rule of periodic review (Silver, Pyke and Thomas, 2017): expected demand until the next
 * order arrives, and z standard deviations of its error. Beyond the forecast its last step goes on.
 */
export function reorderProposal(forecast: DemandForecast, options: ReorderOptions): ReorderProposal {
  const { stock, serviceLevel, packUnits = 1 } = options;
  const steps = (options.leadTimeMs + options.reviewTimeMs) / forecast.stepMs;
  const whole = Math.floor(steps);
  const part = steps - whole;
  const [before, after] = [sums(forecast, whole), sums(forecast, whole + 1)];
  const expectedDemand = before.mean + part * (after.mean - before.mean);
  const variance = before.aboveVariance + part * (after.aboveVariance - before.aboveVariance);
  const safetyStock = normalQuantile(serviceLevel) * Math.sqrt(variance);
  const missing = expectedDemand + safetyStock - stock;
  return {
    units: missing > 0 ? packUnits * Math.ceil(missing / packUnits) : 0,
    expectedDemand,
    safetyStock,
  };
}

/** Demand of the first steps: the mean (0), or the bound of the 80 % interval of their sum. */
function cumulative(forecast: DemandForecast, steps: number, bound: -1 | 0 | 1): number {
  const { mean, aboveVariance, belowVariance } = sums(forecast, steps);
  const spread = Z80 * Math.sqrt(bound > 0 ? aboveVariance : belowVariance);
  return Math.max(0, mean + bound * spread);
}

interface Sums {
  readonly mean: number;
  readonly aboveVariance: number;
  readonly belowVariance: number;
}

function sums({ mean, lower80, upper80 }: DemandForecast, steps: number): Sums {
  let [total, aboveVariance, belowVariance] = [0, 0, 0];
  for (let h = 0; h < steps; h++) {
    const at = Math.min(h, mean.length - 1);
    total += mean[at];
    aboveVariance += ((upper80[at] - mean[at]) / Z80) ** 2;
    belowVariance += ((mean[at] - lower80[at]) / Z80) ** 2;
  }
  return { mean: total, aboveVariance, belowVariance };
}

/**
 * Quantile of the normal distribution, by bisection of Zelen and Severo's approximation of its
 * distribution function (Abramowitz and Stegun 26.2.17, error below 7.5e-8).
 */
function normalQuantile(probability: number): number {
  let [low, high] = [0, 8];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalBelow(middle) < probability) low = middle;
    else high = middle;
  }
  return low;
}

function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
