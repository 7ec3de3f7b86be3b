import type { Command } from "commander";
import type { LiveAccuracy } from "../../../ml/index.ts";
import { forecastLake } from "../../forecast/forecast-lake.ts";
import { forecastOptions } from "../../forecast/forecast-settings.ts";
import { HISTORY_QUERIES, retryEnvironment } from "../../platform/adapters.ts";
import { fileNonce } from "../../platform/publish-sinks.ts";
import type { CliIo } from "../cli-io.ts";
import { wholeNumber } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { configOf, withSettings } from "../settings-options.ts";

interface ForecastOptions extends Record<string, unknown> {
  readonly seed: number;
  readonly json?: boolean;
}

export function registerForecast(program: Command, io: CliIo): void {
  withSettings(program.command("forecast"), [
    "forecastHorizonDays",
    "forecastHistoryDays",
    "forecastSeriesMax",
    "forecastCalendar",
  ])
    .description(
      "forecast the demand of the lake's products now, into gold.demand_forecasts and the hot store",
    )
    .option("--seed <n>", "the same seed and lake give the same forecasts", wholeNumber(0, 2 ** 32 - 1), 1)
    .option("--json", "the report as one JSON document on standard output")
    .addHelpText("after", "\nExample:\n  $ millrace forecast --forecast-horizon-days 14")
    .action((options: ForecastOptions) => forecast(options, io));
}

async function forecast(options: ForecastOptions, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  const report = await withPlatform(
    config,
    io,
    { runsWorkers: false, runsQueries: true, queryLimits: HISTORY_QUERIES },
    (platform) =>
      forecastLake(
        {
          ...platform.adapters,
          ...retryEnvironment,
          queryEngine: platform.queryEngine,
          clock: io.clock,
          nonce: fileNonce(),
        },
        {
          ...forecastOptions(config),
          seed: options.seed,
          onProgress: (message) => io.err(`${message}\n`),
        },
      ),
  );
  if (options.json === true) {
    io.out(`${JSON.stringify(report)}\n`);
    return;
  }
  for (const [step, accuracy] of Object.entries(report.live) as [string, LiveAccuracy | null][]) {
    if (accuracy === null) continue;
    const { forecasts, coverage80, coverage95 } = accuracy;
    const held = [coverage80, coverage95].map((share) => (100 * share).toFixed(1));
    io.out(
      `forecasts by ${step} that came due: ${forecasts}, ${held[0]} % within 80 %, ${held[1]} % within 95 %\n`,
    );
  }
  const until = new Date(report.dataUntil).toISOString().slice(0, 10);
  io.out(
    `${report.products} products, ${report.series} series from demand before ${until}: ${report.rows} rows in gold.demand_forecasts (${report.seconds.toFixed(1)} s)\n`,
  );
}
