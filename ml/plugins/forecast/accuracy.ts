import type { PanelForecast } from "./panel-forecast.ts";

/** Errors of one forecaster; published definitions of the M4 competition, and of WAPE. */
export interface AccuracyFigures {
  /** Mean of 200·|y − f| / (|y| + |f|), in percent; 0 where both are 0. */
  readonly smape: number;
  /** Mean over the series of their absolute error in units of the in-sample seasonal naive's; null where no series varies. */
  readonly mase: number | null;
  /** Sum of the absolute errors over the sum of the absolute values; null where all are 0. */
  readonly wape: number | null;
  /** Sum of forecast minus actual over the sum of the absolute values: below 0 is too low. */
  readonly bias: number | null;
}

/** Adds up forecasts of several origins. */
export class AccuracyTotals {
  #smape = 0;
  #values = 0;
  #mase = 0;
  #maseSeries = 0;
  #absolute = 0;
  #signed = 0;
  #actual = 0;

  /** One series from one origin; `history` is what its forecaster saw. */
  add(forecast: Float64Array, actual: Float64Array, history: Float64Array, period: number): void {
    let absolute = 0;
    for (let h = 0; h < actual.length; h++) {
      const error = forecast[h] - actual[h];
      const size = Math.abs(forecast[h]) + Math.abs(actual[h]);
      absolute += Math.abs(error);
      this.#signed += error;
      this.#actual += Math.abs(actual[h]);
      this.#smape += size > 0 ? (200 * Math.abs(error)) / size : 0;
      this.#values++;
    }
    this.#absolute += absolute;
    const scale = naiveError(history, period);
    if (scale === 0) return;
    this.#mase += absolute / actual.length / scale;
    this.#maseSeries++;
  }

  figures(): AccuracyFigures {
    const share = (sum: number): number | null => (this.#actual > 0 ? sum / this.#actual : null);
    return {
      smape: this.#smape / this.#values,
      mase: this.#maseSeries > 0 ? this.#mase / this.#maseSeries : null,
      wape: share(this.#absolute),
      bias: share(this.#signed),
    };
  }
}

/** Shares of actual values inside each interval, over several origins. */
export class CoverageTotals {
  readonly #inside = new Map<number, number>();
  #values = 0;

  add({ intervals }: PanelForecast, actuals: Float64Array): void {
    this.#values += actuals.length;
    for (const { coverage, lower, upper } of intervals) {
      let inside = 0;
      for (let i = 0; i < actuals.length; i++) {
        if (actuals[i] >= lower[i] && actuals[i] <= upper[i]) inside++;
      }
      this.#inside.set(coverage, (this.#inside.get(coverage) ?? 0) + inside);
    }
  }

  /** By coverage in percent, `coverage80`. */
  figures(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      [...this.#inside].map(([coverage, inside]) => [
        `coverage${Math.round(100 * coverage)}`,
        inside / this.#values,
      ]),
    );
  }
}

/** Mean absolute in-sample error of the seasonal naive forecast; of the naive one for short histories. */
function naiveError(history: Float64Array, period: number): number {
  const lag = history.length > period ? period : 1;
  let total = 0;
  for (let t = lag; t < history.length; t++) total += Math.abs(history[t] - history[t - lag]);
  return history.length > lag ? total / (history.length - lag) : 0;
}
