import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { AppendBatch } from "../../../stream/index.ts";
import { openEmbeddedAdapters } from "../../platform/embedded-adapters.ts";
import { LiveEvents } from "./live-events.ts";
import { ProbeWriter } from "./probes.ts";
import { sharedClockMs } from "./shared-clock.ts";

export interface ProducerOptions {
  readonly home: string;
  readonly partitions: number;
  readonly seed: number;
  readonly eventsPerSecond: number;
  readonly probesPerSecond: number;
  readonly seconds: number;
}

export interface ProducerResult {
  /** Shared clock at the start of each probe's append call, by index. */
  readonly sentAt: Float64Array;
  /** How long each append call took, ms. */
  readonly appendMs: Float64Array;
  readonly events: number;
  readonly seconds: number;
}

const CHUNK_MS = 2;
/** Chunks that one append catches up on, where the machine stood still. */
const CHUNKS_AT_ONCE_MAX = 50;

parentPort?.postMessage(await produce(workerData as ProducerOptions));

/** Appends live events at a steady rate, in a chunk every 2 ms, with the probes that are due in it. */
async function produce(options: ProducerOptions): Promise<ProducerResult> {
  const { partitions, seed, eventsPerSecond, probesPerSecond, seconds } = options;
  const adapters = openEmbeddedAdapters(options.home, Date.now);
  const chunkEvents = Math.max(1, Math.round((eventsPerSecond * CHUNK_MS) / 1000));
  const events = new LiveEvents({ partitions, seed, chunkEvents });
  const probes = new ProbeWriter(partitions);
  const sentAt: number[] = [];
  const appendMs: number[] = [];
  const start = sharedClockMs();
  let chunks = 0;
  for (let now = start; now - start < seconds * 1000; now = sharedClockMs()) {
    const batches: AppendBatch[] = [];
    const chunksDue = Math.min(
      chunks + CHUNKS_AT_ONCE_MAX,
      Math.floor(((now - start) * eventsPerSecond) / 1000 / chunkEvents),
    );
    for (; chunks < chunksDue; chunks++) events.next(Date.now(), batches);
    const probesDue = Math.floor(((now - start) * probesPerSecond) / 1000);
    const firstProbe = sentAt.length;
    for (let probe = firstProbe; probe < probesDue; probe++) probes.write(probe, Date.now(), batches);
    if (batches.length > 0) {
      const calledAt = sharedClockMs();
      for (let probe = firstProbe; probe < probesDue; probe++) sentAt.push(calledAt);
      await adapters.log.append(batches);
      appendMs.push(sharedClockMs() - calledAt);
    }
    await sleep(1);
  }
  await adapters.close();
  return {
    sentAt: Float64Array.from(sentAt),
    appendMs: Float64Array.from(appendMs),
    events: chunks * chunkEvents,
    seconds: (sharedClockMs() - start) / 1000,
  };
}
