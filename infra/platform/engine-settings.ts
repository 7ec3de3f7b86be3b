import { setFlagsFromString } from "node:v8";

/**
 * Heap of a worker: short-lived objects (alerts) die young instead of being copied again and again.
 */
export const WORKER_HEAP = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 4096 } as const;

/**
 * Settings of glibc's malloc, in which batches and files lie, read at the start of a process; other systems take no
 * notice. Blocks from 512 KB on are mapped, and given back at once when they are freed: arrays that have
 * grown leave others of odd sizes behind, an eighth of the memory. The heaps of smaller ones grow by 4 MB,
 * not page by page. Pages of 2 MB are not asked for: a virtual machine takes milliseconds to clear one where it is first
 * met, in the middle of a batch, and no event is cheaper by them (4.38 µs with, 4.34 without, four pairs).
 */
export const MALLOC = {
  GLIBC_TUNABLES: [
    "glibc.malloc.mmap_threshold=524288",
    "glibc.malloc.top_pad=4194304",
    "glibc.malloc.trim_threshold=8388608",
  ].join(":"),
} as const;

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

/**
 * Calls from WebAssembly into JavaScript stay with V8's general code for them, before any thread is started. V8 13 (Node
 * 24) shares the code that it makes for frequent ones between threads, and may free it while another thread takes it
 * up: "Check failed: jit_page.has_value()" in `TierUpWasmToJSWrapper`, and the process is gone. The parser of
 * HTTP behind `fetch` is WebAssembly, and each worker that asks a catalog makes such calls.
 */
export function keepWasmCallsGeneral(): void {
  setFlagsFromString("--wasm-wrapper-tiering-budget=2147483647");
}
