import { type ArimaOrder, fitCss } from "./arima-css.ts";
import type { Seasonality } from "./seasonality.ts";

/** Fitted order and forecasts of {@link autoArima}. */
export interface ArimaForecast {
  readonly order: ArimaOrder & { readonly d: number; readonly seasonalD: number };
  readonly aicc: number;
  readonly mean: Float64Array;
}

/** Longer seasons are taken out before. */
export const ARIMA_PERIOD_MAX = 24;

const ORDER_MAX = 3;
/** 5 % point of the KPSS test for a level (Kwiatkowski, Phillips, Schmidt and Shin, 1992). */
const KPSS_POINT = 0.463;
const DIFFERENCES_MAX = 2;
/** A season this strong is differenced (Wang, Smith and Hyndman, 2006). */
const STRENGTH_DIFFERENCED = 0.64;
const MODELS_MAX = 11;

/**
 * ARIMA of small order, found as Hyndman and Khandakar (2008) do: differences by test, then steps
 * through neighbouring orders while AICc falls. Fitted by conditional least squares. Null where no
 * order fits.
 */
export function autoArima(
  values: Float64Array,
  horizon: number,
  seasonality: Seasonality,
): ArimaForecast | null {
  const period = seasonality.indices.length <= ARIMA_PERIOD_MAX ? seasonality.indices.length : 0;
  const seasonalD = period > 1 && seasonality.strength > STRENGTH_DIFFERENCED ? 1 : 0;
  const stages = [values];
  const lags: number[] = [];
  const difference = (lag: number): void => {
    stages.push(differenced(stages[stages.length - 1], lag));
    lags.push(lag);
  };
  if (seasonalD === 1) difference(period);
  let d = 0;
  while (d < DIFFERENCES_MAX - seasonalD && kpss(stages[stages.length - 1]) > KPSS_POINT) {
    difference(1);
    d++;
  }
  const stationary = stages[stages.length - 1];
  const found = searchOrders(stationary, { period, constants: d + seasonalD <= 1 });
  if (found === null) return null;
  let mean = found.forecast(horizon);
  for (let i = lags.length - 1; i >= 0; i--) mean = integrated(mean, stages[i], lags[i]);
  return { order: { ...found.order, d, seasonalD }, aicc: found.aicc, mean };
}

function searchOrders(
  values: Float64Array,
  { period, constants }: { period: number; constants: boolean },
): ReturnType<typeof fitCss> {
  const seasonal = period > 1 ? 1 : 0;
  const seen = new Set<string>();
  let best: ReturnType<typeof fitCss> = null;
  const attempt = (order: ArimaOrder): boolean => {
    const key = `${order.p},${order.q},${order.seasonalP},${order.seasonalQ},${order.constant}`;
    if (seen.size >= MODELS_MAX || seen.has(key)) return false;
    seen.add(key);
    const fit = fitCss(values, order);
    if (fit === null || (best !== null && fit.aicc >= best.aicc)) return false;
    best = fit;
    return true;
  };
  for (const [p, q, seasonalP, seasonalQ] of [
    [0, 0, 0, 0],
    [2, 2, seasonal, seasonal],
    [1, 0, seasonal, 0],
    [0, 1, 0, seasonal],
  ]) {
    attempt({ p, q, seasonalP, seasonalQ, period, constant: constants });
  }
  let improved = true;
  while (improved && best !== null) {
    improved = neighbours((best as NonNullable<ReturnType<typeof fitCss>>).order, seasonal, constants).some(
      attempt,
    );
  }
  return best;
}

/** Orders one step away, in the order of Hyndman and Khandakar's search. */
function neighbours(order: ArimaOrder, seasonalMax: number, constants: boolean): ArimaOrder[] {
  const { p, q, seasonalP, seasonalQ } = order;
  const near: ArimaOrder[] = [];
  for (const [dp, dq] of [
    [0, 1],
    [0, -1],
    [1, 0],
    [-1, 0],
    [1, 1],
    [-1, -1],
  ]) {
    near.push({ ...order, p: p + dp, q: q + dq });
  }
  near.push({ ...order, seasonalP: 1 - seasonalP }, { ...order, seasonalQ: 1 - seasonalQ });
  near.push({ ...order, seasonalP: 1 - seasonalP, seasonalQ: 1 - seasonalQ });
  if (constants) near.push({ ...order, constant: !order.constant });
  return near.filter(
    (one) =>
      Math.min(one.p, one.q) >= 0 &&
      Math.max(one.p, one.q) <= ORDER_MAX &&
      Math.max(one.seasonalP, one.seasonalQ) <= seasonalMax,
  );
}

/** KPSS statistic of a level, with Bartlett weights to lag 3·√n / 13; 0 for constant values. */
function kpss(values: Float64Array): number {
  const count = values.length;
  if (count < 4) return 0;
  const mean = values.reduce((total, value) => total + value, 0) / count;
  let partial = 0;
  let squares = 0;
  let variance = 0;
  for (const value of values) {
    partial += value - mean;
    squares += partial * partial;
    variance += (value - mean) ** 2;
  }
  const lagMax = Math.trunc((3 * Math.sqrt(count)) / 13);
  for (let lag = 1; lag <= lagMax; lag++) {
    let covariance = 0;
    for (let t = lag; t < count; t++) covariance += (values[t] - mean) * (values[t - lag] - mean);
    variance += 2 * (1 - lag / (lagMax + 1)) * covariance;
  }
  return variance > 1e-12 * (1 + mean * mean) ? squares / (count * variance) : 0;
}

function differenced(values: Float64Array, lag: number): Float64Array {
  return Float64Array.from(
    { length: Math.max(0, values.length - lag) },
    (_, t) => values[t + lag] - values[t],
  );
}

function integrated(differences: Float64Array, before: Float64Array, lag: number): Float64Array {
  const out = new Float64Array(differences.length);
  for (let h = 0; h < out.length; h++) {
    out[h] = differences[h] + (h < lag ? before[before.length - lag + h] : out[h - lag]);
  }
  return out;
}
