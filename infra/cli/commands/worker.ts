import type { Command } from "commander";
import { MillraceError } from "../../../schema/index.ts";
import { WorkMetrics } from "../../monitoring/work-metrics.ts";
import { WorkerEndpoint } from "../../monitoring/worker-endpoint.ts";
import { GroupWorker } from "../../platform/group-worker.ts";
import { type CliIo, createLogger, onInterrupt, openUnlessInterrupted } from "../cli-io.ts";
import { configOf, withSettings } from "../settings-options.ts";

export function registerWorker(program: Command, io: CliIo): void {
  withSettings(program.command("worker"), [
    "kafkaBrokers",
    "kafkaGroup",
    "kafkaSessionTimeoutMs",
    "workerPort",
  ])
    .description("run one worker of the distributed mode: it takes its share of the tasks")
    .addHelpText(
      "after",
      `
Example:
  $ millrace worker --mode distributed

Start as many as there is work for, on as many machines; at most one a partition gets tasks. One that
is added or ends moves tasks with their state. Ends in order at Ctrl-C or SIGTERM, with a last
checkpoint; exit code 1 where it cannot go on: start it again then. Its metrics and readiness are at
/metrics and /ready of the first free port from --worker-port on, as its log tells.`,
    )
    .action((options: Record<string, unknown>) => work(options, io));
}

async function work(options: Record<string, unknown>, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  if (config.mode !== "distributed") {
    throw new MillraceError(
      "millrace worker is for the distributed mode: add --mode distributed; the embedded mode runs its workers itself",
      { code: "config-invalid", origin: "user" },
    );
  }
  const interruption = onInterrupt();
  const logger = createLogger(config, io);
  const metrics = new WorkMetrics();
  try {
    await using endpoint = await WorkerEndpoint.open(config, logger, metrics);
    const opening = GroupWorker.open(config, logger, metrics);
    const worker = await openUnlessInterrupted(opening, interruption, io);
    endpoint.watch(worker);
    void interruption.received.then(() => worker.stop());
    let told = false;
    await worker.run(() => {
      if (!told) io.err("the worker runs; Ctrl-C stops it after a last checkpoint\n");
      told = true;
    });
  } finally {
    interruption.dispose();
  }
}
