import { loadConfig } from "../../config/index.ts";
import { openAdapters } from "../../platform/adapters.ts";
import { sendResult } from "../child.ts";
import { tailProbes } from "../latency/tail-probes.ts";

/** What the bare reader's process tells: that it waits for probes, and at its end when it has seen each. */
export type TailMessage =
  | { readonly type: "ready" }
  | { readonly type: "ended"; readonly seenAt: readonly number[] };

/** Time for the readers' first requests to have reached the broker. */
const BEGUN_MS = 1000;

const { config } = loadConfig({ environment: process.env, folder: process.cwd() });
const adapters = await openAdapters(config, Date.now);
const seenAt: number[] = [];
let isOver = false;
process.once("message", () => {
  isOver = true;
});
const tails = Array.from({ length: config.partitions }, (_, partition) =>
  tailProbes(adapters.log, partition, seenAt, () => isOver),
);
setTimeout(() => void sendResult({ type: "ready" } satisfies TailMessage), BEGUN_MS);
await Promise.all(tails);
await adapters.close();
await sendResult({ type: "ended", seenAt } satisfies TailMessage);
process.disconnect?.();
