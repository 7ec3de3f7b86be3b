/** How forecasts fared whose steps are over; shares of the demand are null where nothing was asked for. */
export interface LiveAccuracy {
  readonly forecasts: number;
  /** Shares of the forecasts whose 80 % and 95 % intervals hold what was asked for. */
  readonly coverage80: number;
  readonly coverage95: number;
  /** Sum of the absolute errors, and of expected less asked for, over the demand. */
  readonly wape: number | null;
  readonly bias: number | null;
}

/** By length of step; null before any of it is over. */
export interface LiveForecasts {
  readonly day: LiveAccuracy | null;
  readonly week: LiveAccuracy | null;
}
