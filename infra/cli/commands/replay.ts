import { Argument, type Command } from "commander";
import { tableName } from "../../../schema/index.ts";
import {
  assertInputFile,
  FORMAT_NAMES,
  type LoadProgress,
  type LoadReport,
  loadInto,
  parseTimes,
} from "../../../stream/index.ts";
import { lakeTables } from "../../platform/lake-tables.ts";
import type { Platform } from "../../platform/platform.ts";
import { AgainMark } from "../again-mark.ts";
import { type CliIo, type Interruption, onInterrupt, Progress, unlessInterrupted } from "../cli-io.ts";
import { isoTime, wholeNumber } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { BRONZE, type HistoryOptions, replayHistory, wrongUsage } from "../replay-history.ts";
import { ReplayRecord } from "../replay-record.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface ReplayOptions extends HistoryOptions {
  readonly wait?: boolean;
  readonly again?: boolean;
  readonly times: string;
  readonly json?: boolean;
}

type Counts = Readonly<Record<string, number>>;

interface ReplayResult {
  readonly format: string;
  readonly file: string;
  readonly eventsRead: number;
  /** Null without --wait: the pipeline has not judged them yet. */
  readonly valid: number | null;
  readonly refused: Counts;
  /** Customer events that came behind the watermark; null without --wait. */
  readonly late: number | null;
  readonly refusedExamples: LoadReport["refusedExamples"];
  readonly appendedByTopic: Counts;
  readonly alreadyLoaded: boolean;
  readonly rowsByTable: Counts | null;
  readonly seconds: number;
}

const DEFAULT_TIMES = "keep";

export function registerReplay(program: Command, io: CliIo): void {
  withSettings(program.command("replay"), ["partitions", "workers"])
    .description(
      "load a file into the log, or run history out of bronze again; a repeat changes nothing, a killed one goes on where it stopped",
    )
    .addArgument(new Argument("<format>", "what the file is, or bronze").choices([...FORMAT_NAMES, BRONZE]))
    .argument("[file]", "plain or gzipped; none for bronze")
    .option("--wait", "process it to the end: all windows closed, all tables written")
    .option(
      "--times <how>",
      "keep, shift (the last event is now), compress=FACTOR, or shift,compress=FACTOR",
      DEFAULT_TIMES,
    )
    .option("--again", "load it once more although it was loaded before")
    .option("--from <time>", "bronze: event time from which on rows are wanted", isoTime)
    .option("--to <time>", "bronze: event time up to which", isoTime)
    .option(
      "--warm-up-ms <ms>",
      "bronze, into a folder: history before --from that fills the state (default: as long as any detector keeps records, such as purchases for their refunds)",
      wholeNumber(0),
    )
    .option(
      "--into <place>",
      "bronze: a new folder, whose tables can be queried then, or lake: corrections of the lake itself, by a replay of all of bronze",
    )
    .option("--tables <names>", "bronze, into the lake: the tables that are corrected (default: all of gold)")
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      `
Examples:
  $ millrace replay rees46 2019-Oct.csv.gz --wait
  $ millrace replay ndjson events.ndjson --times shift,compress=60
  $ millrace replay bronze --from 2026-01-01T00:00:00Z --to 2026-01-08T00:00:00Z --into side
  $ millrace replay bronze --from 2026-01-01T00:00:00Z --to 2026-01-08T00:00:00Z --into lake --tables gold.funnel

Into a folder, rows of the warm-up are written too, and what is open at --to is cut off there: look at the range alone.
Into the lake, a row of the range takes the place of one only where a replay of all of bronze gives another; what may
still change is left alone: the last two days, of metrics six and of orders as long as they are kept, unless the input has ended.
`,
    )
    .action((format: string, file: string | undefined, options: ReplayOptions) => {
      requireOwnOptions(format, options);
      if (format === BRONZE) return replayHistory(file, options, io);
      if (file !== undefined) return replay(format, file, options, io);
      throw wrongUsage("missing required argument 'file'");
    });
}

/** Options of one kind of input say nothing of the other, and who gives them means something else. */
function requireOwnOptions(format: string, options: ReplayOptions): void {
  const { wait, again, times, from, to, warmUpMs, into, tables } = options;
  const given: Record<string, boolean> =
    format === BRONZE
      ? { "--wait": wait === true, "--again": again === true, "--times": times !== DEFAULT_TIMES }
      : {
          "--from": from !== undefined,
          "--to": to !== undefined,
          "--warm-up-ms": warmUpMs !== undefined,
          "--into": into !== undefined,
          "--tables": tables !== undefined,
        };
  const [wrong] = Object.entries(given).find(([, isGiven]) => isGiven) ?? [];
  if (wrong === undefined) return;
  const whose = format === BRONZE ? "files" : "bronze";
  throw wrongUsage(`${wrong} is for ${whose}: millrace replay ${format} takes none`);
}

