import { setFlagsFromString } from "node:v8";

/**
 * Heap of a worker: short-lived objects (alerts) die young instead of being copied again and again.
 */
export const WORKER_HEAP = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 4096 } as const;

/**
 * Lets the old generation grow to five times what lives before the next full collection. State lies in
 * typed arrays outside of the heap, which itself holds some 20 MB: V8's usual limit is then so near that
 * every collection of the young generation begins a full one (50 full collections a million events
 * instead of 17).
 */
export function setHeapGrowth(): void {
  setFlagsFromString("--heap-growing-percent=400");
}
