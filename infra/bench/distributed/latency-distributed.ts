import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { environmentOf } from "../../platform/worker-processes.ts";
import { BenchError } from "../bench-error.ts";
import type { BenchOptions } from "../bench-options.ts";
import { childMessages, startChild } from "../child.ts";
import { type LatencyRun, latencyRun } from "../latency/latency-run.ts";
import { AlertSubscriber } from "./alert-subscriber.ts";
import type { TailMessage } from "./bare-tail-process.ts";
import { LiveLoad } from "./live-load.ts";
import { type RunningPlatform, unlessAborted, withSettledWorkers } from "./with-workers.ts";

const TAIL = "distributed/bare-tail-process";
/** Time for the subscription's first request to have reached the broker. */
const SUBSCRIBED_MS = 1000;
/** Time after the last append in which its alert may still come. */
const REST_MS = 2000;

/**
 * From the producer's append call over Kafka and a worker to a subscriber of the alert bus, beside a
 * bare reader of the probes' topic. Producer, worker, bare reader and subscriber are processes.
 */
export function latencyDistributed(options: BenchOptions, signal: AbortSignal): Promise<LatencyRun> {
  return withSettledWorkers(options, signal, (running) => measure(options, running, signal));
}

async function measure(
  options: BenchOptions,
  running: RunningPlatform,
  signal: AbortSignal,
): Promise<LatencyRun> {
  const { config, alertBus } = running.platform;
  const { partitions, seed, rate, probesPerSecond, seconds, warmUpSeconds } = options;
  const tail = startChild(TAIL, [], signal, environmentOf(config));
  const next = childMessages<TailMessage>(TAIL, tail);
  await next();
  const subscriber = new AlertSubscriber(alertBus);
  await sleep(SUBSCRIBED_MS, undefined, { signal });
  const loadBefore = loadavg()[0];
  const totalSeconds = warmUpSeconds + seconds;
  const load = new LiveLoad(
    config,
    { partitions, seed, eventsPerSecond: rate, probesPerSecond, seconds: totalSeconds },
    signal,
  );
  const produced = await unlessAborted(signal, load.ended);
  await sleep(REST_MS, undefined, { signal });
  tail.send("stop");
  const seen = await next();
  if (seen.type !== "ended") throw new BenchError("the bare reader measured nothing");
  await subscriber.close();
  const measured = { ...produced, sentAt: load.sentAt, seenAt: seen.seenAt };
  return latencyRun(measured, subscriber.receivedAt, { warmUpMs: warmUpSeconds * 1000, loadBefore });
}
