import { hashBytes } from "./hash.ts";

const utf8Decoder = new TextDecoder();
const utf8Encoder = new TextEncoder();

/**
 * Interns UTF-8 keys as dense ids 0, 1, 2, … in order of first sight. Ids never change, so typed
 * arrays can be indexed by them. Entries live in one byte heap; the index is open addressing with
 * linear probing at a load of at most one half, and is rebuilt, never saved: the heap and the ends
 * are append-only, so a checkpoint writes only what was added.
 */
export class KeyDictionary {
  readonly name: string;
  /** Number of entries; ids are 0 … size-1. */
  size = 0;
  /** End of entry i in the heap; entry i starts at the end of entry i-1. */
  ends: Int32Array;
  heap: Uint8Array;
  private hashes: Int32Array;
  private slots: Int32Array;
  private mask: number;

  constructor(name: string, initialCapacity = 1024) {
    this.name = name;
    const capacity = Math.max(16, initialCapacity);
    this.ends = new Int32Array(capacity);
    this.hashes = new Int32Array(capacity);
    this.heap = new Uint8Array(capacity * 12);
    this.slots = new Int32Array(slotCountFor(capacity)).fill(-1);
    this.mask = this.slots.length - 1;
  }

  /** Bytes of the heap in use. */
  get heapBytes(): number {
    return this.size === 0 ? 0 : this.ends[this.size - 1];
  }

  start(id: number): number {
    return id === 0 ? 0 : this.ends[id - 1];
  }

  /** The entry's bytes, as a view that is valid until the next intern. */
  bytesOf(id: number): Uint8Array {
    return this.heap.subarray(this.start(id), this.ends[id]);
  }

  text(id: number): string {
    return utf8Decoder.decode(this.bytesOf(id));
  }

  intern(bytes: Uint8Array, start: number, end: number): number {
    return this.internHashed(bytes, start, end, hashBytes(bytes, start, end));
  }

  internText(text: string): number {
    const bytes = utf8Encoder.encode(text);
    return this.intern(bytes, 0, bytes.length);
  }

  /** As {@link intern}, with `hash` = {@link hashBytes} of the same bytes, seed 0. */
  internHashed(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const { slots, mask, hashes } = this;
    let slot = hash & mask;
    for (let id = slots[slot]; id >= 0; id = slots[slot]) {
      if (hashes[id] === hash && this.equals(id, bytes, start, end)) return id;
      slot = (slot + 1) & mask;
    }
    return this.add(bytes, start, end, hash, slot);
  }

  /** The id of a key, or -1 when it was never interned. */
  find(text: string): number {
    const bytes = utf8Encoder.encode(text);
    const hash = hashBytes(bytes, 0, bytes.length);
    let slot = hash & this.mask;
    for (let id = this.slots[slot]; id >= 0; id = this.slots[slot]) {
      if (this.hashes[id] === hash && this.equals(id, bytes, 0, bytes.length)) return id;
      slot = (slot + 1) & this.mask;
    }
    return -1;
  }

  /** Replaces the content with saved arrays, of which the dictionary keeps copies. */
  restore(ends: Int32Array, heap: Uint8Array): void {
    const size = ends.length;
    const capacity = Math.max(16, size);
    this.size = size;
    this.ends = new Int32Array(capacity);
    this.ends.set(ends);
    this.heap = new Uint8Array(Math.max(16, heap.length));
    this.heap.set(heap);
    this.hashes = new Int32Array(capacity);
    for (let id = 0; id < size; id++) this.hashes[id] = hashBytes(this.heap, this.start(id), this.ends[id]);
    this.rebuildIndex(slotCountFor(capacity));
  }

  private equals(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { heap } = this;
    const entryEnd = this.ends[id];
    let at = this.start(id);
    if (entryEnd - at !== end - start) return false;
    for (let i = start; at < entryEnd; i++, at++) if (heap[at] !== bytes[i]) return false;
    return true;
  }

  private add(bytes: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const id = this.size;
    if (id === this.ends.length) this.growEntries();
    const at = this.heapBytes;
    const length = end - start;
    if (at + length > this.heap.length) this.growHeap(at + length);
    const { heap } = this;
    for (let i = 0; i < length; i++) heap[at + i] = bytes[start + i];
    this.ends[id] = at + length;
    this.hashes[id] = hash;
    this.slots[slot] = id;
    this.size = id + 1;
    if (this.size * 2 > this.slots.length) this.rebuildIndex(this.slots.length * 2);
    return id;
  }

  private growEntries(): void {
    const capacity = this.ends.length * 2;
    const ends = new Int32Array(capacity);
    ends.set(this.ends);
    this.ends = ends;
    const hashes = new Int32Array(capacity);
    hashes.set(this.hashes);
    this.hashes = hashes;
  }

  private growHeap(needed: number): void {
    if (needed > 0x7fffffff) throw new Error(`dictionary ${this.name} is over 2 GiB of keys`);
    const heap = new Uint8Array(Math.min(0x7fffffff, Math.max(needed, this.heap.length * 2)));
    heap.set(this.heap);
    this.heap = heap;
  }

  private rebuildIndex(slotCount: number): void {
    const slots = new Int32Array(slotCount).fill(-1);
    const mask = slotCount - 1;
    for (let id = 0; id < this.size; id++) {
      let slot = this.hashes[id] & mask;
      while (slots[slot] >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.slots = slots;
    this.mask = mask;
  }
}

function slotCountFor(capacity: number): number {
  let count = 32;
  while (count < capacity * 2) count *= 2;
  return count;
}
