import { parentPort, workerData } from "node:worker_threads";
import { openEmbeddedAdapters } from "../../platform/embedded-adapters.ts";
import { probeIndex } from "./probes.ts";
import { sharedClockMs } from "./shared-clock.ts";

/**
 * The least that any consumer of the log does: waits for the records of `orders`, reads them, and
 * notes when it has seen each probe. Its latency is the log's and the machine's; what a subscriber's
 * has on top is the pipeline's and the API's.
 */
const { home, partitions } = workerData as { readonly home: string; readonly partitions: number };
const READ_LIMITS = { recordsMax: 4096, bytesMax: 2 << 20 };
const WAIT_MS = 200;

const seenAt: number[] = [];
const adapters = openEmbeddedAdapters(home, Date.now);
const utf8 = new TextDecoder();
let stopped = false;
parentPort?.once("message", () => {
  stopped = true;
});
const tails = Promise.all(Array.from({ length: partitions }, (_, partition) => tail(partition)));
parentPort?.postMessage("ready");
await tails;
await adapters.close();
parentPort?.postMessage(Float64Array.from(seenAt, (at) => at ?? Number.NaN));

async function tail(partition: number): Promise<void> {
  const { end } = await adapters.log.offsets("orders", partition);
  const reader = await adapters.log.reader("orders", partition, end);
  while (!stopped) {
    const batch = reader.read(READ_LIMITS);
    if (batch === null) {
      await reader.wait(WAIT_MS);
      continue;
    }
    const now = sharedClockMs();
    for (let i = 0; i < batch.count; i++) {
      seenAt[probeIndex(utf8.decode(batch.bytes.subarray(batch.starts[i], batch.ends[i])))] = now;
    }
  }
  reader.close();
}
