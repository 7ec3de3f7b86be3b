import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../config/index.ts";
import type { Adapters } from "../../platform/adapters.ts";
import { environmentOf } from "../../platform/worker-processes.ts";
import { BenchError } from "../bench-error.ts";
import { startChild } from "../child.ts";
import { sharedClockMs } from "../latency/shared-clock.ts";
import { WorkerLog } from "./worker-log.ts";

const WORKER = "../platform/worker-process";
/** A group in which no share of the tasks was taken up for so long has come to rest. */
const REST_MS = 3000;
const SETTLE_MS_MAX = 180_000;
const POLL_MS = 100;

/** A worker process as `millrace up` starts it, which may be killed. */
export class BenchWorker {
  readonly pid: number;
  /** When it last told that it has restored its share; null before the first. */
  readyAt: number | null = null;
  alive = true;
  /** Whether {@link end} was called: its end is no failure. */
  wasEnded = false;
  readonly log: WorkerLog;
  private readonly child: ChildProcess;
  /** Resolves when the process is gone. */
  readonly ended: Promise<unknown>;

  constructor(config: Config, signal: AbortSignal) {
    this.child = startChild(WORKER, [], signal, environmentOf(config), "pipe");
    this.log = new WorkerLog(this.child.stderr as Readable);
    this.pid = this.child.pid ?? -1;
    this.child.on("message", () => {
      this.readyAt = sharedClockMs();
    });
    this.ended = once(this.child, "exit").then(() => {
      this.alive = false;
    });
  }

  /** Sends the signal and waits for the end. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.wasEnded = true;
    this.child.kill(signal);
    await this.ended;
  }
}

/** Resolves when all of them have their shares of the tasks, and no share moves any more. */
export async function untilSettled(
  workers: readonly BenchWorker[],
  config: Config,
  adapters: Adapters,
  signal: AbortSignal,
): Promise<void> {
  const giveUpAt = sharedClockMs() + SETTLE_MS_MAX;
  for (;;) {
    await sleep(POLL_MS, undefined, { signal });
    if (workers.some(({ alive }) => !alive)) throw new BenchError("a worker ended; its message is above");
    const now = sharedClockMs();
    const atRest = workers.every(({ readyAt }) => readyAt !== null && now - readyAt >= REST_MS);
    if (atRest && (await adapters.ownedPartitions()).length === config.partitions) return;
    if (now > giveUpAt)
      throw new BenchError(`the workers have not shared the tasks after ${SETTLE_MS_MAX / 1000} s`);
  }
}
