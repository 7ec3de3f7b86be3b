import { loadConfig } from "../../config/index.ts";
import { openAdapters } from "../../platform/adapters.ts";
import { sendResult } from "../child.ts";
import { type LiveLoad, type LiveResult, produceLive } from "../latency/produce-live.ts";

/** What the producer's process tells: the probes of each append as it begins, and at its end how it went. */
export type LoadMessage =
  | { readonly type: "probes"; readonly first: number; readonly count: number; readonly at: number }
  | ({ readonly type: "ended" } & LiveResult);

const { config } = loadConfig({ environment: process.env, folder: process.cwd() });
const adapters = await openAdapters(config, Date.now);
let isOver = false;
process.once("message", () => {
  isOver = true;
});
const result = await produceLive(JSON.parse(process.argv[2]) as LiveLoad, {
  // Partition by partition, as producers of events do: none needs all of them together in a transaction.
  append: (batches) => Promise.all(batches.map((batch) => adapters.log.append([batch]))),
  onProbes: (first, count, at) => void sendResult({ type: "probes", first, count, at } satisfies LoadMessage),
  isOver: () => isOver,
});
await adapters.close();
await sendResult({ type: "ended", ...result } satisfies LoadMessage);
process.disconnect?.();
