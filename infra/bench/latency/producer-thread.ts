import { parentPort, workerData } from "node:worker_threads";
import { openEmbeddedAdapters } from "../../platform/embedded-adapters.ts";
import { type LiveLoad, type LiveResult, produceLive } from "./produce-live.ts";

export interface ProducerOptions extends LiveLoad {
  readonly home: string;
}

export interface ProducerResult extends LiveResult {
  /** Shared clock at the start of each probe's append call, by index. */
  readonly sentAt: readonly number[];
}

const options = workerData as ProducerOptions;
const adapters = openEmbeddedAdapters(options.home, Date.now);
const sentAt: number[] = [];
const result = await produceLive(options, {
  append: (batches) => adapters.log.append(batches),
  onProbes: (first, count, calledAt) => {
    for (let probe = first; probe < first + count; probe++) sentAt[probe] = calledAt;
  },
  isOver: () => false,
});
await adapters.close();
parentPort?.postMessage({ ...result, sentAt } satisfies ProducerResult);
