import { MillraceError } from "../../../schema/index.ts";
import { defineEvaluation, type EvaluationContext, type InputFile } from "../../evaluation.ts";
import { unusableFile } from "../../training/input-file.ts";
import { type AccuracyFigures, AccuracyTotals, CoverageTotals } from "./accuracy.ts";
import { CANDIDATES, type Candidate } from "./candidates.ts";
import { readOrderDemand } from "./order-demand.ts";
import { forecastPanel, type PanelForecast } from "./panel-forecast.ts";
import { readSeriesFile } from "./series-file.ts";

/** What `millrace evaluate forecast` prints. */
export interface ForecastReport extends AccuracyFigures {
  /** Shares of the actual values inside the intervals. */
  readonly coverage80: number;
  readonly coverage95: number;
  readonly baselines: Readonly<Record<"naive" | "seasonalNaive", AccuracyFigures>>;
  /** Every single method on the same origins. */
  readonly methods: Readonly<Record<string, AccuracyFigures>>;
  readonly series: number;
  /** Series with no more values than the horizon. */
  readonly seriesTooShort: number;
  readonly horizon: number;
  readonly season: number;
  readonly origins: number;
  /** Of the last origin. */
  readonly combination: Pick<
    PanelForecast,
    "chosen" | "demand" | "levelFactor" | "globalWeights" | "backTests"
  >;
  /** From the first value read to the last forecast. */
  readonly seconds: number;
}

/** Weeks of history before the origins of the benchmark on orders. */
const ORDER_ORIGINS = [30, 31, 32, 33, 34];

export const forecastEvaluation = defineEvaluation({
  doc: "forecast the last values of each series, which training does not see, and measure the error",
  options: {
    series: { kind: "file", doc: "CSV with unique_id,ds,y (ds a date or a whole number)", required: false },
    orders: {
      kind: "file",
      doc: "instead: invoices of UCI Online Retail, weekly demand from rolling origins",
      required: false,
    },
    horizon: { kind: "integer", doc: "values to forecast", min: 1, max: 1000, default: 4 },
    season: { kind: "integer", doc: "values a season; 1: none", min: 1, max: 1000, default: 1 },
  },
  example: "--series monthly.csv --horizon 18 --season 12",
  async run({ series, orders, horizon, season }, context) {
    if ((series === null) === (orders === null)) {
      throw new MillraceError("give either --series or --orders", {
        code: "option-unusable",
        origin: "user",
      });
    }
    const options = { horizon, season, context };
    const report =
      orders === null
        ? await evaluateSeries(series as InputFile, options)
        : await evaluateOrders(orders, options);
    return { ...report };
  },
});

interface RunOptions {
  readonly horizon: number;
  readonly season: number;
  readonly context: EvaluationContext;
}

/** The last `horizon` values of each series, forecast from those before. */
export async function evaluateSeries(file: InputFile, options: RunOptions): Promise<ForecastReport> {
  const { horizon, context } = options;
  const started = context.clock();
  const { series, filledSteps } = await readSeriesFile(file);
  const long = series.filter((values) => values.length > horizon);
  if (long.length === 0) throw unusableFile(file.path, `no series has more than ${horizon} values`);
  context.onProgress(`${series.length} series, ${filledSteps} missing steps filled`);
  const run = new Run(options);
  run.add(
    long.map((values) => values.subarray(0, values.length - horizon)),
    long.map((values) => values.subarray(values.length - horizon)),
  );
  return run.report(long.length, series.length - long.length, started);
}

/** Weekly demand of the 200 best-selling products, after each number of weeks of `origins`. */
export async function evaluateOrders(
  file: InputFile,
  options: RunOptions,
  origins: readonly number[] = ORDER_ORIGINS,
): Promise<ForecastReport> {
  const { horizon, context } = options;
  const started = context.clock();
  const { codes, sold, cleaned, ordersReversed } = await readOrderDemand(file);
  const weeksMin = Math.max(...origins) + horizon;
  if (sold[0].length < weeksMin) {
    throw unusableFile(file.path, `it has ${sold[0].length} whole weeks; the origins need ${weeksMin}`);
  }
  context.onProgress(`${codes.length} products, ${ordersReversed} orders taken back in their week`);
  const run = new Run(options);
  for (const origin of origins) {
    run.add(
      cleaned.map((values) => values.subarray(0, origin)),
      sold.map((values) => values.subarray(origin, origin + horizon)),
    );
    context.onProgress(`origin after ${origin} weeks`);
  }
  return run.report(codes.length, 0, started);
}

/** Totals over the origins of one evaluation. */
class Run {
  readonly #options: RunOptions;
  readonly #combined = new AccuracyTotals();
  readonly #coverage = new CoverageTotals();
  readonly #methods = new Map<Candidate, AccuracyTotals>(
    CANDIDATES.map((name) => [name, new AccuracyTotals()]),
  );
  /** For the plots of a report: every forecast, ours and the seasonal naive, beside what came. */
  readonly #kept = { actual: [] as number[], ours: [] as number[], naive: [] as number[] };
  #origins = 0;
  #last: PanelForecast | null = null;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  add(histories: readonly Float64Array[], actuals: readonly Float64Array[]): void {
    const { horizon, season, context } = this.#options;
    const forecast = forecastPanel(histories, { horizon, period: season, seed: context.seed });
    const total = (totals: AccuracyTotals, values: Float64Array): void => {
      actuals.forEach((actual, s) => {
        totals.add(values.subarray(s * horizon, (s + 1) * horizon), actual, histories[s], season);
      });
    };
    total(this.#combined, forecast.mean);
    for (const [name, totals] of this.#methods) total(totals, forecast.candidate(name));
    const all = new Float64Array(forecast.mean.length);
    actuals.forEach((actual, s) => {
      all.set(actual, s * horizon);
    });
    this.#coverage.add(forecast, all);
    if (context.onEvidence !== undefined) {
      const { actual, ours, naive } = this.#kept;
      for (const value of all) actual.push(value);
      for (const value of forecast.mean) ours.push(value);
      for (const value of forecast.candidate("seasonalNaive")) naive.push(value);
    }
    this.#origins++;
    this.#last = forecast;
  }

  report(series: number, seriesTooShort: number, started: number): ForecastReport {
    const { horizon, season, context } = this.#options;
    const methods = Object.fromEntries(
      [...this.#methods].map(([name, totals]) => [name, totals.figures()]),
    ) as Record<Candidate, AccuracyFigures>;
    const { coverage80, coverage95 } = this.#coverage.figures();
    context.onEvidence?.({
      kind: "residuals",
      title: "all series and steps",
      actual: Float64Array.from(this.#kept.actual),
      series: [
        { name: "ours", forecast: Float64Array.from(this.#kept.ours) },
        { name: "seasonal naive", forecast: Float64Array.from(this.#kept.naive) },
      ],
    });
    const { chosen, demand, levelFactor, globalWeights, backTests } = this.#last as PanelForecast;
    return {
      ...this.#combined.figures(),
      coverage80,
      coverage95,
      baselines: { naive: methods.naive, seasonalNaive: methods.seasonalNaive },
      methods,
      series,
      seriesTooShort,
      horizon,
      season,
      origins: this.#origins,
      combination: { chosen, demand, levelFactor, globalWeights, backTests },
      seconds: (context.clock() - started) / 1000,
    };
  }
}
