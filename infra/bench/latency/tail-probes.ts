import { utf8Decoder } from "../../../schema/index.ts";
import type { EventLog } from "../../../stream/index.ts";
import { probeIndex } from "./probes.ts";
import { sharedClockMs } from "./shared-clock.ts";

const READ_LIMITS = { recordsMax: 4096, bytesMax: 2 << 20 };
const WAIT_MS = 200;

/**
 * The least that any consumer of the log does: waits for the records of `orders`, reads them, and
 * notes when it has seen each probe. Its latency is the log's and the machine's; what a subscriber's
 * has on top is the pipeline's and what delivers to the subscriber.
 */
export async function tailProbes(
  log: EventLog,
  partition: number,
  seenAt: number[],
  isOver: () => boolean,
): Promise<void> {
  const { end } = await log.offsets("orders", partition);
  const reader = await log.reader("orders", partition, end);
  while (!isOver()) {
    const batch = reader.read(READ_LIMITS);
    if (batch === null) {
      await reader.wait(WAIT_MS);
      continue;
    }
    const now = sharedClockMs();
    for (let i = 0; i < batch.count; i++) {
      seenAt[probeIndex(utf8Decoder.decode(batch.bytes.subarray(batch.starts[i], batch.ends[i])))] = now;
    }
  }
  reader.close();
}
