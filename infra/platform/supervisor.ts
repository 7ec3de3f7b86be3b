import type { Worker as Thread } from "node:worker_threads";
import { MillraceError } from "../../schema/index.ts";
import type { PipelineStatus, TaskStatus, WorkReport } from "../../stream/index.ts";
import type { InputEnd } from "./input-ends.ts";
import {
  type FromWorker,
  type ThreadLoad,
  type ToWorker,
  WORK_REPORT_MS,
  type WorkerThreadData,
} from "./messages.ts";
import type { StageFigures } from "./pipeline-runner.ts";
import { type SpareThread, startWorkerThread } from "./spare-thread.ts";
import type { StepTimes } from "./step-times.ts";

/** Restarts of one worker in a row before the platform gives up; where a server is down, it does not. */
const RESTARTS_MAX = 5;
const RESTART_DELAY_MS = 500;
/** Short, since a server may be back: what talks to it has waited between its own tries. */
const RESTART_DELAY_MS_MAX = 4_000;
/** A worker that ran this long has proved itself: its restarts count from zero again. */
const HEALTHY_MS = 60_000;

export interface SupervisorEvents {
  /** A worker has restored its tasks, and when each step of that was done, ms since its start. */
  readonly onReady?: (worker: number, taskIds: readonly string[], ms: StepTimes) => void;
  /** Since they are restored, no event of the worker's tasks has waited for long any more. */
  readonly onCaughtUp?: (worker: number, taskIds: readonly string[]) => void;
  readonly onWarning: (worker: number, message: string) => void;
  /** What a worker has done since it told last. */
  readonly onWork?: (worker: number, report: WorkReport) => void;
  /** A worker failed and is started again, or (`final`) is not. */
  readonly onFailure: (worker: number, message: string, final: boolean, code: string) => void;
  /** The last checkpoint of a worker failed: nothing is lost, but the next start has to do its work again. */
  readonly onStopFailure: (worker: number, message: string) => void;
}

export interface SupervisorOptions {
  /** Before the first restart in a row; doubles with each further one, to four seconds. */
  readonly restartDelayMs?: number;
  /** Where a thread is taken from, if it has one. */
  readonly spare?: Pick<SpareThread, "take"> | null;
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retry: boolean;
}

interface Slot {
  readonly data: WorkerThreadData;
  thread: Thread | null;
  tasks: readonly TaskStatus[];
  figures: StageFigures;
  /** Of the thread that runs, as it told at that moment; null before it first did. */
  load: (ThreadLoad & { readonly at: number }) | null;
  /** Failures in a row, and those of them that do not pass by themselves. */
  failures: number;
  restarts: number;
  startedAt: number;
  drains: Map<
    number,
    { readonly ends: readonly InputEnd[]; readonly done: () => void; readonly failed: (error: Error) => void }
  >;
  failure: string | null;
  stopped: Promise<void>;
}

/** Runs the workers on threads of this process and starts a failed one again from its checkpoints. */
export class Supervisor implements PipelineStatus {
  private readonly slots: Slot[];
  private readonly events: SupervisorEvents;
  private readonly clock: () => number;
  private readonly restartDelayMs: number;
  private readonly spare: Pick<SpareThread, "take"> | null;
  private nextDrain = 1;
  private stopping = false;

  constructor(
    workers: readonly WorkerThreadData[],
    clock: () => number,
    events: SupervisorEvents,
    { restartDelayMs = RESTART_DELAY_MS, spare = null }: SupervisorOptions = {},
  ) {
    this.events = events;
    this.restartDelayMs = restartDelayMs;
    this.spare = spare;
    this.clock = clock;
    this.slots = workers.map((data) => ({
      data,
      thread: null,
      tasks: data.taskIds.map(startingStatus),
      figures: { cpuMicros: {}, stateBytes: {} },
      load: null,
      failures: 0,
      restarts: 0,
      startedAt: 0,
      drains: new Map(),
      failure: null,
      stopped: Promise.resolve(),
    }));
  }

  /** Resolves when every worker has restored its tasks; rejects when one cannot, or is stopped before. */
  async start(): Promise<void> {
    await Promise.all(this.slots.map((slot) => this.startThread(slot)));
  }

  tasks(): readonly TaskStatus[] {
    return this.slots.flatMap((slot) => slot.tasks);
  }

  /** Over all workers. */
  stageFigures(): StageFigures {
    return {
      cpuMicros: addedUp(this.slots.map(({ figures }) => figures.cpuMicros)),
      stateBytes: addedUp(this.slots.map(({ figures }) => figures.stateBytes)),
    };
  }

  /** How busy each thread is that runs. One that has not told for long is late by all of that. */
  loads(): readonly ThreadLoad[] {
    return this.slots.flatMap(({ load }) => {
      if (load === null) return [];
      const silentMs = this.clock() - load.at - WORK_REPORT_MS;
      return [{ busy: load.busy, delayMs: Math.max(load.delayMs, silentMs) }];
    });
  }

  /** Resolves when every worker has processed, checkpointed and published everything before the ends. */
  async drain(ends: readonly InputEnd[]): Promise<void> {
    await Promise.all(
      this.slots.map(
        (slot) =>
          new Promise<void>((done, failed) => {
            if (slot.failure !== null) return failed(workerGone(slot));
            const id = this.nextDrain++;
            slot.drains.set(id, { ends, done, failed });
            this.send(slot, { type: "drain", id, ends });
          }),
      ),
    );
  }

  /** Lets the workers leave the processor to others of the process, until that moment at most; 0 ends it. */
  giveWay(until: number): void {
    for (const slot of this.slots) this.send(slot, { type: "give-way", until });
  }

