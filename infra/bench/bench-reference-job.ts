import { loadavg } from "node:os";
import type { BenchHomes } from "./bench-homes.ts";
import type { BenchOptions } from "./bench-options.ts";
import { childResult } from "./child.ts";
import { ADDED, type Parts } from "./parts.ts";
import { benchConfig, type ReferenceJobResult } from "./reference-job.ts";

export interface ReferenceJobRun extends ReferenceJobResult {
  readonly parts: Parts;
  readonly workers: number;
  /** Events that are malformed on purpose: as many dead letters are expected. */
  readonly malformed: number;
  /** Load average of the machine in the minute before the run: 2 busy cores read 2. */
  readonly loadBefore: number;
}

/** One run of the reference job: fills a log in one process, runs the pipeline over it in another. */
export function benchReferenceJob(
  options: Pick<BenchOptions, "events" | "seed" | "users" | "products" | "stages" | "workers">,
  parts: Parts,
  homes: BenchHomes,
  signal: AbortSignal,
): Promise<ReferenceJobRun> {
  const { events, seed, users, products, stages } = options;
  const [workers] = options.workers;
  return homes.use(async (home) => {
    const { partitions } = benchConfig(home, { workers });
    process.stderr.write(`filling the log with ${events.toLocaleString("en")} events\n`);
    const fill = [home, JSON.stringify({ events, seed, users, products, partitions })];
    const malformed = await childResult<number>("fill-log-process", fill, signal);
    const loadBefore = Math.round(loadavg()[0] * 100) / 100;
    process.stderr.write(`running the pipeline${ADDED[parts]}\n`);
    const run = [home, JSON.stringify({ events, workers, measureStages: stages, parts })];
    const result = await childResult<ReferenceJobResult>("run-reference-job", run, signal);
    return { parts, workers, ...result, malformed, loadBefore };
  });
}
