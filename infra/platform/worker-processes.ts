import { type ChildProcess, fork } from "node:child_process";
import { MillraceError } from "../../schema/index.ts";
import { type Config, environmentName, type SettingKey, settings } from "../config/index.ts";
import type { PlatformLogger, RunnerReports } from "./pipeline-runner.ts";

const RESTART_DELAY_MS = 500;
const RESTART_DELAY_MS_MAX = 30_000;
/** A worker that ends so often in a row is not worth waiting for; started again it is all the same. */
const START_FAILURES_MAX = 3;
/** A process that ran this long has proved itself: the next delay is the first again. */
const HEALTHY_MS = 60_000;
/** Beyond the time that it gives its tasks: after it the process is killed, and recovery does the rest. */
const STOP_MARGIN_MS = 6_000;
/** An end that takes longer is told of. */
const TELL_OF_WAIT_MS = 2_000;

/** What a worker process tells the one that started it. */
export type FromWorkerProcess = { readonly type: "ready" };

/** How a start ends; without effect once it has. */
interface Start {
  readonly ready: () => void;
  readonly failed: (error: Error) => void;
}

interface Slot {
  readonly index: number;
  child: ChildProcess | null;
  startedAt: number;
  failures: number;
  ended: Promise<void>;
}

/** Runs worker processes of the consumer group beside this one, and starts again those that end. */
export class WorkerProcesses {
  private readonly config: Config;
  private readonly logger: PlatformLogger;
  private readonly metrics: RunnerReports["metrics"];
  private readonly clock: () => number;
  private readonly slots: Slot[];
  private stopping = false;

  constructor(config: Config, { logger, metrics }: RunnerReports, clock: () => number) {
    this.config = config;
    this.logger = logger;
    this.metrics = metrics;
    this.clock = clock;
    this.slots = Array.from({ length: config.workers }, (_, index) => ({
      index,
      child: null,
      startedAt: 0,
      failures: 0,
      ended: Promise.resolve(),
    }));
  }

  /** Resolves when each has restored its first tasks. Rejects where one ends before that again and again. */
  async start(): Promise<void> {
    await Promise.all(
      this.slots.map((slot) => new Promise<void>((ready, failed) => this.launch(slot, { ready, failed }))),
    );
  }

  /** Process ids of the workers that run now. */
  pids(): number[] {
    return this.slots.flatMap(({ child }) => child?.pid ?? []);
  }

  /** Asks each for a last checkpoint and waits for its end. */
  async stop(): Promise<void> {
    this.stopping = true;
    const msMax = this.config.stopWithinMs + STOP_MARGIN_MS;
    const telling = setTimeout(() => {
      const message = `waits for the worker processes' last checkpoints, ${msMax / 1000} s in all at most; another signal ends it at once`;
      this.logger.info({ pids: this.pids() }, message);
    }, TELL_OF_WAIT_MS);
    await Promise.all(
      this.slots.map(async ({ child, ended }) => {
        child?.kill("SIGTERM");
        const timer = setTimeout(() => child?.kill("SIGKILL"), msMax);
        await ended;
        clearTimeout(timer);
      }),
    );
    clearTimeout(telling);
  }

  private launch(slot: Slot, start: Start): void {
    slot.startedAt = this.clock();
    const entry = new URL(
      import.meta.url.endsWith(".ts") ? "./worker-process.ts" : "./worker-process.js",
      import.meta.url,
    );
    const child = fork(entry, { env: { ...process.env, ...environmentOf(this.config) }, execArgv: [] });
    slot.child = child;
    child.on("message", (message: FromWorkerProcess) => {
      if (message.type === "ready") start.ready();
    });
    child.on("error", (err) => this.logger.error({ err, worker: slot.index }, "a worker process failed"));
    slot.ended = new Promise((resolve) => {
      child.on("exit", (code, signal) => {
        slot.child = null;
        if (!this.stopping) this.launchLater(slot, signal ?? `exit code ${code}`, start);
        else start.ready();
        resolve();
      });
    });
  }

  private launchLater(slot: Slot, reason: string, start: Start): void {
    this.metrics.workerProcessEnded();
    slot.failures = this.clock() - slot.startedAt > HEALTHY_MS ? 1 : slot.failures + 1;
    if (slot.failures > START_FAILURES_MAX) start.failed(neverStarted(slot, reason));
    const delayMs = Math.min(RESTART_DELAY_MS * 2 ** (slot.failures - 1), RESTART_DELAY_MS_MAX);
    this.logger.error(
      { worker: slot.index, delayMs },
      `a worker process ended (${reason}); it is started again`,
    );
    setTimeout(() => {
      if (this.stopping) start.ready();
      else this.launch(slot, start);
    }, delayMs).unref();
  }
}

function neverStarted(slot: Slot, reason: string): MillraceError {
  return new MillraceError(
    `worker process ${slot.index} ended ${slot.failures} times in a row (${reason}); its log says why`,
    { code: "worker-failed", origin: "internal" },
  );
}

/** The whole configuration as variables: secrets stay out of the command line, which others may read. */
export function environmentOf(config: Config): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const key of Object.keys(settings) as SettingKey[])
    variables[environmentName(key)] = String(config[key]);
  return variables;
}
