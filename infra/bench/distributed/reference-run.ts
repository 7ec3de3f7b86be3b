import { loadavg } from "node:os";
import { customerEventContract } from "../../../schema/index.ts";
import type { Config } from "../../config/index.ts";
import { committed } from "../../platform/input-ends.ts";
import type { Platform } from "../../platform/platform.ts";
import { environmentOf } from "../../platform/worker-processes.ts";
import { BenchError } from "../bench-error.ts";
import type { BenchOptions } from "../bench-options.ts";
import { childResult } from "../child.ts";
import { sharedClockMs } from "../latency/shared-clock.ts";
import { MemorySampler } from "../memory-sampler.ts";
import { LEFT_OUT } from "../parts.ts";
import { cpuMicrosOf } from "../process-usage.ts";
import type { BareConsumerResult } from "./bare-consumer-process.ts";
import { type BenchServer, BenchStack } from "./bench-stack.ts";
import { fillTopic } from "./fill-topic.ts";
import { type TableTotals, tableTotals } from "./table-totals.ts";
import { type RunningPlatform, unlessAborted, withWorkers } from "./with-workers.ts";

export interface DistributedRun extends TableTotals {
  readonly workers: number;
  readonly events: number;
  /** As `seconds`, of the events alone; behind it the second stage writes what it has of their last minutes. */
  readonly firstStageSeconds: number;
  /** From the moment when the events can be read to the commit of the last offset, behind the last table. */
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** CPU per event in that time: of all workers' processes, and of each server's. */
  readonly cpuMicrosPerEvent: {
    readonly total: number;
    readonly byServer: Readonly<Record<BenchServer, number>>;
  };
  /** Of the worker that took most; peak of its own (anonymous) memory. */
  readonly peakRssBytes: number;
  readonly peakRssBytesByWorker: readonly number[];
  readonly malformed: number;
  /** Of the events as JSON. */
  readonly inputBytes: number;
  readonly bareReader: BareConsumerResult;
  readonly bareKafkajs: BareConsumerResult;
  readonly loadBefore: number;
}

type Work = Pick<
  DistributedRun,
  | "firstStageSeconds"
  | "seconds"
  | "eventsPerSecond"
  | "cpuMicrosPerEvent"
  | "peakRssBytes"
  | "peakRssBytesByWorker"
  | "malformed"
  | "inputBytes"
  | "loadBefore"
> &
  TableTotals;

const DEFAULTS = {
  /** How long the last records wait for the checkpoint that publishes them; while there is a backlog, the setting for backlogs rules. */
  MILLRACE_CHECKPOINT_INTERVAL_MS: "500",
  /** It compiles for seconds, once a process, and would do so just here. */
  MILLRACE_WARM_SPARE: "false",
};

/** One run of the reference job on servers of its own, then of consumers that only count, over the same topic. */
export function referenceRun(
  options: BenchOptions,
  workers: number,
  signal: AbortSignal,
): Promise<DistributedRun> {
  const { events, partitions, parts } = options;
  return BenchStack.use(signal, async (stack) => {
    const config = stack.config({ partitions, workers, leaveOut: LEFT_OUT[parts[0]] }, DEFAULTS);
    const work = await withWorkers(config, signal, (running) => measure(options, stack, running, signal));
    const consumer = (kind: string): Promise<BareConsumerResult> =>
      bareConsumer(kind, { events, malformed: work.malformed, config, signal });
    return {
      workers,
      events,
      ...work,
      bareReader: await consumer("reader"),
      bareKafkajs: await consumer("kafkajs"),
    };
  });
}

async function measure(
  options: BenchOptions,
  stack: BenchStack,
  running: RunningPlatform,
  signal: AbortSignal,
): Promise<Work> {
  const { platform, workers } = running;
  const { events } = options;
  process.stderr.write(`filling customer-events with ${events.toLocaleString("en")} events\n`);
  const topic = await fillTopic(platform.config, options, signal);
  for (let i = 0; i < platform.config.workers; i++) running.startWorker();
  await running.settled();
  const loadBefore = round(loadavg()[0], 2);
  process.stderr.write(`running the pipeline, worker processes: ${workers.length}\n`);
  const samplers = workers.map(({ pid }) => new MemorySampler(pid));
  const cpuOfWorkers = () => workers.map(({ pid }) => cpuMicrosOf(pid) ?? Number.NaN);
  const before = { workers: cpuOfWorkers(), servers: stack.cpuMicros() };
  const start = await topic.release();
  const ended = workers.map(failed);
  const since = (): number => (sharedClockMs() - start) / 1000;
  await unlessAborted(signal, Promise.race([firstStagePublished(platform), ...ended]));
  const firstStageSeconds = since();
  await unlessAborted(signal, Promise.race([platform.waitUntilProcessed(), ...ended]));
  const seconds = since();
  const after = { workers: cpuOfWorkers(), servers: stack.cpuMicros() };
  const peakRssBytesByWorker = samplers.map((sampler) => sampler.stop());
  const totals = await tableTotals(platform.adapters.catalog);
  assertWhole(totals.rowsByTable, events, topic.malformed);
  const byServer = Object.entries(after.servers).map(([name, micros]) => [
    name,
    round((micros - before.servers[name as BenchServer]) / events),
  ]);
  const workerMicros = after.workers.reduce((sum, micros, i) => sum + micros - before.workers[i], 0);
  return {
    firstStageSeconds: round(firstStageSeconds),
    seconds: round(seconds),
    eventsPerSecond: Math.round(events / seconds),
    cpuMicrosPerEvent: { total: round(workerMicros / events), byServer: Object.fromEntries(byServer) },
    peakRssBytes: Math.max(...peakRssBytesByWorker),
    peakRssBytesByWorker,
    malformed: topic.malformed,
    inputBytes: topic.bytes,
    loadBefore,
    ...totals,
  };
}

/** Resolves when the offset behind every event is committed, which is when its tables are. */
async function firstStagePublished({ log, config }: Platform): Promise<void> {
  const topic = customerEventContract.topic;
  const ends = Array.from({ length: config.partitions }, async (_, partition) => {
    const { end } = await log.offsets(topic, partition);
    return { topic, partition, offset: end };
  });
  await committed(log, config.kafkaGroup, await Promise.all(ends));
}

async function failed({ ended, pid }: RunningPlatform["workers"][number]): Promise<never> {
  await ended;
  throw new BenchError(`worker ${pid} ended before everything was processed; its message is above`);
}

/** A fast run that lost or doubled something is worth nothing. */
function assertWhole(rows: TableTotals["rowsByTable"], events: number, malformed: number): void {
  const good = rows["bronze.customer_events"] ?? 0;
  const refused = rows["bronze.dead_letters"] ?? 0;
  if (good === events - malformed && refused === malformed && rows["silver.events"] === good) return;
  throw new BenchError(
    `the lake does not hold every event once: ${good} of ${events - malformed} in bronze, ${rows["silver.events"]} in silver, ${refused} of ${malformed} dead letters`,
  );
}

async function bareConsumer(
  kind: string,
  run: {
    readonly events: number;
    readonly malformed: number;
    readonly config: Config;
    readonly signal: AbortSignal;
  },
): Promise<BareConsumerResult> {
  process.stderr.write(`counting bytes by ${kind}\n`);
  const args = [kind, String(run.events)];
  const name = "distributed/bare-consumer-process";
  const result = await childResult<BareConsumerResult>(name, args, run.signal, environmentOf(run.config));
  if (result.events !== run.events)
    throw new BenchError(`the bare consumer (${kind}) counted ${result.events} of ${run.events} events`);
  return result;
}

function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}
