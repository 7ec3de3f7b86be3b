import { existsSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import type { Command } from "commander";
import { CONFIG_FILE, type Config, loadConfig } from "../../config/index.ts";
import { HISTORY_QUERIES } from "../../platform/adapters.ts";
import { producedEnds } from "../../platform/input-ends.ts";
import type { Platform } from "../../platform/platform.ts";
import { spreadAnew } from "../../replay/rescale.ts";
import { assertNothingCame } from "../../replay/rescale-source.ts";
import { assertNobodysFolder, endHistory, sharedBetween } from "../../replay/rescale-target.ts";
import {
  type CliIo,
  type Interruption,
  interrupted,
  onInterrupt,
  Progress,
  unlessInterrupted,
} from "../cli-io.ts";
import { wholeNumber } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { wrongUsage } from "../replay-history.ts";
import { loadedConfigOf, withSettings } from "../settings-options.ts";

interface RescaleOptions extends Record<string, unknown> {
  readonly to: number;
  readonly into: string;
  readonly lakeOnly?: boolean;
  readonly json?: boolean;
}

export function registerRescale(program: Command, io: CliIo): void {
  withSettings(program.command("rescale"), ["partitions"])
    .description("spread a platform over another number of partitions, into a new one")
    .requiredOption("--to <partitions>", "the new number of partitions", wholeNumber(1, 256))
    .requiredOption(
      "--into <place>",
      "the new home; in distributed mode the new platform's configuration file",
    )
    .option(
      "--lake-only",
      "take what the lake has, and leave the old platform's log and checkpoints aside: for one that has lost them",
    )
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      `
Stop the platform first, in distributed mode its producers. What its log still holds is processed, then every record of
bronze goes into the new platform's log by its key, with the ingest time that it had, and is processed there: tables,
state, hot values and alerts are those that so many partitions would have had from the beginning, with the settings and
models of now. An end of the input (replay --wait) is no record: the last windows stay open until newer events come, or the
last file is loaded with --wait again. The old platform stays as it is, with its dead letters and forecasts (millrace forecast makes new ones).
Then start the new one: with --home FOLDER --partitions N and the old one's settings, or with its configuration file.

With --lake-only nothing runs on the old platform: what its log holds and bronze does not is not in the new one. It is the
way back where the log or the checkpoints are lost.

Killed or interrupted, the same command goes on. A new platform that has a part of its history is opened by nothing else,
and one that has anything of its own, or was begun from other records, is refused: delete it, or choose another place.

Kafka takes no partitions away, and one that is added parts keys from their records: the new platform has topics, objects,
hot values and tables of its own, by kafkaTopicPrefix, kafkaGroup, s3Prefix, redisPrefix and catalogWarehouse (with the
trinoCatalog that reads it). Until all is processed, its topics keep everything, however old.

Examples:
  $ millrace rescale --to 8 --into .millrace-8
  $ millrace rescale --mode distributed --to 8 --into eight.config.json
`,
    )
    .action((options: RescaleOptions) => rescale(options, io));
}

async function rescale(options: RescaleOptions, io: CliIo): Promise<void> {
  const { config, file } = loadedConfigOf(options, io);
  const target = targetOf(config, options, io);
  if (target.mode === "embedded") await assertNobodysFolder(target.home);
  const began = io.clock();
  const interruption = onInterrupt();
  const progress = new Progress(io);
  try {
    const lakeOnly = options.lakeOnly === true;
    // A home whose log is lost gets an empty one.
    const makesHome = lakeOnly && config.mode === "embedded" && existsSync(join(config.home, "lake"));
    const records = await withPlatform(
      config,
      io,
      { runsWorkers: !lakeOnly, runsQueries: true, queryLimits: HISTORY_QUERIES, makesHome, interruption },
      async (platform) => {
        const ends = lakeOnly ? [] : await producedEnds(platform.log, config.partitions);
        if (!lakeOnly) {
          progress.show(() => "processing what the old platform's log still holds");
          await processed(platform, interruption, options);
          await assertNothingCame(platform.log, ends);
        }
        const { queryEngine: engine, adapters } = platform;
        const spread = await spreadAnew({
          engine,
          objects: adapters.objects,
          target,
          onProgress: (done) => progress.show(() => `spreading: ${done.toLocaleString("en")} records`),
          signal: interruption.signal,
        });
        if (spread === null) throw interrupted(goesOnIn(options));
        await assertNothingCame(platform.log, ends);
        return spread;
      },
    );
    progress.show(() => "processing them");
    const session = { runsWorkers: true, makesHome: true, takesHistory: true };
    await withPlatform(target, io, session, (platform) => processed(platform, interruption, options));
    await endHistory(target);
    if (target.mode === "embedded") await notePartitions(target);
    const seconds = (io.clock() - began) / 1000;
    const result = { records, partitions: target.partitions, into: options.into, seconds };
    io.out(
      options.json === true
        ? `${JSON.stringify(result)}\n`
        : `${records.toLocaleString("en")} records on ${target.partitions} partitions in ${options.into}, ${seconds.toFixed(1)} s\n` +
            `  start it with: ${startOf(target, target.mode === "embedded" ? file : options.into)}\n`,
    );
  } finally {
    progress.end();
    interruption.dispose();
  }
}

/** Lets every command on the new home know its number, unless it has a configuration file already. */
async function notePartitions({ home, partitions }: Config): Promise<void> {
  const file = join(home, CONFIG_FILE);
  if (!existsSync(file)) await writeFile(file, `${JSON.stringify({ partitions }, null, 2)}\n`);
}

/** Runs the workers until they have processed all; throws `interrupted` where a signal comes before. */
async function processed(
  platform: Platform,
  interruption: Interruption,
  options: RescaleOptions,
): Promise<void> {
  const all = platform.startWorkers().then(() => platform.waitUntilProcessed());
  await unlessInterrupted(all, interruption, goesOnIn(options));
}

/** The command that starts the new platform with the settings that it was filled with. */
function startOf({ mode, home, partitions }: Config, file: string | null): string {
  const place = mode === "embedded" ? ["--home", home] : ["--mode", mode];
  const settings = file === null ? [] : ["--config", file];
  return ["millrace up", ...place, ...settings, "--partitions", partitions].join(" ");
}

/** Throws `wrong-usage` where the new platform would write what the old one has. */
function targetOf(config: Config, { into, to }: RescaleOptions, io: CliIo): Config {
  if (config.mode === "embedded") {
    const home = resolve(io.folder, into);
    const inside = relative(config.home, home);
    if (inside === "") throw wrongUsage("--into is the home itself: name another folder");
    if (inside.split(sep, 1)[0] !== "..")
      throw wrongUsage(`--into lies in the home ${config.home}: name a folder outside of it`);
    if (existsSync(home) && !statSync(home).isDirectory())
      throw wrongUsage(`--into ${into} is a file: name a folder`);
    return { ...config, home, partitions: to };
  }
  const flags = { mode: config.mode, partitions: to };
  const { config: target } = loadConfig({
    flags,
    environment: io.environment,
    folder: io.folder,
    file: into,
  });
  const shared = sharedBetween(config, target);
  if (shared.length > 0)
    throw wrongUsage(`${into} is no platform of its own:\n${shared.map((line) => `  - ${line}`).join("\n")}`);
  return target;
}

function goesOnIn({ into }: RescaleOptions): string {
  return `the same command goes on in ${into}`;
}
