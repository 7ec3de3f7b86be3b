import { randomUUID } from "node:crypto";
import { createLakePublisher } from "../../lakehouse/index.ts";
import { ownSchemas } from "../../schema/index.ts";
import {
  CheckpointStore,
  createEventsPipeline,
  createInsightsPipeline,
  eventLoopScheduling,
  type ImageCodec,
  Outbox,
  type Pipeline,
  type Scheduling,
  type StageClock,
  Task,
  Worker,
} from "../../stream/index.ts";
import { type Adapters, retryEnvironment } from "./adapters.ts";
import { lakeTables } from "./lake-tables.ts";
import type { PlatformConfig } from "./platform-config.ts";
import type { StreamModels } from "./stream-models.ts";
import { eventsTaskId, INSIGHTS_TASK, PANE_TOPIC } from "./topics.ts";

/** Order and chance, which a simulation decides itself. */
export interface WorkerEnvironment {
  /** A new incarnation's: its files and state images never share a key with an earlier one's. */
  readonly nonce: string;
  readonly scheduling: Scheduling;
  readonly retry: typeof retryEnvironment;
  readonly imageCodec?: ImageCodec;
}

/** What pipelines of tasks are made of. */
export interface PipelineSetup {
  readonly config: PlatformConfig;
  readonly adapters: Partial<Pick<Adapters, "schemas">>;
  readonly models: StreamModels;
  /** Milliseconds from any origin, with fractions. */
  readonly stopwatch: () => number;
  readonly stageClock: StageClock;
}

export interface WorkerSetup extends PipelineSetup {
  readonly taskIds: readonly string[];
  readonly adapters: Pick<Adapters, "log" | "hotStore" | "alertBus" | "objects" | "catalog"> &
    Partial<Pick<Adapters, "schemas">>;
  readonly clock: () => number;
  readonly onPoint: (point: string) => void;
  /** By default the process's own. */
  readonly environment?: WorkerEnvironment;
}

/** Wires a worker with its tasks: the composition root of the stream. */
export async function createWorker(setup: WorkerSetup): Promise<Worker> {
  const { config, adapters, clock, stageClock, onPoint } = setup;
  const { log, hotStore, alertBus, objects, catalog } = adapters;
  const environment = setup.environment ?? {
    nonce: randomUUID().slice(0, 8),
    scheduling: eventLoopScheduling,
    retry: retryEnvironment,
  };
  const { nonce, scheduling } = environment;
  const createPipeline = pipelineFactory(setup, nonce);
  const tasks = setup.taskIds.map((taskId) => {
    const outbox = new Outbox({ log, hotStore, alertBus, taskId, paneTopic: PANE_TOPIC });
    return new Task(createPipeline(taskId, outbox), outbox);
  });
  const publisher = createLakePublisher({
    catalog,
    objectStore: objects,
    tables: lakeTables,
    clock,
    onPoint,
    ...environment.retry,
  });
  const checkpoints = new CheckpointStore(objects, nonce, environment.imageCodec);
  return new Worker(tasks, config.worker, {
    log,
    hotStore,
    objects,
    checkpoints,
    publisher,
    clock,
    scheduling,
    stageClock,
    onPoint,
  });
}

/** Makes the pipelines of tasks; `nonce` names the incarnation of their files. */
export function pipelineFactory(
  { config, adapters, models, stopwatch, stageClock }: PipelineSetup,
  nonce: string,
): (taskId: string, outbox: Outbox) => Pipeline {
  const { propensity, sessions, fraud, recommend, outlook } = models;
  const sourceTasks = Array.from({ length: config.partitions }, (_, partition) => eventsTaskId(partition));
  return (taskId, outbox) => {
    if (taskId === INSIGHTS_TASK)
      return createInsightsPipeline(config.insights, { taskId, nonce, sourceTasks, outbox, stageClock });
    return createEventsPipeline(config.events, {
      taskId,
      partition: sourceTasks.indexOf(taskId),
      partitions: config.partitions,
      schemas: adapters.schemas ?? ownSchemas,
      nonce,
      outbox,
      ...propensity,
      sessionScorers: sessions,
      stopwatch,
      fraud,
      recommender: recommend,
      outlook,
      stageClock,
    });
  };
}
