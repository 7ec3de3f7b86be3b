import { setTimeout as sleep } from "node:timers/promises";
import { contracts, MillraceError } from "../../schema/index.ts";
import { CheckpointStore, type TaskStatus, wholeTopics } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import type { Adapters } from "./adapters.ts";
import { CheckpointStatus, type TaskInput } from "./checkpoint-status.ts";
import { committed, drainInOrder } from "./input-ends.ts";
import { PartitionWatch } from "./partition-watch.ts";
import type { PipelineRunner, PlatformLogger, RunnerReports, StageFigures } from "./pipeline-runner.ts";
import { eventsTaskId, INSIGHTS_TASK, PANE_TOPIC, platformTopics, tasksOfPartition } from "./topics.ts";
import { warnOfUnowned } from "./warn-of-unowned.ts";
import { WorkerProcesses } from "./worker-processes.ts";

const REFRESH_MS = 1_000;
/** Time between two looks at the topics' partitions, which people change. */
const TOPICS_LOOK_MS = 60_000;
/** Time that answers which are under way have when all else has stopped. */
const ANSWERS_MS_MAX = 2_000;

/**
 * Leaves the tasks to the worker processes of the consumer group, of which it may start some itself,
 * and knows them by their checkpoints and committed offsets alone.
 */
export class DistributedRunner implements PipelineRunner {
  readonly runBy = null;
  private readonly config: Config;
  private readonly adapters: Adapters;
  private readonly logger: PlatformLogger;
  private readonly status: CheckpointStatus;
  private readonly processes: WorkerProcesses;
  private stopping = false;
  /** Settled when nobody waits until all is processed. */
  private waits: Promise<unknown> = Promise.resolve();
  private timer: NodeJS.Timeout | null = null;
  private readonly partitionWatch: PartitionWatch;
  private topicsTimer: NodeJS.Timeout | null = null;
  private refreshing: Promise<void> | null = null;

  constructor(config: Config, adapters: Adapters, { logger, metrics }: RunnerReports) {
    this.config = config;
    this.adapters = adapters;
    this.logger = logger;
    const { partitions } = config;
    this.status = new CheckpointStatus({
      log: adapters.log,
      // It only reads: the name of an incarnation is for what is written.
      checkpoints: new CheckpointStore(adapters.objects, "reader"),
      ownedTasks: async () => new Set((await adapters.ownedPartitions()).flatMap(tasksOfPartition)),
      group: config.kafkaGroup,
      inputs: inputsByTask(partitions),
      clock: Date.now,
    });
    this.processes = new WorkerProcesses(config, { logger, metrics }, Date.now);
    this.partitionWatch = new PartitionWatch({
      expected: platformTopics(config),
      topics: () => adapters.log.topics(),
      warn: (message) => logger.warn({}, message),
      clock: Date.now,
    });
  }

  tasks(): readonly TaskStatus[] {
    return this.status.tasks();
  }

  statusAgeMs(): number {
    return this.status.statusAgeMs();
  }

  /** Worker processes measure theirs by themselves. */
  stageFigures(): StageFigures {
    return { cpuMicros: {}, stateBytes: {} };
  }

  /** Process ids of the workers that this process has started. */
  pids(): number[] {
    return this.processes.pids();
  }

  async start(): Promise<void> {
    await this.processes.start();
    // Stopped meanwhile, nobody would end the watch.
    if (!this.stopping) await this.watch();
  }

  async startUnlessRunning(): Promise<void> {
    if ((await this.adapters.ownedPartitions()).length === 0) await this.start();
  }

  /** Keeps {@link tasks} up to date; the first time when it resolves. */
  async watch(): Promise<void> {
    await this.refresh();
    this.timer ??= setInterval(() => void this.refresh(), REFRESH_MS);
    this.topicsTimer ??= setInterval(() => void this.partitionWatch.look(), TOPICS_LOOK_MS);
  }

  waitUntilProcessed(): Promise<void> {
    const wait = this.drain();
    this.waits = Promise.allSettled([this.waits, wait]);
    return wait;
  }

  private async drain(): Promise<void> {
    const { log, ownedPartitions } = this.adapters;
    const { partitions, kafkaGroup } = this.config;
    const done = new AbortController();
    const { signal } = done;
    const watch = warnOfUnowned({
      partitions,
      ownedPartitions,
      warn: (message) => this.logger.warn({}, message),
      sleep: (ms) => sleep(ms, undefined, { signal }),
      signal,
    });
    try {
      await drainInOrder(log, partitions, (ends) =>
        committed(log, kafkaGroup, ends, () => this.requireNotStopped()),
      );
    } finally {
      done.abort();
      await watch;
    }
  }

  /** A wait that is not done by then rejects; one for a server that is down does when the log is closed. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const timer of [this.timer, this.topicsTimer]) if (timer !== null) clearInterval(timer);
    await this.processes.stop();
    const done = new AbortController();
    const inTime = sleep(ANSWERS_MS_MAX, undefined, { signal: done.signal }).catch(() => undefined);
    await Promise.race([Promise.all([this.waits, this.refreshing]), inTime]);
    done.abort();
  }

  private requireNotStopped(): void {
    if (!this.stopping) return;
    throw new MillraceError("was stopped before all was processed; start again, it goes on", {
      code: "worker-stopped",
      origin: "user",
    });
  }

  /** One at a time; where a server does not answer, what was known last is told until it is too old. */
  refresh(): Promise<void> {
    this.refreshing ??= this.status
      .refresh()
      .catch((err: unknown) => {
        if (!this.stopping) this.logger.warn({ err }, "the workers' status is not known at the moment");
      })
      .finally(() => {
        this.refreshing = null;
      });
    return this.refreshing;
  }
}

/** What a task reads: every topic's partition of its number, and all of those that every task reads whole. */
function inputsByTask(partitions: number): ReadonlyMap<string, TaskInput[]> {
  const inputs = new Map<string, TaskInput[]>();
  for (let own = 0; own < partitions; own++) {
    const others = Array.from({ length: partitions }, (_, partition) => partition).filter((p) => p !== own);
    inputs.set(eventsTaskId(own), [
      ...contracts.map(({ topic }) => ({ topic, partition: own })),
      ...wholeTopics.flatMap((topic) => others.map((partition) => ({ topic, partition, readsAlong: true }))),
    ]);
  }
  return inputs.set(INSIGHTS_TASK, [{ topic: PANE_TOPIC, partition: 0 }]);
}