async function replay(format: string, file: string, options: ReplayOptions, io: CliIo): Promise<void> {
  const times = parseTimes(options.times);
  const config = configOf(options, io);
  const began = io.clock();
  const wait = options.wait === true;
  // Before a home is made for it.
  await assertInputFile(file);
  const interruption = onInterrupt();
  const result = await withPlatform(
    config,
    io,
    { runsWorkers: wait, makesHome: true, interruption },
    async (platform): Promise<ReplayResult> => {
      let record = null as ReplayRecord | null;
      let anew = null as AgainMark | null;
      // Workers start first: they read while the file is loaded.
      if (wait) await platform.startWorkersUnlessRunning();
      const progress = new Progress(io);
      const report = await loadInto(platform.log, format, file, {
        now: io.clock,
        times,
        endOfInput: wait,
        recordBytesMax: config.recordBytesMax,
        signal: interruption.signal,
        begin: async (producerId, nowMs) => {
          record = await ReplayRecord.open(platform, producerId, nowMs);
          return record.anchorMs;
        },
        onProgress: (at) => progress.show(() => progressText(file, at)),
        ...(options.again === true && {
          again: async (producerId) => {
            anew = new AgainMark(platform, producerId);
            return anew.begin(began.toString(36));
          },
        }),
      }).finally(() => progress.end());
      await record!.loaded(platform);
      const judged = wait ? await processed(platform, record!, interruption, io) : null;
      await anew?.end();
      const refused = sum(report.refused, judged?.refused ?? {});
      return {
        format,
        file,
        eventsRead: report.rowsRead,
        valid: wait ? report.rowsRead - total(refused) : null,
        refused,
        late: judged?.late ?? null,
        refusedExamples: report.refusedExamples,
        appendedByTopic: report.eventsByTopic,
        alreadyLoaded: report.repeat,
        rowsByTable: wait ? await rowsByTable(platform) : null,
        seconds: (io.clock() - began) / 1000,
      };
    },
  ).finally(() => interruption.dispose());
  io.out(options.json === true ? `${JSON.stringify(result)}\n` : describe(result));
}

/** Waits for the pipeline; answers what it refused, by reason, and what came late. Throws `interrupted` at a signal. */
async function processed(
  platform: Platform,
  record: ReplayRecord,
  interruption: Interruption,
  io: CliIo,
): Promise<{ readonly refused: Counts; readonly late: number }> {
  if (io.errIsTerminal) io.err("processing…");
  await unlessInterrupted(
    platform.waitUntilProcessed(),
    interruption,
    "the file is in the log: the same command, or millrace up, goes on with it",
  ).finally(() => io.errIsTerminal && io.err("\r\u001b[K"));
  return { refused: await record.refused(platform), late: await record.late(platform) };
}

async function rowsByTable(platform: Platform): Promise<Counts> {
  const counts: Record<string, number> = {};
  for (const table of lakeTables) {
    counts[tableName(table)] = (await platform.queryEngine.snapshot(table))?.rows ?? 0;
  }
  return counts;
}

function progressText(file: string, { step, bytesRead, bytesTotal, rows }: LoadProgress): string {
  const percent = `${step} ${file}: ${Math.floor((100 * bytesRead) / bytesTotal)} %`;
  return step === "checking" ? percent : `${percent}, ${rows.toLocaleString("en")} rows`;
}

function sum(one: Counts, other: Counts): Counts {
  const sums: Record<string, number> = { ...one };
  for (const [reason, count] of Object.entries(other)) sums[reason] = (sums[reason] ?? 0) + count;
  return sums;
}

const total = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
const table = (counts: Counts): string => textTable(Object.entries(counts), "    ");

function describe(result: ReplayResult): string {
  const lines = [`${result.file} (${result.format}): ${result.eventsRead.toLocaleString("en")} rows read\n`];
  if (result.alreadyLoaded)
    lines.push("  It was loaded before: nothing was appended (--again loads it once more).\n");
  if (result.valid !== null) lines.push(`  valid    ${result.valid.toLocaleString("en")}\n`);
  lines.push(`  refused  ${total(result.refused).toLocaleString("en")}\n`, table(result.refused));
  for (const { line, reason } of result.refusedExamples.slice(0, 5))
    lines.push(`    line ${line}: ${reason}\n`);
  if (result.late !== null && result.late > 0) {
    lines.push(
      `  late     ${result.late.toLocaleString("en")} (events older than others before them in this home: ` +
        "beyond the allowed lateness no window or session counts them)\n",
    );
  }
  if (result.rowsByTable === null) {
    lines.push("  In the log by topic:\n", table(result.appendedByTopic));
    lines.push("  millrace up processes them; --wait does it at once.\n");
  } else lines.push("  rows in the lake by table:\n", table(result.rowsByTable));
  lines.push(`  seconds  ${result.seconds.toFixed(1)}\n`);
  return lines.join("");
}
