import type { Config } from "../../config/index.ts";
import { Platform, type PlatformLogger } from "../../platform/platform.ts";
import type { BenchOptions } from "../bench-options.ts";
import { LEFT_OUT } from "../parts.ts";
import { BenchStack } from "./bench-stack.ts";
import { BenchWorker, untilSettled } from "./bench-worker.ts";

const tell = (fields: object, message: string): void =>
  void process.stderr.write(
    `${message} ${JSON.stringify(fields, (_, value) => (value instanceof Error ? value.message : value))}\n`,
  );
const logger: PlatformLogger = { info: () => undefined, warn: tell, error: tell };

export interface RunningPlatform {
  readonly platform: Platform;
  readonly workers: BenchWorker[];
  /** Starts one more worker process. */
  startWorker(): BenchWorker;
  /** Resolves when every live worker has its share and none moves. */
  settled(): Promise<void>;
}

/** Opens the platform, and runs the body with no worker yet; ends those that it started. */
export async function withWorkers<T>(
  config: Config,
  signal: AbortSignal,
  body: (running: RunningPlatform) => Promise<T>,
): Promise<T> {
  const platform = await Platform.open(config, logger);
  const workers: BenchWorker[] = [];
  const live = (): BenchWorker[] => workers.filter(({ wasEnded }) => !wasEnded);
  try {
    const result = await body({
      platform,
      workers,
      startWorker() {
        const worker = new BenchWorker(config, signal);
        workers.push(worker);
        return worker;
      },
      settled: () => untilSettled(live(), config, platform.adapters, signal),
    });
    await Promise.all(live().map((worker) => worker.end("SIGTERM")));
    return result;
  } finally {
    // After a failure nobody needs a last checkpoint.
    await Promise.all(live().map((worker) => worker.end("SIGKILL")));
    await platform.close();
  }
}

/**
 * As {@link withWorkers}, on servers of its own and with the workers that the options ask for at work;
 * `defaults` are settings that the environment need not have.
 */
export function withSettledWorkers<T>(
  { partitions, workers, parts }: BenchOptions,
  signal: AbortSignal,
  body: (running: RunningPlatform) => Promise<T>,
  defaults: Readonly<Record<string, string>> = {},
): Promise<T> {
  return BenchStack.use(signal, (stack) => {
    const config = stack.config({ partitions, workers: workers[0], leaveOut: LEFT_OUT[parts[0]] }, defaults);
    return withWorkers(config, signal, async (running) => {
      for (let i = 0; i < config.workers; i++) running.startWorker();
      await running.settled();
      return body(running);
    });
  });
}

/** Rejects when the signal is aborted: for what cannot be called off itself. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
