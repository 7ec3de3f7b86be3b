import { ensureTables, type QueryEngine } from "../../lakehouse/index.ts";
import type { ModelRegistry } from "../../ml/index.ts";
import { noStageClock } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { type Adapters, retryEnvironment } from "../platform/adapters.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { drainInOrder } from "../platform/input-ends.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import { platformConfig } from "../platform/platform-config.ts";
import { openStreamModels } from "../platform/stream-models.ts";
import { assignTasks, platformTopics } from "../platform/topics.ts";
import { createWorker } from "../platform/worker-setup.ts";
import { openBronzeLog, type ReplayRange } from "./bronze-log.ts";
import { copyModels } from "./side-models.ts";

export interface BronzeReplay {
  /** Of the lake whose history is replayed. */
  readonly engine: QueryEngine;
  /** The settings that the pipelines run with; of `partitions`, those that the records were written with. */
  readonly config: Config;
  readonly range: ReplayRange;
  /** Where the models that score come from. */
  readonly registry: ModelRegistry;
  /** Versions by plugin that score in place of the champions. */
  readonly models?: Readonly<Record<string, string>>;
  /** An embedded home that takes the tables, hot values and alerts; fresh, or one whose replay was interrupted. */
  readonly home: string;
  readonly clock: () => number;
  readonly stopwatch: () => number;
  readonly onProgress?: (records: number, ofRecords: number) => void;
  readonly signal?: AbortSignal;
}

export interface ReplayedHome {
  /** Offsets of the range. */
  readonly records: number;
  /** Whether it came to its end; an interrupted one goes on in the same home. */
  readonly complete: boolean;
}

const PROGRESS_EVERY_MS = 500;
const IDLE_NEVER_MS = 3_600_000;

/**
 * Runs the pipelines over bronze into a home of its own, with checkpoints as ever: killed or interrupted,
 * the same call goes on where it stopped. The lake that is read is not written.
 */
export async function replayBronze(replay: BronzeReplay): Promise<ReplayedHome> {
  const { config, clock, engine, range } = replay;
  const side: Config = { ...config, mode: "embedded", home: replay.home };
  const adapters = openEmbeddedAdapters(replay.home, clock);
  try {
    const { log: inner, catalog, objects: objectStore } = adapters;
    await inner.createTopics(platformTopics(side));
    await ensureTables(lakeTables, { catalog, objectStore, ...retryEnvironment });
    await copyModels(replay.registry, objectStore, { versions: replay.models ?? {}, at: clock() });
    const { partitions } = config;
    const log = await openBronzeLog({ engine, inner, partitions, range });
    const complete = await runToEnd({
      replay,
      config: side,
      adapters: { ...adapters, log },
      records: log.records,
    });
    return { records: log.records, complete };
  } finally {
    await adapters.close();
  }
}

interface SideRun {
  readonly replay: BronzeReplay;
  readonly config: Config;
  readonly adapters: Adapters;
  readonly records: number;
}

async function runToEnd({ replay, config, adapters, records }: SideRun): Promise<boolean> {
  const { clock, stopwatch, signal, onProgress } = replay;
  // What scores was chosen beforehand: a problem with it is an alert of the side home.
  const models = await openStreamModels({ adapters, clock, warn: () => undefined });
  // History has no idle time: who is behind in event time is waited for, however long a page takes.
  const settings: Config = { ...config, idleAfterMs: IDLE_NEVER_MS };
  const worker = await createWorker({
    config: platformConfig(settings),
    taskIds: assignTasks(config.partitions, 1).flat(),
    adapters,
    models,
    clock,
    stopwatch,
    stageClock: noStageClock,
    onPoint: () => undefined,
  });
  await worker.open();
  const running = worker.run();
  const stop = (): void => worker.stop();
  signal?.addEventListener("abort", stop, { once: true });
  // It may have come while the worker was opened.
  if (signal?.aborted === true) stop();
  const timer = setInterval(() => {
    const tasks = worker.status(new Map(), "running");
    const processed = tasks.reduce((sum, { events }) => sum + events.processed, 0);
    onProgress?.(Math.min(processed, records), records);
  }, PROGRESS_EVERY_MS);
  try {
    const drained = drainInOrder(adapters.log, config.partitions, (ends) => worker.drained(ends));
    return await Promise.race([drained.then(() => true), running.then(() => false)]);
  } finally {
    clearInterval(timer);
    signal?.removeEventListener("abort", stop);
    worker.stop();
    await running;
  }
}
