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
  StandbyTasks,
  type StandbyTasksDeps,
  Task,
  Worker,
  WorkTally,
} from "../../stream/index.ts";
import { type Adapters, retryEnvironment } from "./adapters.ts";
import { lakeTables } from "./lake-tables.ts";
import type { PlatformConfig } from "./platform-config.ts";
import { fileNonce } from "./publish-sinks.ts";
import type { StreamModels } from "./stream-models.ts";
import { eventsTaskId, INSIGHTS_TASK, PANE_TOPIC } from "./topics.ts";
import { warnOfNewTable } from "./warn-of-new-table.ts";

/** Order and chance, which a simulation decides itself. */
export interface WorkerEnvironment {
  /** A new incarnation's, see {@link fileNonce}: its files and state images never share a key with an earlier one's. */
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
  /** Where the work is counted; by default nobody asks. */
  readonly tally?: WorkTally | undefined;
}

/** What tasks are made of. */
export interface TaskSetup extends PipelineSetup {
  readonly adapters: Pick<Adapters, "log" | "hotStore" | "alertBus"> & Partial<Pick<Adapters, "schemas">>;
  /** Hears of input that is skipped, and of what failed and nothing waits for; by default nobody does. */
  readonly warn?: (message: string) => void;
}

/** What tasks of others are followed with. */
export interface StandbySetup extends TaskSetup {
  readonly adapters: TaskSetup["adapters"] & Pick<Adapters, "objects">;
  /** By default the process's own. */
  readonly environment?: Pick<WorkerEnvironment, "nonce" | "imageCodec">;
}

export interface WorkerSetup extends TaskSetup {
  readonly taskIds: readonly string[];
  readonly adapters: TaskSetup["adapters"] & Pick<Adapters, "objects" | "catalog">;
  /** Of the tasks, those that it has are taken from it. */
  readonly standby?: Pick<StandbyTasks, "take"> | undefined;
  readonly clock: () => number;
  readonly onPoint: (point: string) => void;
  /** By default the process's own. */
  readonly environment?: WorkerEnvironment;
}

/** Wires a worker with its tasks: the composition root of the stream. */
export async function createWorker(setup: WorkerSetup): Promise<Worker> {
  const { config, adapters, clock, stageClock, onPoint, standby } = setup;
  const tally = setup.tally ?? new WorkTally();
  const { log, hotStore, objects, catalog } = adapters;
  const environment = setup.environment ?? {
    nonce: fileNonce(),
    scheduling: eventLoopScheduling,
    retry: retryEnvironment,
  };
  const { nonce, scheduling } = environment;
  const createTask = taskFactory({ ...setup, tally }, nonce);
  const tasks = setup.taskIds.map((taskId) => standby?.take(taskId) ?? createTask(taskId));
  const publisher = createLakePublisher({
    catalog,
    objectStore: objects,
    tables: lakeTables,
    clock,
    onPoint,
    onRetry: (table, code) => tally.add("publishRetries", [table, code], 1),
    // All were there when the platform was opened.
    ...(setup.warn && { onCreated: warnOfNewTable(setup.warn) }),
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
    tally,
    onPoint,
    warn: setup.warn ?? (() => undefined),
  });
}

/** Wires tasks that others run, to be followed; the worker that takes some of them up has the same set-up. */
export function createStandbyTasks(
  setup: StandbySetup,
  hooks: Pick<StandbyTasksDeps, "rest" | "onReady" | "onProblem">,
): StandbyTasks {
  const { nonce, imageCodec } = setup.environment ?? { nonce: fileNonce() };
  return new StandbyTasks({
    ...hooks,
    createTask: taskFactory(setup, nonce),
    checkpoints: new CheckpointStore(setup.adapters.objects, nonce, imageCodec),
  });
}

/** Makes tasks without state; `nonce` names the incarnation of their files. */
function taskFactory(setup: TaskSetup, nonce: string): (taskId: string) => Task {
  const { tally } = setup;
  const { log, hotStore, alertBus } = setup.adapters;
  const createPipeline = pipelineFactory(setup, nonce);
  const onSkipped = setup.warn ?? (() => undefined);
  return (taskId) => {
    const outbox = new Outbox({ log, hotStore, alertBus, taskId, paneTopic: PANE_TOPIC, tally });
    const lostInput = { action: setup.config.lostInput, onSkipped };
    return new Task(createPipeline(taskId, outbox), outbox, lostInput);
  };
}

/** Makes the pipelines of tasks; `nonce` names the incarnation of their files. */
export function pipelineFactory(
  { config, adapters, models, stopwatch, stageClock, tally }: PipelineSetup,
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
      tally,
    });
  };
}