  /**
   * Stops every worker after a last checkpoint; a drain that is not done by then rejects. A worker that has none
   * after so long is ended without it, at whatever it does: as where it is killed, nothing is lost.
   */
  async stop(withinMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.stopping = true;
    await Promise.all(
      this.slots.map(async (slot) => {
        this.send(slot, { type: "stop" });
        const isBounded = Number.isFinite(withinMs);
        const timer = isBounded ? setTimeout(() => this.endOverdue(slot, withinMs), withinMs) : undefined;
        await slot.stopped;
        clearTimeout(timer);
        for (const { failed } of slot.drains.values()) failed(workerStopped(slot));
        slot.drains.clear();
      }),
    );
  }

  private endOverdue(slot: Slot, withinMs: number): void {
    if (slot.thread === null) return;
    this.events.onStopFailure(slot.data.workerIndex, `its end took longer than ${withinMs / 1000} s`);
    void slot.thread.terminate();
  }

  private startThread(slot: Slot): Promise<void> {
    slot.startedAt = this.clock();
    const thread = this.takeThread(slot);
    slot.thread = thread;
    return new Promise<void>((ready, failed) => {
      let failure: Failure | null = null;
      thread.on("message", (message: FromWorker) => {
        if (message.type === "ready") ready();
        if (message.type === "failed") failure = message;
        this.note(slot, message);
      });
      thread.on("error", (error: Error) => {
        failure ??= { code: "unexpected", message: error.message, retry: false };
      });
      slot.stopped = new Promise((resolve) => {
        thread.on("exit", (code) => {
          slot.thread = null;
          slot.load = null;
          if (this.stopping && failure !== null)
            this.events.onStopFailure(slot.data.workerIndex, textOf(failure));
          if (this.stopping) {
            failed(workerStopped(slot)); // without effect where it was ready
            return resolve();
          }
          const reason = failure ?? {
            code: "unexpected",
            message: `it ended by itself, with exit code ${code}`,
            retry: true,
          };
          failed(
            new MillraceError(`worker ${slot.data.workerIndex}: ${textOf(reason)}`, {
              code: "worker-failed",
              origin: "internal",
            }),
          );
          this.restart(slot, reason);
          resolve();
        });
      });
    });
  }

  private takeThread({ data, startedAt }: Slot): Thread {
    const { config, taskIds, workerIndex } = data;
    const work = { taskIds, askedAt: startedAt };
    const spare = this.spare?.take() ?? null;
    if (spare === null) return startWorkerThread({ config, work }, `worker-${workerIndex}`);
    spare.postMessage({ type: "begin", work } satisfies ToWorker);
    return spare;
  }

  private restart(slot: Slot, failure: Failure): void {
    if (this.clock() - slot.startedAt > HEALTHY_MS) slot.restarts = slot.failures = 0;
    const reason = textOf(failure);
    const final = !failure.retry && slot.restarts >= RESTARTS_MAX;
    this.events.onFailure(slot.data.workerIndex, reason, final, failure.code);
    slot.tasks = slot.tasks.map((task) => ({
      ...task,
      state: final ? "failed" : "recovering",
      error: reason,
    }));
    if (final) {
      slot.failure = reason;
      for (const { failed } of slot.drains.values()) failed(workerGone(slot));
      slot.drains.clear();
      return;
    }
    if (!failure.retry) slot.restarts += 1;
    slot.failures += 1;
    setTimeout(
      () => {
        if (this.stopping) return;
        this.startThread(slot).then(
          () => {
            for (const [id, { ends }] of slot.drains) this.send(slot, { type: "drain", id, ends });
          },
          () => undefined, // its exit has already asked for the next restart
        );
      },
      Math.min(this.restartDelayMs * 2 ** (slot.failures - 1), RESTART_DELAY_MS_MAX),
    );
  }

  private note(slot: Slot, message: FromWorker): void {
    if (message.type === "status") {
      slot.tasks = message.tasks;
      slot.figures = message.figures;
    }
    if (message.type === "work") {
      slot.load = { ...message.load, at: this.clock() };
      this.events.onWork?.(slot.data.workerIndex, message.report);
    }
    if (message.type === "ready") {
      const { workerIndex, taskIds } = slot.data;
      this.events.onReady?.(workerIndex, taskIds, message.ms);
    }
    if (message.type === "caught-up") this.events.onCaughtUp?.(slot.data.workerIndex, slot.data.taskIds);
    if (message.type === "warning") this.events.onWarning(slot.data.workerIndex, message.message);
    if (message.type === "drained") {
      slot.drains.get(message.id)?.done();
      slot.drains.delete(message.id);
    }
  }

  private send(slot: Slot, message: ToWorker): void {
    slot.thread?.postMessage(message);
  }
}

function addedUp(figures: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [name, figure] of figures.flatMap((some) => Object.entries(some)))
    total[name] = (total[name] ?? 0) + figure;
  return total;
}

function textOf({ message, code }: Failure): string {
  return `${message} (${code})`;
}

function startingStatus(taskId: string): TaskStatus {
  return {
    taskId,
    state: "starting",
    error: null,
    inputs: [],
    watermarkMs: null,
    epoch: 0,
    checkpointedAt: null,
    events: { processed: 0, refused: 0, duplicates: 0, late: 0, tooLate: 0 },
  };
}

function workerStopped(slot: Slot): MillraceError {
  return new MillraceError(
    `worker ${slot.data.workerIndex} was stopped before it was done; start again, it goes on`,
    { code: "worker-stopped", origin: "user" },
  );
}

function workerGone(slot: Slot): MillraceError {
  return new MillraceError(
    `worker ${slot.data.workerIndex} failed ${RESTARTS_MAX + 1} times: ${slot.failure}; see the log, then start again`,
    { code: "worker-failed", origin: "internal" },
  );
}
