import type { Command } from "commander";
import { createApiServer } from "../../../api/index.ts";
import { LiveGenerator } from "../../../stream/index.ts";
import { apiConfigOf, type Config } from "../../config/index.ts";
import { type ScheduledForecasts, startForecasts } from "../../forecast/scheduled-forecasts.ts";
import { MaintenanceMetrics } from "../../monitoring/maintenance-metrics.ts";
import { WorkMetrics } from "../../monitoring/work-metrics.ts";
import { apiPortsOf } from "../../platform/api-ports.ts";
import type { Platform, PlatformLogger } from "../../platform/platform.ts";
import { platformQuality } from "../../quality/platform-quality.ts";
import type { ScheduledQuality } from "../../quality/scheduled-quality.ts";
import { platformReports } from "../../reports/platform-reports.ts";
import { startWebhook } from "../../webhook/start-webhook.ts";
import { type CliIo, createLogger, onInterrupt, unlessInterrupted } from "../cli-io.ts";
import { startMaintenance } from "../maintenance.ts";
import { withPlatform } from "../platform-session.ts";
import { configOf, withSettings } from "../settings-options.ts";

interface UpOptions extends Record<string, unknown> {
  readonly generator: boolean;
  readonly json?: boolean;
}

/** Event time that a generated shop has behind it at its first start: the longest live window. */
const HISTORY_MS = 600_000;

const FIRST_STEP = `
Paste into GraphiQL and press play:

  subscription { alerts { kind severity title eventTime } }
`;

export function registerUp(program: Command, io: CliIo): void {
  withSettings(program.command("up"), [
    "host",
    "port",
    "partitions",
    "workers",
    "generatorEventsPerSecond",
    "generatorSeed",
  ])
    .description("start the platform: pipeline, API, and a generated shop unless told otherwise")
    .option("--no-generator", "start without the generated shop")
    .option("--json", "the addresses as one JSON document on standard output")
    .addHelpText(
      "after",
      `
Examples:
  $ millrace up
  $ millrace up --no-generator --home /var/lib/millrace --port 8080
  $ millrace up --mode distributed --workers 2     (0 leaves the tasks to millrace worker)

Ends in order at Ctrl-C or SIGTERM, with a last checkpoint; a second one ends it at once (nothing is lost).`,
    )
    .action((options: UpOptions) => up(options, io));
}

async function up(options: UpOptions, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  const began = io.clock();
  const logger = createLogger(config, io);
  const interruption = onInterrupt();
  const metrics = new WorkMetrics();
  try {
    await withPlatform(
      config,
      io,
      { runsWorkers: true, runsQueries: true, makesHome: true, interruption, metrics },
      async (platform) => {
        // Ends what was started, also where the next cannot start: no new input, no new requests, then the last checkpoint.
        await using running = new AsyncDisposableStack();
        const { registry } = metrics;
        const webhook = running.adopt(startWebhook(platform, logger, registry), (each) => each.stop());
        // What the workers raise is to be sent from the first alert on.
        const working = webhook.begun.then(() => platform.startWorkers());
        await unlessInterrupted(working, interruption, "its workers had not started yet");
        const forecasts = running.adopt(startForecasts(config, logger), (each) => each.stop());
        const quality = running.adopt(platformQuality(platform, logger), (each) => each.stop());
        running.adopt(platformReports(platform, logger, registry), (reports) => reports.stop());
        const api = running.adopt(
          await startApi(platform, { forecasts, quality, logger, registry }),
          (server) => server.close(),
        );
        const maintained = new MaintenanceMetrics(registry, {
          intervalMs: config.maintenanceIntervalMs,
          clock: io.clock,
        });
        running.adopt(startMaintenance(platform, logger, maintained), (maintenance) => maintenance.stop());
        const rate = options.generator ? config.generatorEventsPerSecond : 0;
        if (rate > 0)
          running.adopt(await startGenerator(platform, rate, logger), (generator) => generator.stop());
        io.out(started(api.url, config, options.json === true, (io.clock() - began) / 1000, rate));
        await interruption.received;
        io.err("stopping…\n");
      },
    );
  } finally {
    interruption.dispose();
  }
}

interface ApiParts {
  readonly forecasts: ScheduledForecasts;
  readonly quality: ScheduledQuality;
  readonly logger: PlatformLogger;
  readonly registry: WorkMetrics["registry"];
}

function startApi(platform: Platform, { forecasts, quality, logger, registry }: ApiParts) {
  return createApiServer({
    ...apiPortsOf(platform),
    forecasts: forecasts.live,
    metrics: registry,
    quality: quality.status,
    logger,
    config: apiConfigOf(platform.config),
  });
}

async function startGenerator(
  platform: Platform,
  eventsPerSecond: number,
  logger: PlatformLogger,
): Promise<LiveGenerator> {
  const generator = await LiveGenerator.open({
    log: platform.log,
    clock: Date.now,
    shop: { seed: platform.config.generatorSeed, eventsPerSecond },
    historyMs: HISTORY_MS,
    onError: (err) => logger.error({ err }, "the generator stopped: its records could not be appended"),
  });
  generator.start();
  return generator;
}

function dataOf(config: Config): string {
  if (config.mode === "embedded") return `${config.home} (lake/, an Iceberg table in each folder)`;
  const { s3Bucket, s3Prefix, catalogUri, workers } = config;
  const place = ["s3:/", s3Bucket, s3Prefix, "lake"].filter((part) => part !== "").join("/");
  return `${place}, catalog ${catalogUri}, ${workers} worker processes`;
}

function started(url: string, config: Config, json: boolean, seconds: number, rate: number): string {
  const socket = `${url.replace(/^http/, "ws")}/graphql`;
  if (json) {
    return `${JSON.stringify({ url, graphql: `${url}/graphql`, subscriptions: socket, home: config.home, pid: process.pid, seconds })}\n`;
  }
  const source =
    rate > 0
      ? `a generated shop, ${rate} events/s (--no-generator starts without it)`
      : "none; load a file with millrace replay";
  const page = config.production ? "" : `  GraphiQL   ${url}/graphiql\n`;
  return `
Millrace has started (${seconds.toFixed(1)} s).

${page}  GraphQL    ${url}/graphql (subscriptions: ${socket})
  health     ${url}/health, ${url}/ready, ${url}/metrics
  data       ${dataOf(config)}
  input      ${source}
${config.production ? "" : FIRST_STEP}
`;
}
