export type GrowingValues = Float64Array | Int32Array | Uint8Array;

/** What TypeScript's library of ECMAScript leaves out. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
declare const WebAssembly: {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => WasmMemory;
};

const WASM_PAGE_BYTES = 1 << 16;
/** 4 GiB. */
const WASM_PAGES_MAX = 1 << 16;
/** Below, an array is copied to where it has room: cheaper than address space of its own. */
const IN_PLACE_BYTES = 1 << 18;
/** What one that grows in place has in reserve: an eighth, and not so much that to fill it is a pause. */
const RESERVE_SHIFT = 3;
const RESERVE_BYTES_MAX = 1 << 19;

/**
 * A typed array of zeros that grows. A large one lies in a memory of WebAssembly, which sets address space aside
 * and grows where it is: nothing is copied, what is in reserve takes no memory, and there is no moment with two
 * of them. An array that was copied instead stopped its thread for 7 to 45 ms where the kernel had to
 * clear fresh pages for it, all over the first minutes of a task. (A resizable ArrayBuffer grows in place too, but its
 * views are slower at each access.) Where there is no address space left it is copied after all: each memory takes
 * 8 GiB of it, and a process has some 16,000 times that.
 */
export class GrowingArray<V extends GrowingValues> {
  /** Replaced by {@link grow}: the one of before is not to be used any more, and mostly is empty. */
  values: V;
  private memory: WasmMemory | null = null;

  constructor(values: V) {
    this.values = values;
  }

  /** Length to grow to where `count` elements are needed: it does not grow at each further one. */
  lengthFor(count: number): number {
    const { length, byteLength } = this.values;
    if (byteLength < IN_PLACE_BYTES) return Math.max(count, 2 * length);
    return Math.max(count, this.memory === null ? Math.ceil(1.5 * length) : this.withReserve(length));
  }

  /** So many elements and a reserve. */
  withReserve(count: number): number {
    return count + 1 + Math.min(count >>> RESERVE_SHIFT, RESERVE_BYTES_MAX / this.values.BYTES_PER_ELEMENT);
  }

  grow(length: number): V {
    const { values } = this;
    const bytes = length * values.BYTES_PER_ELEMENT;
    if (this.memory !== null && growTo(this.memory, bytes)) {
      this.values = viewOf(values, this.memory.buffer, length);
      return this.values;
    }
    const memory = bytes < IN_PLACE_BYTES ? null : openMemory(bytes);
    const grown = viewOf(values, memory?.buffer ?? new ArrayBuffer(bytes), length);
    grown.set(values as Float64Array);
    // A collector lets hundreds of megabytes of earlier arrays lie.
    if (this.memory === null) (values.buffer as ArrayBuffer).transfer(0);
    this.memory = memory;
    this.values = grown;
    return grown;
  }
}

function viewOf<V extends GrowingValues>(values: V, buffer: ArrayBuffer, length: number): V {
  const View = values.constructor as new (buffer: ArrayBuffer, at: number, length: number) => V;
  return new View(buffer, 0, length);
}

/** Null where the process has no address space for it. */
function openMemory(bytes: number): WasmMemory | null {
  const initial = Math.ceil(bytes / WASM_PAGE_BYTES);
  if (initial > WASM_PAGES_MAX) return null;
  try {
    return new WebAssembly.Memory({ initial, maximum: WASM_PAGES_MAX });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** False where it cannot be as large. */
function growTo(memory: WasmMemory, bytes: number): boolean {
  const more = Math.ceil((bytes - memory.buffer.byteLength) / WASM_PAGE_BYTES);
  if (more <= 0) return true;
  try {
    memory.grow(more);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
