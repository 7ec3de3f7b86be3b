import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { SeededRandom } from "../../../stream/index.ts";
import type { StepTimes } from "../../platform/step-times.ts";
import { eventsTaskId } from "../../platform/topics.ts";
import { BenchError } from "../bench-error.ts";
import type { BenchOptions } from "../bench-options.ts";
import { sharedClockMs } from "../latency/shared-clock.ts";
import { AlertSubscriber } from "./alert-subscriber.ts";
import type { BenchWorker } from "./bench-worker.ts";
import { LiveLoad } from "./live-load.ts";
import { recoveryLine } from "./recovery-line.ts";
import { RecoveryWatch } from "./recovery-watch.ts";
import { type RunningPlatform, withSettledWorkers } from "./with-workers.ts";

/** What happened after a kill: seconds since it. */
export interface Recovery {
  /** The group has given what the dead worker had to others. */
  readonly assigned: number;
  /** They have restored the last of it, */
  readonly restored: number;
  /** with these steps done since the last thread that took some up was asked for, ms. */
  readonly stepMs: StepTimes;
  /** The first alert of it came, also of events that the dead worker had left or begun. */
  readonly firstResult: number;
  /** Every partition has processed an event that was sent after the kill: what is held to the budget. */
  readonly recovered: number;
  /** No event has waited for longer than a second any more. */
  readonly caughtUp: number;
}

export interface RecoveryRun {
  readonly kills: readonly Recovery[];
  readonly probes: number;
  /** Alerts that never came, and that came twice: always 0, or the platform is broken. */
  readonly lost: number;
  readonly doubled: number;
  readonly sessionTimeoutMs: number;
  readonly checkpointIntervalMs: number;
  readonly eventsPerSecond: number;
  readonly loadBefore: number;
}

/** The moment of a kill lies between so many ms after the group has come to rest, at random. */
const KILL_AFTER_MS_MAX = 5000;
const SHARED_MS_MAX = 180_000;
const POLL_MS = 100;
/** Workers tell by their logs what they take up, and how long it took. */
const DEFAULTS = { MILLRACE_LOG_LEVEL: "info" };

/** Kills a worker process at random moments under load; the other workers take over what it had. */
export function recoveryRun(options: BenchOptions, signal: AbortSignal): Promise<RecoveryRun> {
  return withSettledWorkers(options, signal, (running) => measure(options, running, signal), DEFAULTS);
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
  const watch = new RecoveryWatch(load, subscriber, partitions, signal);
  const recoveries: Recovery[] = [];
  await watch.processedSince(sharedClockMs());
  for (let kill = 1; kill <= kills; kill++) {
    await sleep(random.below(KILL_AFTER_MS_MAX), undefined, { signal });
    const live = running.workers.filter(({ wasEnded }) => !wasEnded);
    const killed = random.pick(live);
    const recovery = await recoveryFrom(killed, live, { watch, partitions });
    recoveries.push(recovery);
    process.stderr.write(`kill ${kill} of ${kills}: ${recoveryLine(recovery)}\n`);
    running.startWorker();
    await shared(running, signal);
    await running.settled();
  }
  const { events, seconds } = await load.stop();
  await watch.drained();
  await subscriber.close();
  return {
    kills: recoveries,
    probes: load.sentAt.length,
    lost: load.sentAt.length - watch.received,
    doubled: subscriber.repeated,
    sessionTimeoutMs: config.kafkaSessionTimeoutMs,
    checkpointIntervalMs: config.checkpointIntervalMs,
    eventsPerSecond: Math.round(events / seconds),
    loadBefore,
  };
}

/**
 * Resolves when every live worker has tasks: what a worker gives to a new one is its own until the last
 * checkpoint of it is published, and the group looks at rest meanwhile.
 */
async function shared({ workers }: RunningPlatform, signal: AbortSignal): Promise<void> {
  const giveUpAt = sharedClockMs() + SHARED_MS_MAX;
  while (workers.some(({ wasEnded, log }) => !wasEnded && log.share.tasks.length === 0)) {
    if (sharedClockMs() > giveUpAt) throw new BenchError("the new worker gets no tasks");
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function recoveryFrom(
  killed: BenchWorker,
  live: readonly BenchWorker[],
  { watch, partitions }: { readonly watch: RecoveryWatch; readonly partitions: number },
): Promise<Recovery> {
  const { tasks } = killed.log.share;
  const orphaned = Array.from({ length: partitions }, (_, partition) => partition).filter((partition) =>
    tasks.includes(eventsTaskId(partition)),
  );
  const killedAt = sharedClockMs();
  await killed.end("SIGKILL");
  const recoveredAt = await watch.processedSince(killedAt);
  const caughtUpAt = await watch.caughtUp(killedAt);
  const heirs = live.filter((worker) => worker !== killed && worker.log.share.at > killedAt);
  const tookUp = heirs
    .flatMap(({ log }) => log.tookUp)
    .filter((begun) => begun.at > killedAt && begun.tasks.some((task) => tasks.includes(task)))
    .sort((a, b) => a.at - b.at);
  const last = tookUp.at(-1);
  if (last === undefined) throw new BenchError("no worker tells by its log that it took up the tasks");
  const since = (moment: number): number => Math.round(moment - killedAt) / 1000;
  return {
    assigned: since(Math.max(...heirs.map(({ log }) => log.share.at))),
    restored: since(last.at),
    stepMs: last.ms,
    firstResult: since(watch.firstResultSince(tookUp[0].at, orphaned)),
    recovered: since(recoveredAt),
    caughtUp: since(caughtUpAt),
  };
}
