import { Worker as Thread } from "node:worker_threads";
import {
  enterOptimisedCodeByCalls,
  keepWasmCallsGeneral,
  setHeapGrowth,
  WORKER_HEAP,
} from "./engine-settings.ts";
import type { FromWorker, ToWorker, WorkerThreadStart } from "./messages.ts";
import type { PlatformConfig } from "./platform-config.ts";

/** In which tasks that have just begun catch up. */
const START_DELAY_MS = 3_000;
/** Behind a spare that could not be started: a server may be down. */
const RETRY_MS = 60_000;

/** Time that a thread which is closed has to end by itself. */
const CLOSE_MS_MAX = 3_000;

/** Starts the thread of a worker: with work, or as a spare one that is told later. */
export function startWorkerThread(start: WorkerThreadStart, name: string): Thread {
  setHeapGrowth();
  enterOptimisedCodeByCalls();
  keepWasmCallsGeneral();
  const entry = new URL(
    import.meta.url.endsWith(".ts") ? "./worker-thread.ts" : "./worker-thread.js",
    import.meta.url,
  );
  return new Thread(entry, { workerData: start, name, resourceLimits: WORKER_HEAP });
}

export interface SpareThreadEvents {
  readonly onWarm?: () => void;
  /** It has the state of all tasks that it follows. */
  readonly onStandingBy?: (taskIds: readonly string[]) => void;
  readonly onWarning?: (message: string) => void;
  /** It ended with that: the next tasks have a thread that starts from nothing, until another one is warm. */
  readonly onFailure?: (message: string) => void;
}

/**
 * A thread that has opened its adapters, loaded the models and compiled what tasks run, keeps up the state of tasks
 * that others run, and waits for tasks. Starting one from nothing takes a second, and for some more it processes a
 * quarter of what it does later: too long for the tasks of a worker that died.
 */
export class SpareThread {
  private readonly config: PlatformConfig;
  private readonly events: SpareThreadEvents;
  private thread: Thread | null = null;
  /** The newest that was started and has not ended, unless it was taken: also one that failed and closes. */
  private last: Thread | null = null;
  private followed: readonly string[] = [];
  /** Of the thread: whether it is warm, and has the state of all that it follows. */
  private warm = false;
  private standsBy = false;
  private timer: NodeJS.Timeout | null = null;
  private ended: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(config: PlatformConfig, events: SpareThreadEvents = {}) {
    this.config = config;
    this.events = events;
  }

  /** Starts a spare thread, unless there is one. */
  start(): void {
    if (this.closed || this.thread !== null) return;
    const thread = startWorkerThread({ config: this.config, work: null }, "spare");
    this.thread = this.last = thread;
    this.warm = this.standsBy = false;
    this.sendFollowed();
    thread.on("message", (message: FromWorker) => {
      if (message.type === "failed") this.forget(thread);
      this.note(message);
    });
    thread.on("error", ({ message }: Error) => {
      this.forget(thread);
      this.events.onFailure?.(message);
    });
    this.ended = new Promise((resolve) => {
      thread.on("exit", () => {
        this.forget(thread);
        if (this.last === thread) this.last = null;
        this.startSoon(RETRY_MS);
        resolve();
      });
    });
  }

  /** Whether there is a thread that is not warm yet. */
  get isWarmingUp(): boolean {
    return this.thread !== null && !this.warm;
  }

  /** Whether there is a thread that is not warm yet, or has not the state of all that it follows. */
  get isGettingReady(): boolean {
    return this.isWarmingUp || (this.thread !== null && this.followed.length > 0 && !this.standsBy);
  }

  /** Starts one when what runs has had a moment of its own; also where one that failed waits for longer. */
  startSoon(delayMs: number = START_DELAY_MS): void {
    if (this.closed || this.thread !== null) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.start();
    }, delayMs);
    this.timer.unref();
  }

  /** Has it keep up the state of these tasks, which others run: those may be its own next. */
  follow(taskIds: readonly string[]): void {
    if (String(taskIds) === String(this.followed)) return;
    this.followed = taskIds;
    this.standsBy = false;
    this.sendFollowed();
  }

  /** The thread, warm or still warming, with nobody listening; whoever takes it tells it to begin. Null where there is none. */
  take(): Thread | null {
    const { thread } = this;
    if (thread === null) return null;
    this.thread = this.last = null;
    this.ended = Promise.resolve();
    // These alone: Node has listeners of its own.
    for (const event of ["message", "error", "exit"]) thread.removeAllListeners(event);
    return thread;
  }

  /** Resolves when the thread has ended. It owns nothing: one that waits for a server is ended at that. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    const { last: thread } = this;
    thread?.postMessage({ type: "stop" } satisfies ToWorker);
    const timer = setTimeout(() => void thread?.terminate(), CLOSE_MS_MAX);
    await this.ended;
    clearTimeout(timer);
  }

  /** Of one that failed: it closes what it had opened, which takes a while where servers are down, and nobody may take it any more. */
  private forget(thread: Thread): void {
    if (this.thread === thread) this.thread = null;
  }

  private note(message: FromWorker): void {
    if (message.type === "failed") this.events.onFailure?.(message.message);
    if (message.type === "warning") this.events.onWarning?.(message.message);
    if (message.type === "warm") {
      this.warm = true;
      this.events.onWarm?.();
    }
    if (message.type === "stands-by") {
      // It may have been told of others meanwhile.
      this.standsBy = this.followed.every((taskId) => message.taskIds.includes(taskId));
      this.events.onStandingBy?.(message.taskIds);
    }
  }

  private sendFollowed(): void {
    this.thread?.postMessage({ type: "follow", taskIds: this.followed } satisfies ToWorker);
  }
}
