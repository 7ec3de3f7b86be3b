import { hashBytes } from "../../schema/index.ts";
import { ByteSink } from "./byte-sink.ts";

/** Entries back to back in a heap: entry i ends at `ends[i]`. A `KeyDictionary` is one. */
export interface ByteEntries {
  readonly heap: Uint8Array;
  readonly ends: Int32Array;
  readonly size: number;
}

/**
 * Distinct strings of one column chunk. Ids of interned columns are translated through a table;
 * entries are only hashed once strings of several origins meet (texts, or two dictionaries).
 */
export class LocalDictionary {
  readonly heap = new ByteSink(4096);
  ends = new Int32Array(256);
  size = 0;
  private hashes = new Int32Array(256);
  private slots = new Int32Array(0);
  private indexed = false;
  private readonly translations = new Map<ByteEntries, Translation>();
  /**
   * Added to local ids in the translation tables. It rises past all ids given out at each clear, so
   * that what the tables hold of earlier chunks is below it and they need no clearing.
   */
  private base = 1;

  clear(): void {
    this.base += this.size;
    if (this.base > 0x3fffffff) {
      this.base = 1;
      this.translations.clear();
    }
    this.size = 0;
    this.heap.clear();
    if (this.indexed) this.slots.fill(-1);
  }

  /** The id of a text, which is added when it is new. `words` is a view of `bytes`. */
  intern(bytes: Uint8Array, words: DataView, start: number, end: number): number {
    if (!this.indexed) this.buildIndex(1024);
    const hash = hashBytes(bytes, start, end);
    const { slots, hashes } = this;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let id = slots[slot]; id >= 0; id = slots[slot]) {
      if (hashes[id] === hash && this.equals(id, bytes, start, end)) return id;
      slot = (slot + 1) & mask;
    }
    const id = this.push(bytes, words, start, end);
    this.hashes[id] = hash;
    slots[slot] = id;
    if (this.size * 2 > slots.length) this.buildIndex(slots.length * 2);
    return id;
  }

  /** The table from ids of `source` to local ones, for {@link lookUp}. */
  translation(source: ByteEntries): Translation {
    let translation = this.translations.get(source);
    if (translation === undefined) {
      if (this.translations.size > 0 && !this.indexed) this.buildIndex(1024);
      translation = new Translation();
      this.translations.set(source, translation);
    }
    translation.grow(source.size);
    return translation;
  }

  /** First table value of this chunk; a smaller one means that the id is new in it. */
  get firstLocal(): number {
    return this.base;
  }

  /** Adds an entry of a source that the translation does not know yet; returns the local id. */
  addFrom(source: ByteEntries, words: DataView, translation: Translation, id: number): number {
    const start = id === 0 ? 0 : source.ends[id - 1];
    const end = source.ends[id];
    const local = this.indexed
      ? this.intern(source.heap, words, start, end)
      : this.push(source.heap, words, start, end);
    translation.locals[id] = local + this.base;
    return local;
  }

  private push(bytes: Uint8Array, words: DataView, start: number, end: number): number {
    const id = this.size++;
    if (id === this.ends.length) {
      this.ends = doubled(this.ends);
      this.hashes = doubled(this.hashes);
    }
    this.heap.copy(bytes, words, start, end);
    this.ends[id] = this.heap.length;
    return id;
  }

  private equals(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const heap = this.heap.bytes;
    let at = id === 0 ? 0 : this.ends[id - 1];
    if (this.ends[id] - at !== end - start) return false;
    for (let i = start; i < end; i++, at++) if (heap[at] !== bytes[i]) return false;
    return true;
  }

  /** Builds the index; hashes are known already where there was one before. */
  private buildIndex(slotsMin: number): void {
    let count = slotsMin;
    while (count < this.size * 2) count *= 2;
    const slots = new Int32Array(count).fill(-1);
    for (let id = 0, start = 0; id < this.size; id++) {
      const end = this.ends[id];
      if (!this.indexed) this.hashes[id] = hashBytes(this.heap.bytes, start, end);
      let slot = this.hashes[id] & (count - 1);
      while (slots[slot] >= 0) slot = (slot + 1) & (count - 1);
      slots[slot] = id;
      start = end;
    }
    this.slots = slots;
    this.indexed = true;
  }
}

/** From the ids of one source to local ids plus the dictionary's base. */
export class Translation {
  locals = new Int32Array(0);

  grow(size: number): void {
    if (size <= this.locals.length) return;
    const locals = new Int32Array(Math.max(size, this.locals.length * 2, 64));
    locals.set(this.locals);
    this.locals = locals;
  }
}

function doubled(values: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(values.length * 2);
  grown.set(values);
  return grown;
}
