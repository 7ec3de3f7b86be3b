import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createModelRegistry } from "../../ml/index.ts";
import { MillraceError, type TableSpec, tableName } from "../../schema/index.ts";
import { HISTORY_QUERIES } from "../platform/adapters.ts";
import { jobTables, lakeTables } from "../platform/lake-tables.ts";
import type { Platform } from "../platform/platform.ts";
import { type CorrectedLake, correctLake } from "../replay/correct-lake.ts";
import { type ReplayedHome, replayBronze } from "../replay/replay-bronze.ts";
import { keptHistoryMs, withWarmUp } from "../replay/replay-range.ts";
import { claimSideHome } from "../replay/side-home.ts";
import { type CliIo, interrupted, onInterrupt, Progress } from "./cli-io.ts";
import { withPlatform } from "./platform-session.ts";
import { configOf } from "./settings-options.ts";
import { textTable } from "./text-table.ts";

/** In the place of a format: history out of the lake's own bronze tables. */
export const BRONZE = "bronze";
/** In the place of a folder: the lake itself. */
const LAKE = "lake";

export interface HistoryOptions extends Record<string, unknown> {
  readonly from?: number;
  readonly to?: number;
  readonly warmUpMs?: number;
  readonly into?: string;
  readonly tables?: string;
  readonly json?: boolean;
}

export function wrongUsage(message: string): MillraceError {
  return new MillraceError(message, { code: "wrong-usage", origin: "user" });
}

/** Throws `wrong-usage` for a range that nothing is in. */
export function requireForward({ from, to }: { readonly from?: number; readonly to?: number }): void {
  if (from !== undefined && to !== undefined && from >= to) throw wrongUsage("--from must be before --to");
}

/** What `millrace replay bronze` does: the pipelines over a range of bronze, beside the lake or as its corrections. */
export async function replayHistory(
  file: string | undefined,
  options: HistoryOptions,
  io: CliIo,
): Promise<void> {
  if (file !== undefined) throw wrongUsage("replay bronze takes no file: it reads the lake");
  if (options.into === undefined) throw wrongUsage("replay bronze needs --into FOLDER, or --into lake");
  requireForward(options);
  const correction = options.into === LAKE ? correctionOf(options) : null;
  const config = configOf(options, io);
  await withPlatform(
    config,
    io,
    { runsWorkers: false, runsQueries: true, queryLimits: HISTORY_QUERIES },
    async (platform) => {
      if (correction !== null) await replayIntoLake(platform, correction, options, io);
      else await replayBeside(platform, resolve(io.folder, String(options.into)), options, io);
    },
  );
}

async function replayBeside(
  platform: Platform,
  home: string,
  options: HistoryOptions,
  io: CliIo,
): Promise<void> {
  if (home === platform.config.home)
    throw wrongUsage("--into is the home itself: name another folder, or lake");
  const { config, queryEngine, adapters } = platform;
  const range = withWarmUp({ warmUpMs: keptHistoryMs(config), ...options });
  const source = config.mode === "embedded" ? config.home : config.catalogUri;
  await claimSideHome(home, { source, range });
  const goesOn = `the same command goes on with it in ${home}`;
  const result = await interruptible(io, goesOn, (show, signal) =>
    replayBronze({
      engine: queryEngine,
      config,
      registry: createModelRegistry(adapters.objects),
      range,
      home,
      clock: io.clock,
      stopwatch: () => performance.now(),
      signal,
      onProgress: (done, of) => show(() => replaying(done, of)),
    }),
  );
  const told = { ...result, home };
  io.out(
    options.json === true
      ? `${JSON.stringify(told)}\n`
      : `${result.records.toLocaleString("en")} records of bronze replayed into ${home}\n` +
          `  look at them with: millrace query --home ${home} 'SELECT …'\n`,
  );
}

async function replayIntoLake(
  platform: Platform,
  { tables, from, to }: ReturnType<typeof correctionOf>,
  options: HistoryOptions,
  io: CliIo,
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "millrace-replay-"));
  const { config, adapters, queryEngine } = platform;
  try {
    const corrected = await interruptible(io, "nothing was corrected", (show, signal) =>
      correctLake({
        engine: queryEngine,
        adapters,
        config,
        registry: createModelRegistry(adapters.objects),
        tables,
        from,
        to,
        home,
        clock: io.clock,
        stopwatch: () => performance.now(),
        onReplay: (done, of) => show(() => replaying(done, of)),
        onMerge: (table) => show(() => `comparing ${table}`),
        signal,
      }),
    );
    io.out(options.json === true ? `${JSON.stringify(corrected)}\n` : describe(corrected));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Runs a replay with progress; rejects with code `interrupted` where a signal came. */
async function interruptible<R extends ReplayedHome>(
  io: CliIo,
  ifInterrupted: string,
  run: (show: (text: () => string) => void, signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const interruption = onInterrupt();
  const progress = new Progress(io);
  try {
    const replayed = await run((text) => progress.show(text), interruption.signal);
    if (replayed.complete) return replayed;
    throw interrupted(ifInterrupted);
  } catch (error) {
    // Comparing was given up: what tables it had come to is corrected, and found equal by the next one.
    if (interruption.signal.aborted && error === interruption.signal.reason)
      throw interrupted("some tables may be corrected, the same command does the others");
    throw error;
  } finally {
    progress.end();
    interruption.dispose();
  }
}

/** What of the lake is corrected. */
function correctionOf({ from, to, warmUpMs, tables }: HistoryOptions) {
  if (warmUpMs !== undefined)
    throw wrongUsage("replay bronze --into lake takes no --warm-up-ms: it replays all of history");
  const named = tablesOf(tables);
  if (from === undefined || to === undefined)
    throw wrongUsage("replay bronze --into lake needs --from and --to: what lies outside is left alone");
  return { tables: named, from, to };
}

function tablesOf(names: string | undefined): readonly TableSpec[] {
  const derived = lakeTables.filter((table) => table.namespace !== "bronze" && !jobTables.includes(table));
  if (names === undefined) return derived.filter(({ namespace }) => namespace === "gold");
  return names.split(",").map((name) => {
    const table = derived.find((one) => tableName(one) === name.trim());
    if (table !== undefined) return table;
    throw wrongUsage(`no table ${name.trim()} of silver or gold: use ${derived.map(tableName).join(", ")}`);
  });
}

function describe({ tables, leftAloneFrom }: CorrectedLake): string {
  const rows = tables.map((one) => [
    one.table,
    String(one.added),
    String(one.corrected),
    String(one.onlyInLake),
  ]);
  const table = textTable([["table", "added", "corrected", "only in the lake"], ...rows]);
  if (leftAloneFrom === null) return table;
  return `${table}rows from ${new Date(leftAloneFrom).toISOString()} on may still change, in some tables later than in others, and were left alone\n`;
}

function replaying(done: number, of: number): string {
  return `replaying: ${percent(done, of)} of ${of} records`;
}

/** `42 %`, for progress. */
export function percent(done: number, of: number): string {
  return `${of === 0 ? 100 : Math.floor((100 * done) / of)} %`;
}
