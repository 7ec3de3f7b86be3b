import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createModelRegistry } from "../../ml/index.ts";
import { MillraceError, type TableSpec, tableName } from "../../schema/index.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import type { Platform } from "../platform/platform.ts";
import type { ReplayRange } from "../replay/bronze-log.ts";
import { type MergedTable, mergeCorrections } from "../replay/merge-corrections.ts";
import { type ReplayedHome, replayBronze } from "../replay/replay-bronze.ts";
import { type CliIo, onInterrupt, Progress } from "./cli-io.ts";
import { withPlatform } from "./platform-session.ts";
import { configOf } from "./settings-options.ts";
import { textTable } from "./text-table.ts";

/** In the place of a format: history out of the lake's own bronze tables. */
export const BRONZE = "bronze";
export const DAY_MS = 86_400_000;
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

/** What `millrace replay bronze` does: the pipelines over a range of bronze, beside the lake or as its corrections. */
export async function replayHistory(
  file: string | undefined,
  options: HistoryOptions,
  io: CliIo,
): Promise<void> {
  if (file !== undefined) throw wrongUsage("replay bronze takes no file: it reads the lake");
  if (options.into === undefined) throw wrongUsage("replay bronze needs --into FOLDER, or --into lake");
  const tables = tablesOf(options.tables);
  const config = configOf(options, io);
  await withPlatform(config, io, { runsWorkers: false, runsQueries: true }, async (platform) => {
    if (options.into === LAKE) await correctLake(platform, tables, options, io);
    else await replayBeside(platform, resolve(io.folder, String(options.into)), options, io);
  });
}

async function replayBeside(
  platform: Platform,
  home: string,
  options: HistoryOptions,
  io: CliIo,
): Promise<void> {
  if (home === platform.config.home)
    throw wrongUsage("--into is the home itself: name another folder, or lake");
  const result = await runReplay(platform, home, rangeOf(options), io);
  const told = { ...result, home };
  io.out(
    options.json === true
      ? `${JSON.stringify(told)}\n`
      : `${result.records.toLocaleString("en")} records of bronze replayed into ${home}\n` +
          `  look at them with: millrace query --home ${home} 'SELECT …'\n`,
  );
}

async function correctLake(
  platform: Platform,
  tables: readonly TableSpec[],
  options: HistoryOptions,
  io: CliIo,
): Promise<void> {
  const { from, to } = options;
  if (from === undefined || to === undefined)
    throw wrongUsage("replay bronze --into lake needs --from and --to: what lies outside is left alone");
  const home = await mkdtemp(join(tmpdir(), "millrace-replay-"));
  try {
    const replayed = await runReplay(platform, home, rangeOf(options), io);
    const side = openEmbeddedAdapters(home, io.clock);
    const engine = side.openQueryEngine();
    const progress = new Progress(io);
    try {
      const merged = await mergeCorrections({
        side: engine,
        lake: platform.queryEngine,
        adapters: platform.adapters,
        tables,
        from,
        to,
        fileBytesMax: platform.config.fileBytesMax,
        clock: io.clock,
        onProgress: (table) => progress.show(() => `comparing ${table}`),
      });
      io.out(
        options.json === true ? `${JSON.stringify({ ...replayed, tables: merged })}\n` : describe(merged),
      );
    } finally {
      progress.end();
      await engine.close();
      await side.close();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Replays with progress; rejects with code `interrupted` where a signal came. */
async function runReplay(
  platform: Platform,
  home: string,
  range: ReplayRange,
  io: CliIo,
): Promise<ReplayedHome> {
  const interruption = onInterrupt();
  const progress = new Progress(io);
  try {
    const replayed = await replayBronze({
      engine: platform.queryEngine,
      config: platform.config,
      registry: createModelRegistry(platform.adapters.objects),
      range,
      home,
      clock: io.clock,
      stopwatch: () => performance.now(),
      signal: interruption.signal,
      onProgress: (done, of) => progress.show(() => `replaying: ${percent(done, of)} of ${of} records`),
    });
    if (replayed.complete) return replayed;
    throw new MillraceError(`the replay was interrupted; the same command goes on with it in ${home}`, {
      code: "interrupted",
      origin: "user",
      retry: true,
    });
  } finally {
    progress.end();
    interruption.dispose();
  }
}

/** With the history that fills the state. */
export function rangeOf({ from, to, warmUpMs = 0 }: HistoryOptions): ReplayRange {
  return { from: from === undefined ? null : from - warmUpMs, to: to ?? null };
}

function tablesOf(names: string | undefined): readonly TableSpec[] {
  const derived = lakeTables.filter(({ namespace }) => namespace !== "bronze");
  if (names === undefined) return derived.filter(({ namespace }) => namespace === "gold");
  return names.split(",").map((name) => {
    const table = derived.find((one) => tableName(one) === name.trim());
    if (table !== undefined) return table;
    throw wrongUsage(`no table ${name.trim()} of silver or gold: use ${derived.map(tableName).join(", ")}`);
  });
}

function describe(merged: readonly MergedTable[]): string {
  const rows = merged.map((one) => [
    one.table,
    String(one.added),
    String(one.corrected),
    String(one.onlyInLake),
  ]);
  return textTable([["table", "added", "corrected", "only in the lake"], ...rows]);
}

/** `42 %`, for progress. */
export function percent(done: number, of: number): string {
  return `${of === 0 ? 100 : Math.floor((100 * done) / of)} %`;
}
