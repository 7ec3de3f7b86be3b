import { setFlagsFromString } from "node:v8";

/**
 * Heap of a worker: short-lived objects (alerts) die young instead of being copied again and again.
 */
export const WORKER_HEAP = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 4096 } as const;

/**
 * Lets malloc ask for pages of 2 MB, where the kernel gives them to who asks (`madvise`, the usual setting):
 * state and files lie there, and an event meets state all over them. Read by glibc at the start of a process;
 * other systems take no notice.
 */
export const LARGE_PAGES = { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" } as const;

/**
 * Counts memory outside of V8's heap, where state and files lie, with the heap, and begins a full collection
 * where both have grown by half since the last one. By default V8 begins one whenever 64 MB were allocated
 * outside, whatever lives there: 30 in two million events of the bench, now 11.
 */
export function setHeapGrowth(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--heap-growing-percent=50");
}

/**
 * Optimised code is entered with a call only, never in the middle of a loop that already runs. Code made for the
 * latter is kept where it bails out behind its loop, and each bail-out puts the optimisation of the whole function off:
 * functions with a loop over a batch, called for each batch, went on like this for whole runs.
 */
export function enterOptimisedCodeByCalls(): void {
  setFlagsFromString("--no-use-osr");
}
