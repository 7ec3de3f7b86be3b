import { parentPort, threadId, workerData } from "node:worker_threads";
import { MillraceError } from "../../schema/index.ts";
import { CpuStageClock, eventLoopScheduling, noStageClock, type Worker } from "../../stream/index.ts";
import { openAdapters } from "./adapters.ts";
import { crashPoint } from "./crash-point.ts";
import type { FromWorker, ToWorker, WorkerThreadStart } from "./messages.ts";
import { StepClock } from "./step-times.ts";
import { openStreamModels, refreshModels } from "./stream-models.ts";
import { createWorker } from "./worker-setup.ts";

const STATUS_EVERY_MS = 500;

const port = parentPort;
if (port === null) throw new Error(`worker-thread runs on a worker thread only, not on thread ${threadId}`);
const { config, taskIds, askedAt } = workerData as WorkerThreadStart;
const steps = new StepClock(Date.now, askedAt);
steps.done("thread started");
const send = (message: FromWorker): void => port.postMessage(message);
/** A worker process has nobody to ask it: others know its tasks by their checkpoints and offsets. */
const isAsked = config.settings.mode === "embedded";

const warn = (message: string): void => send({ type: "warning", message });
const adapters = await openAdapters(config.settings, Date.now, { warn, logWritesOn: "thread" });
/** Statuses on their way, one after another: the adapters that they read stay open until they are sent. */
let statuses: Promise<void> = Promise.resolve();
const stageClock = config.measureStages ? new CpuStageClock(threadCpuMicros) : noStageClock;

let stopRefreshing = (): void => undefined;

try {
  steps.done("adapters opened");
  const models = await openStreamModels({ adapters, clock: Date.now, warn });
  steps.done("models loaded");
  stopRefreshing = refreshModels(models, config.settings.modelRefreshMs, eventLoopScheduling);
  const worker = await createWorker({
    config,
    taskIds,
    adapters,
    models,
    clock: Date.now,
    stopwatch: () => performance.now(),
    stageClock,
    onPoint: crashPoint(process.env.MILLRACE_CRASH_AT),
  });
  await worker.open((step) => steps.done(step));
  stageClock.lap("start-up");
  send({ type: "ready", ms: steps.times });
  const timer = isAsked ? setInterval(() => void queueStatus(worker), STATUS_EVERY_MS) : undefined;
  port.on("message", (message: ToWorker) => {
    if (message.type === "stop") worker.stop();
    else {
      void worker
        .drained(message.ends)
        .then(() => queueStatus(worker))
        .then(() => send({ type: "drained", id: message.id }));
    }
  });
  try {
    await worker.run();
  } finally {
    clearInterval(timer);
  }
  if (isAsked) await sendStatus(worker, "stopped");
} catch (error) {
  send({ type: "failed", ...failureOf(error) });
} finally {
  stopRefreshing();
  await statuses;
  await adapters.close();
  port.close();
}

/** What is known is told by its message; of a bug, the place helps too. */
function failureOf(error: unknown): { code: string; message: string; retry: boolean } {
  if (error instanceof MillraceError) {
    const { code, message, retry } = error;
    return { code, message, retry };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "unexpected", message, retry: false };
}

/** Never rejects: work goes on where its status cannot be told. */
function queueStatus(worker: Worker): Promise<void> {
  statuses = statuses
    .then(() => sendStatus(worker, "running"))
    .catch((error: unknown) =>
      send({ type: "warning", message: `the worker's status is not known: ${error}` }),
    );
  return statuses;
}

async function sendStatus(worker: Worker, state: "running" | "stopped"): Promise<void> {
  const ends = new Map<string, number>();
  for (const { inputs } of worker.status(ends, state)) {
    for (const { topic, partition } of inputs) {
      ends.set(`${topic}/${partition}`, (await adapters.log.offsets(topic, partition)).end);
    }
  }
  const figures =
    stageClock instanceof CpuStageClock
      ? { cpuMicros: Object.fromEntries(stageClock.microsByStage), stateBytes: worker.stateBytes() }
      : { cpuMicros: {}, stateBytes: {} };
  send({ type: "status", tasks: worker.status(ends, state), figures });
}

function threadCpuMicros(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
