import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { partitionOf, SeededRandom } from "../../../stream/index.ts";
import { BenchError } from "../bench-error.ts";
import type { BenchOptions } from "../bench-options.ts";
import { probeUserId } from "../latency/probes.ts";
import { sharedClockMs } from "../latency/shared-clock.ts";
import { AlertSubscriber } from "./alert-subscriber.ts";
import { LiveLoad } from "./live-load.ts";
import { type RunningPlatform, withSettledWorkers } from "./with-workers.ts";

export interface RecoveryRun {
  /** By kill: until events of every partition that were sent after it are processed, seconds. */
  readonly seconds: readonly number[];
  readonly probes: number;
  /** Alerts that never came, and that came twice: always 0, or the platform is broken. */
  readonly lost: number;
  readonly doubled: number;
  readonly sessionTimeoutMs: number;
  readonly eventsPerSecond: number;
  readonly loadBefore: number;
}

/** The moment of a kill lies between so many ms after the group has come to rest, at random. */
const KILL_AFTER_MS_MAX = 5000;
const RECOVERY_MS_MAX = 120_000;
const DRAIN_MS_MAX = 60_000;
const POLL_MS = 5;

/** Kills a worker process at random moments under load; the other workers take over what it had. */
export function recoveryRun(options: BenchOptions, signal: AbortSignal): Promise<RecoveryRun> {
  return withSettledWorkers(options, signal, (running) => measure(options, running, signal));
}

async function measure(
  options: BenchOptions,
  running: RunningPlatform,
  signal: AbortSignal,
): Promise<RecoveryRun> {
  const { config, alertBus } = running.platform;
  const { partitions, seed, rate, probesPerSecond, kills } = options;
  const loadBefore = loadavg()[0];
  const subscriber = new AlertSubscriber(alertBus);
  const endless = Number.MAX_SAFE_INTEGER;
  const load = new LiveLoad(
    config,
    { partitions, seed, eventsPerSecond: rate, probesPerSecond, seconds: endless },
    signal,
  );
  const random = new SeededRandom(seed);
  const watch = { load, subscriber, partitions, signal };
  const seconds: number[] = [];
  await processedSince(sharedClockMs(), watch);
  for (let kill = 1; kill <= kills; kill++) {
    await sleep(random.below(KILL_AFTER_MS_MAX), undefined, { signal });
    const live = running.workers.filter(({ wasEnded }) => !wasEnded);
    const killedAt = sharedClockMs();
    await random.pick(live).end("SIGKILL");
    seconds.push(((await processedSince(killedAt, watch)) - killedAt) / 1000);
    process.stderr.write(`kill ${kill} of ${kills}: ${seconds.at(-1)?.toFixed(2)} s\n`);
    running.startWorker();
    await running.settled();
  }
  const { events, seconds: loadSeconds } = await load.stop();
  await allReceived(watch);
  await subscriber.close();
  const received = subscriber.receivedAt["order-amount"].filter((at) => at !== undefined).length;
  return {
    seconds,
    probes: load.sentAt.length,
    lost: load.sentAt.length - received,
    doubled: subscriber.repeated,
    sessionTimeoutMs: config.kafkaSessionTimeoutMs,
    eventsPerSecond: Math.round(events / loadSeconds),
    loadBefore,
  };
}

interface Watch {
  readonly load: LiveLoad;
  readonly subscriber: AlertSubscriber;
  readonly partitions: number;
  readonly signal: AbortSignal;
}

/** Shared clock at which every partition had answered a probe that was sent after the moment. */
async function processedSince(
  moment: number,
  { load, subscriber, partitions, signal }: Watch,
): Promise<number> {
  const first = load.sentAt.findLastIndex((at) => at <= moment) + 1;
  for (;;) {
    const answeredAt = new Map<number, number>();
    for (let probe = first; probe < load.sentAt.length; probe++) {
      const at = subscriber.receivedAt["order-amount"][probe];
      if (at === undefined || load.sentAt[probe] <= moment) continue;
      const partition = partitionOf(Buffer.from(probeUserId(probe)), partitions);
      answeredAt.set(partition, Math.min(at, answeredAt.get(partition) ?? Number.POSITIVE_INFINITY));
    }
    if (answeredAt.size === partitions) return Math.max(...answeredAt.values());
    if (sharedClockMs() - moment > RECOVERY_MS_MAX)
      throw new BenchError(`the workers process only ${answeredAt.size} of ${partitions} partitions again`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function allReceived({ load, subscriber, signal }: Watch): Promise<void> {
  const giveUpAt = sharedClockMs() + DRAIN_MS_MAX;
  const isOpen = (): boolean =>
    load.sentAt.some((_, probe) => subscriber.receivedAt["order-amount"][probe] === undefined);
  while (isOpen() && sharedClockMs() < giveUpAt) await sleep(100, undefined, { signal });
}
