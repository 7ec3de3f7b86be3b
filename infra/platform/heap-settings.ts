import { setFlagsFromString } from "node:v8";

/**
 * Heap of a worker: short-lived objects (alerts) die young instead of being copied again and again.
 */
export const WORKER_HEAP = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 4096 } as const;

/**
 * Counts memory outside of V8's heap, where state and files lie, with the heap, and begins a full collection
 * where both have grown by half since the last one. By default V8 begins one whenever 64 MB were allocated
 * outside, whatever lives there: 30 in two million events of the bench, now 11.
 */
export function setHeapGrowth(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--heap-growing-percent=50");
}
