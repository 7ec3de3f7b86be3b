import { parentPort, workerData } from "node:worker_threads";
import { openEmbeddedAdapters } from "../../platform/embedded-adapters.ts";
import { tailProbes } from "./tail-probes.ts";

const { home, partitions } = workerData as { readonly home: string; readonly partitions: number };

const seenAt: number[] = [];
const adapters = openEmbeddedAdapters(home, Date.now);
let stopped = false;
parentPort?.once("message", () => {
  stopped = true;
});
const tails = Promise.all(
  Array.from({ length: partitions }, (_, partition) =>
    tailProbes(adapters.log, partition, seenAt, () => stopped),
  ),
);
parentPort?.postMessage("ready");
await tails;
await adapters.close();
parentPort?.postMessage(Float64Array.from(seenAt, (at) => at ?? Number.NaN));
