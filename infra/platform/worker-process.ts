import { pino } from "pino";
import { loadConfig } from "../config/index.ts";
import { WorkMetrics } from "../monitoring/work-metrics.ts";
import { WorkerEndpoint } from "../monitoring/worker-endpoint.ts";
import { GroupWorker } from "./group-worker.ts";
import type { FromWorkerProcess } from "./worker-processes.ts";

/**
 * One worker process that another process started: configured by its environment, it ends in order at
 * SIGTERM and where that process is gone.
 */
const { config } = loadConfig({ environment: process.env, folder: process.cwd() });
const logger = pino({ level: config.logLevel, base: { pid: process.pid } }, pino.destination(2));
const send = (message: FromWorkerProcess): void => void process.send?.(message);

const interrupted = Promise.withResolvers<void>();
process.on("SIGTERM", () => interrupted.resolve());
process.on("disconnect", () => interrupted.resolve());
// Ctrl-C in a terminal goes to the whole group of processes; the one that started this one stops it.
process.on("SIGINT", () => undefined);

const metrics = new WorkMetrics();
try {
  await using endpoint = await WorkerEndpoint.open(config, logger, metrics);
  const worker = await Promise.race([GroupWorker.open(config, logger, metrics), interrupted.promise]);
  // Servers were waited for, and nothing is begun that would have to end.
  if (worker === undefined) process.exit();
  endpoint.watch(worker);
  void interrupted.promise.then(() => worker.stop());
  await worker.run(() => send({ type: "ready" }));
} catch (error) {
  logger.error({ err: error }, error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  if (process.connected) process.disconnect();
}
