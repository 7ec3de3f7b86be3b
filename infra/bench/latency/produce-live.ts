import { setTimeout as sleep } from "node:timers/promises";
import type { AppendBatch } from "../../../stream/index.ts";
import { LiveEvents } from "./live-events.ts";
import { ProbeWriter } from "./probes.ts";
import { sharedClockMs } from "./shared-clock.ts";

export interface LiveLoad {
  readonly partitions: number;
  readonly seed: number;
  readonly eventsPerSecond: number;
  readonly probesPerSecond: number;
  readonly seconds: number;
}

export interface LiveOutput {
  readonly append: (batches: readonly AppendBatch[]) => Promise<unknown>;
  /** Called at the start of the append call of these probes, with the shared clock. */
  readonly onProbes: (first: number, count: number, calledAt: number) => void;
  /** Ends it before its time. */
  readonly isOver: () => boolean;
}

export interface LiveResult {
  /** How long each append call took, ms. */
  readonly appendMs: readonly number[];
  readonly events: number;
  readonly seconds: number;
}

const CHUNK_MS = 2;
/** Chunks that one append catches up on, where the machine stood still. */
const CHUNKS_AT_ONCE_MAX = 50;

/** Appends live events at a steady rate, in a chunk every 2 ms, with the probes that are due in it. */
export async function produceLive(load: LiveLoad, output: LiveOutput): Promise<LiveResult> {
  const { partitions, seed, eventsPerSecond, probesPerSecond, seconds } = load;
  const chunkEvents = Math.max(1, Math.round((eventsPerSecond * CHUNK_MS) / 1000));
  const events = new LiveEvents({ partitions, seed, chunkEvents });
  const probes = new ProbeWriter(partitions);
  const appendMs: number[] = [];
  const start = sharedClockMs();
  let chunks = 0;
  let probesSent = 0;
  for (let now = start; now - start < seconds * 1000 && !output.isOver(); now = sharedClockMs()) {
    const batches: AppendBatch[] = [];
    const chunksDue = Math.min(
      chunks + CHUNKS_AT_ONCE_MAX,
      Math.floor(((now - start) * eventsPerSecond) / 1000 / chunkEvents),
    );
    for (; chunks < chunksDue; chunks++) events.next(Date.now(), batches);
    const probesDue = Math.floor(((now - start) * probesPerSecond) / 1000);
    for (let probe = probesSent; probe < probesDue; probe++) probes.write(probe, Date.now(), batches);
    if (batches.length > 0) {
      const calledAt = sharedClockMs();
      if (probesDue > probesSent) output.onProbes(probesSent, probesDue - probesSent, calledAt);
      probesSent = Math.max(probesSent, probesDue);
      await output.append(batches);
      appendMs.push(sharedClockMs() - calledAt);
    }
    await sleep(1);
  }
  return { appendMs, events: chunks * chunkEvents, seconds: (sharedClockMs() - start) / 1000 };
}
