import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Config, loadConfig } from "../config/index.ts";
import { Platform, type PlatformLogger } from "../platform/platform.ts";
import { MemorySampler } from "./memory-sampler.ts";

export interface ReferenceJobResult {
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** CPU of the whole process (all threads) per event, then of the worker thread by stage. */
  readonly cpuMicrosPerEvent: { readonly total: number; readonly byStage: Readonly<Record<string, number>> };
  /** Peak of the process's own (anonymous) memory; the mapped log is the kernel's cache. */
  readonly peakRssBytes: number;
  readonly files: number;
  readonly bytes: number;
  readonly rowsByTable: Readonly<Record<string, number>>;
}

const quiet: PlatformLogger = {
  info: () => undefined,
  warn: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
};

/** Configuration of a bench run: one worker, stages measured unless `--no-stages`. */
export function benchConfig(home: string, overrides: Partial<Record<keyof Config, unknown>>): Config {
  return loadConfig({
    folder: process.cwd(),
    environment: process.env,
    flags: { home, workers: 1, ...overrides },
  }).config;
}

/** Runs the pipeline over what the log of the home folder holds, until everything is published. */
export async function runReferenceJob(
  home: string,
  events: number,
  measureStages: boolean,
): Promise<ReferenceJobResult> {
  const platform = await Platform.open(benchConfig(home, { measureStages }), quiet);
  const memory = new MemorySampler();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await platform.startWorkers();
  await platform.waitUntilProcessed();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const byStage = Object.fromEntries(
    Object.entries(platform.cpuMicrosByStage())
      .map(([stage, micros]) => [stage, round(micros / events)] as const)
      .sort(([, a], [, b]) => b - a),
  );
  const rowsByTable = await rowCounts(platform);
  await platform.close();
  return {
    events,
    seconds: round(seconds),
    eventsPerSecond: Math.round(events / seconds),
    cpuMicrosPerEvent: { total: round((user + system) / events), byStage },
    peakRssBytes: memory.stop(),
    ...dataFiles(join(home, "lake")),
    rowsByTable,
  };
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

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
