import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Config, loadConfig } from "../config/index.ts";
import { Platform, type PlatformLogger } from "../platform/platform.ts";
import { BenchError } from "./bench-error.ts";
import { MemorySampler } from "./memory-sampler.ts";
import { LEFT_OUT, type Parts } from "./parts.ts";

export interface ReferenceJobOptions {
  readonly events: number;
  /** Worker threads. */
  readonly workers: number;
  readonly measureStages: boolean;
  readonly parts: Parts;
}

export interface ReferenceJobResult {
  readonly events: number;
  /** Opening the home folder and starting the worker. */
  readonly startUpSeconds: number;
  /** From the first record read to the last table published. */
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** CPU of the whole process (all threads) per event after start-up, then of the worker threads by stage. */
  readonly cpuMicrosPerEvent: { readonly total: number; readonly byStage: Readonly<Record<string, number>> };
  /** Peak of the process's own (anonymous) memory; the mapped log is the kernel's cache. */
  readonly peakRssBytes: number;
  /** The same by tenths of the time. */
  readonly peakRssBytesByTenth: readonly number[];
  /** Memory of the tasks' state at the end, by section; none unless stages are measured. */
  readonly stateBytes: Readonly<Record<string, number>>;
  readonly files: number;
  readonly bytes: number;
  readonly rowsByTable: Readonly<Record<string, number>>;
}

const PROGRESS_EVERY_MS = 2000;

const quiet: PlatformLogger = {
  info: () => undefined,
  warn: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
};

/**
 * Configuration of a bench run: one worker unless told otherwise, stages measured unless `--no-stages`.
 *
 * @throws BenchError where there are more workers than tasks
 */
export function benchConfig(home: string, overrides: Partial<Record<keyof Config, unknown>>): Config {
  const { config } = loadConfig({
    folder: process.cwd(),
    environment: process.env,
    flags: { home, workers: 1, ...overrides },
  });
  const { workers, partitions } = config;
  if (workers > partitions)
    throw new BenchError(`--workers ${workers} need as many partitions: set MILLRACE_PARTITIONS=${workers}`);
  return config;
}

/**
 * Runs the pipeline over what the log of the home folder holds, until everything is published. Time
 * and CPU count from the moment when the worker has opened its tasks and reads its first record; what
 * came before it is `startUpSeconds`.
 */
export async function runReferenceJob(
  home: string,
  { events, workers, measureStages, parts }: ReferenceJobOptions,
): Promise<ReferenceJobResult> {
  const opening = performance.now();
  const platform = await Platform.open(
    benchConfig(home, { workers, measureStages, leaveOut: LEFT_OUT[parts] }),
    quiet,
  );
  const memory = new MemorySampler();
  await platform.startWorkers();
  const start = performance.now();
  const cpu = process.cpuUsage();
  const progress = setInterval(() => showProgress(platform, events), PROGRESS_EVERY_MS);
  await platform.waitUntilProcessed();
  clearInterval(progress);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const peakRssBytes = memory.stop();
  const { cpuMicros, stateBytes } = platform.stageFigures();
  const { "start-up": _, ...stages } = cpuMicros;
  const byStage = mostFirst(stages, (micros) => round(micros / events));
  const rowsByTable = await rowCounts(platform);
  await platform.close();
  return {
    events,
    startUpSeconds: round((start - opening) / 1000),
    seconds: round(seconds),
    eventsPerSecond: Math.round(events / seconds),
    cpuMicrosPerEvent: { total: round((user + system) / events), byStage },
    peakRssBytes,
    peakRssBytesByTenth: memory.peaksOf(10),
    stateBytes: mostFirst(stateBytes),
    ...dataFiles(join(home, "lake")),
    rowsByTable,
  };
}

function showProgress(platform: Platform, events: number): void {
  const processed = platform.tasks().reduce((sum, task) => sum + task.events.processed, 0);
  process.stderr.write(
    `  ${processed.toLocaleString("en")} of ${events.toLocaleString("en")} events processed\n`,
  );
}

async function rowCounts(platform: Platform): Promise<Record<string, number>> {
  const rows: Record<string, number> = {};
  for (const namespace of ["bronze", "silver", "gold"]) {
    for (const table of await platform.adapters.catalog.list(namespace)) {
      const { rows: answer } = await platform.queryEngine.query(`select count(*) as n from {${table}}`, []);
      if (Number(answer[0].n) > 0) rows[table] = Number(answer[0].n);
    }
  }
  return rows;
}

function dataFiles(folder: string): { files: number; bytes: number } {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".parquet"),
  );
  return {
    files: files.length,
    bytes: files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0),
  };
}

function mostFirst(
  figures: Readonly<Record<string, number>>,
  shown = (figure: number): number => figure,
): Record<string, number> {
  const entries = Object.entries(figures).sort(([, a], [, b]) => b - a);
  return Object.fromEntries(entries.map(([name, figure]) => [name, shown(figure)]));
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
