/** How a season acts: added to the level, as a factor of it, or not at all. */
export type SeasonKind = "none" | "additive" | "multiplicative";

export interface Seasonality {
  readonly kind: SeasonKind;
  /** One index a phase, the first for the first value; mean 0 (additive) or 1 (multiplicative). */
  readonly indices: Float64Array;
  /** Share of the detrended variance that the season explains, 0 to 1 (Wang, Smith and Hyndman, 2006). */
  readonly strength: number;
}

/** One-sided 95 % point of the normal distribution: the M3 and M4 benchmarks' test of a season. */
const TEST_POINT = 1.645;
/** Fewer seasons than this say nothing of a pattern. */
const SEASONS_MIN = 2;
/** A multiplicative index below this would blow up what is divided by it. */
const INDEX_MIN = 0.01;

const NO_SEASON: Seasonality = { kind: "none", indices: new Float64Array(), strength: 0 };

/**
 * Season of `values` of `period` values: classical decomposition where the autocorrelation at the
 * period is significant, as in Assimakopoulos and Nikolopoulos (2000) and the M4 benchmarks;
 * multiplicative where all values are positive and that leaves the smaller remainder.
 */
export function findSeasonality(values: Float64Array, period: number): Seasonality {
  if (period < 2 || values.length < SEASONS_MIN * period + 1 || !isSeasonal(values, period)) return NO_SEASON;
  const trend = centredMean(values, period);
  const additive = decompose(values, trend, period, "additive");
  if (!values.every((value) => value > 0)) return additive;
  const multiplicative = decompose(values, trend, period, "multiplicative");
  return multiplicative.indices.every((index) => index >= INDEX_MIN) &&
    multiplicative.strength >= additive.strength - 0.02
    ? multiplicative
    : additive;
}

/** The values without their season; a copy. */
export function removeSeason(values: Float64Array, { kind, indices }: Seasonality): Float64Array {
  if (kind === "none") return Float64Array.from(values);
  return values.map((value, t) =>
    kind === "additive" ? value - indices[t % indices.length] : value / indices[t % indices.length],
  );
}

/** Puts the season back into `forecast`, whose first value is the `start`-th of the series; in place. */
export function addSeason(
  forecast: Float64Array,
  start: number,
  { kind, indices }: Seasonality,
): Float64Array {
  if (kind === "none") return forecast;
  for (let h = 0; h < forecast.length; h++) {
    const index = indices[(start + h) % indices.length];
    forecast[h] = kind === "additive" ? forecast[h] + index : forecast[h] * index;
  }
  return forecast;
}

/** Whether the autocorrelation at the period exceeds Bartlett's bound for the lags before it. */
function isSeasonal(values: Float64Array, period: number): boolean {
  const acf = autocorrelations(values, period);
  let squares = 0;
  for (let lag = 1; lag < period; lag++) squares += acf[lag] * acf[lag];
  return Math.abs(acf[period]) > TEST_POINT * Math.sqrt((1 + 2 * squares) / values.length);
}

/** Autocorrelations of lags 0 to `lagMax`; all 0 for constant values. */
export function autocorrelations(values: Float64Array, lagMax: number): Float64Array {
  const count = values.length;
  let mean = 0;
  for (const value of values) mean += value / count;
  const acf = new Float64Array(lagMax + 1);
  for (let lag = 0; lag <= lagMax; lag++) {
    for (let t = lag; t < count; t++) acf[lag] += (values[t] - mean) * (values[t - lag] - mean);
  }
  const variance = acf[0];
  return variance > 0 ? acf.map((covariance) => covariance / variance) : acf.fill(0);
}

/** Moving mean over one period, centred (2×m for an even period); NaN at both ends. */
function centredMean(values: Float64Array, period: number): Float64Array {
  const half = period >> 1;
  const even = period % 2 === 0;
  const trend = new Float64Array(values.length).fill(Number.NaN);
  for (let t = half; t + half < values.length; t++) {
    let total = 0;
    for (let j = t - half; j <= t + half; j++) total += values[j];
    if (even) total -= (values[t - half] + values[t + half]) / 2;
    trend[t] = total / period;
  }
  return trend;
}

function decompose(
  values: Float64Array,
  trend: Float64Array,
  period: number,
  kind: "additive" | "multiplicative",
): Seasonality {
  const sums = new Float64Array(period);
  const counts = new Float64Array(period);
  for (let t = 0; t < values.length; t++) {
    if (Number.isNaN(trend[t])) continue;
    sums[t % period] += kind === "additive" ? values[t] - trend[t] : values[t] / trend[t];
    counts[t % period]++;
  }
  const indices = sums.map((sum, phase) => sum / counts[phase]);
  const mean = indices.reduce((total, index) => total + index, 0) / period;
  for (let j = 0; j < period; j++) indices[j] = kind === "additive" ? indices[j] - mean : indices[j] / mean;
  return { kind, indices, strength: strengthOf(values, trend, indices, kind) };
}

function strengthOf(
  values: Float64Array,
  trend: Float64Array,
  indices: Float64Array,
  kind: "additive" | "multiplicative",
): number {
  let count = 0;
  let remainderSquares = 0;
  let detrendedSum = 0;
  let detrendedSquares = 0;
  for (let t = 0; t < values.length; t++) {
    if (Number.isNaN(trend[t])) continue;
    const index = indices[t % indices.length];
    const detrended = values[t] - trend[t];
    const remainder = kind === "additive" ? detrended - index : values[t] - trend[t] * index;
    count++;
    detrendedSum += detrended;
    detrendedSquares += detrended * detrended;
    remainderSquares += remainder * remainder;
  }
  const variance = detrendedSquares - (detrendedSum * detrendedSum) / count;
  return variance > 0 ? Math.max(0, 1 - remainderSquares / variance) : 0;
}
