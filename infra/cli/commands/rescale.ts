import { resolve } from "node:path";
import type { Command } from "commander";
import { MillraceError } from "../../../schema/index.ts";
import type { Config } from "../../config/index.ts";
import { spreadAnew } from "../../replay/rescale.ts";
import { type CliIo, onInterrupt, Progress } from "../cli-io.ts";
import { wholeNumber } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { wrongUsage } from "../replay-history.ts";
import { configOf, withSettings } from "../settings-options.ts";

interface RescaleOptions extends Record<string, unknown> {
  readonly to: number;
  readonly into: string;
  readonly json?: boolean;
}

export function registerRescale(program: Command, io: CliIo): void {
  withSettings(program.command("rescale"), ["partitions"])
    .description("spread an embedded home over another number of partitions, into a new home")
    .requiredOption("--to <partitions>", "the new number of partitions", wholeNumber(1, 256))
    .requiredOption("--into <folder>", "the new home")
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      `
Stop the platform first. What its log still holds is processed, then every record of bronze goes into the new home's
log by its key, with the ingest time that it had, and is processed there: tables, state, hot values and alerts are those
that so many partitions would have had from the beginning. The old home stays as it is, with its dead letters.
Killed or interrupted, the same command goes on. Then start with --home FOLDER --partitions N.

Example:
  $ millrace rescale --to 8 --into .millrace-8
`,
    )
    .action((options: RescaleOptions) => rescale(options, io));
}

async function rescale(options: RescaleOptions, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  const target: Config = { ...config, home: resolve(io.folder, options.into), partitions: options.to };
  if (config.mode !== "embedded")
    throw wrongUsage("rescale is for embedded homes: Kafka's topics get partitions by its own tools");
  if (target.home === config.home) throw wrongUsage("--into is the home itself: name another folder");
  const began = io.clock();
  const interruption = onInterrupt();
  const progress = new Progress(io);
  try {
    const records = await withPlatform(
      config,
      io,
      { runsWorkers: true, runsQueries: true },
      async (platform) => {
        await platform.startWorkers();
        await platform.waitUntilProcessed();
        const { queryEngine: engine, adapters } = platform;
        return spreadAnew({
          engine,
          objects: adapters.objects,
          target,
          onProgress: (done) => progress.show(() => `spreading: ${done.toLocaleString("en")} records`),
          signal: interruption.signal,
        });
      },
    );
    if (records === null) throw interrupted(target.home);
    progress.show(() => "processing them");
    await withPlatform(target, io, { runsWorkers: true }, async (platform) => {
      await platform.startWorkers();
      await platform.waitUntilProcessed();
    });
    const seconds = (io.clock() - began) / 1000;
    const result = { records, partitions: target.partitions, home: target.home, seconds };
    io.out(
      options.json === true
        ? `${JSON.stringify(result)}\n`
        : `${records.toLocaleString("en")} records on ${target.partitions} partitions in ${target.home}, ${seconds.toFixed(1)} s\n` +
            `  start it with: millrace up --home ${target.home} --partitions ${target.partitions}\n`,
    );
  } finally {
    progress.end();
    interruption.dispose();
  }
}

function interrupted(home: string): MillraceError {
  return new MillraceError(`interrupted; the same command goes on in ${home}`, {
    code: "interrupted",
    origin: "user",
    retry: true,
  });
}
