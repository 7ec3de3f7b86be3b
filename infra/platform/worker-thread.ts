import { type MessagePort, parentPort, threadId, workerData } from "node:worker_threads";
import { MillraceError } from "../../schema/index.ts";
import {
  CpuStageClock,
  eventLoopScheduling,
  noStageClock,
  type StandbyTasks,
  type Worker,
  WorkTally,
} from "../../stream/index.ts";
import { openAdapters } from "./adapters.ts";
import { crashPoint } from "./crash-point.ts";
import { Inbox } from "./inbox.ts";
import { type FromWorker, type ToWorker, WORK_REPORT_MS, type WorkerThreadStart } from "./messages.ts";
import { SpareWork } from "./spare-work.ts";
import { StepClock } from "./step-times.ts";
import { openStreamModels, refreshModels } from "./stream-models.ts";
import { createWorker, type TaskSetup } from "./worker-setup.ts";

const STATUS_EVERY_MS = 500;

const port = ownPort();
const inbox = new Inbox<ToWorker>();
port.on("message", inbox.put);
const { config, work: firstWork } = workerData as WorkerThreadStart;
let steps = new StepClock(Date.now, firstWork?.askedAt ?? Date.now());
steps.done("thread started");
const send = (message: FromWorker): void => port.postMessage(message);
/** A worker process has nobody to ask it: others know its tasks by their checkpoints and offsets. */
const isAsked = config.settings.mode === "embedded";

const warn = (message: string): void => send({ type: "warning", message });
const adapters = await openAdapters(config.settings, Date.now, { warn, logWritesOn: "thread" });
// While state is restored, or ahead of it. Where it fails, the first alert tries it again.
adapters.alertBus.prepare?.().catch(() => undefined);
/** Statuses on their way, one after another: the adapters that they read stay open until they are sent. */
let statuses: Promise<void> = Promise.resolve();
const tally = new WorkTally();
const stageClock = config.measureStages ? new CpuStageClock(threadCpuMicros) : noStageClock;

let stopRefreshing = (): void => undefined;

try {
  steps.done("adapters opened");
  const models = await openStreamModels({ adapters, clock: Date.now, warn });
  steps.done("models loaded");
  stopRefreshing = refreshModels(models, config.settings.modelRefreshMs, eventLoopScheduling);
  const stopwatch = (): number => performance.now();
  const setup = { config, adapters, models, stopwatch, stageClock, tally, warn };
  if (firstWork !== null) await runTasks(firstWork.taskIds, setup);
  else await spareUntilAsked(setup);
} catch (error) {
  send({ type: "failed", ...failureOf(error) });
} finally {
  stopRefreshing();
  await statuses;
  await adapters.close();
  port.close();
}

function ownPort(): MessagePort {
  if (parentPort !== null) return parentPort;
  throw new Error(`worker-thread runs on a worker thread only, not on thread ${threadId}`);
}

/** Runs what it is given, if it is not asked to stop before. */
async function spareUntilAsked(setup: TaskSetup): Promise<void> {
  const spare = new SpareWork({ ...setup, adapters, send });
  inbox.receiveAll((message) => {
    if (spare.take(message)) inbox.hold();
  });
  const work = await spare.untilAsked();
  if (work === null) return;
  steps = new StepClock(Date.now, work.askedAt);
  steps.done("spare thread taken");
  await runTasks(work.taskIds, setup, spare.standby);
}

async function runTasks(taskIds: readonly string[], setup: TaskSetup, standby?: StandbyTasks): Promise<void> {
  const worker = await createWorker({
    ...setup,
    adapters,
    taskIds,
    standby,
    clock: Date.now,
    onPoint: crashPoint(process.env.MILLRACE_CRASH_AT),
  });
  // What it has of others' is not needed here any more.
  standby?.follow([]);
  await worker.open((step) => steps.done(step));
  stageClock.lap("start-up");
  send({ type: "ready", ms: steps.times });
  worker.whenCaughtUp(() => send({ type: "caught-up" }));
  const timer = isAsked ? setInterval(() => void queueStatus(worker), STATUS_EVERY_MS) : undefined;
  const stopReporting = reportWork(worker);
  inbox.receiveAll((message) => {
    if (message.type === "stop") worker.stop();
    else if (message.type === "give-way") worker.giveWay(message.until);
    else if (message.type === "drain") {
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
    stopReporting();
  }
  if (isAsked) await sendStatus(worker, "stopped");
}

/** Tells what was done, every second and (what it returns) at the end. */
function reportWork(worker: Worker): () => void {
  let toldAt = performance.now();
  let loopUse = performance.eventLoopUtilization();
  const tell = (): void => {
    const now = performance.now();
    const use = performance.eventLoopUtilization();
    const busy = performance.eventLoopUtilization(use, loopUse).utilization;
    const delayMs = Math.max(0, now - toldAt - WORK_REPORT_MS);
    [toldAt, loopUse] = [now, use];
    send({ type: "work", report: worker.takeWork(), load: { busy, delayMs } });
  };
  const timer = setInterval(tell, WORK_REPORT_MS);
  return () => {
    clearInterval(timer);
    tell();
  };
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
