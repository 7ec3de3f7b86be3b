import { mix32 } from "../../schema/index.ts";
import { ByteSink } from "./byte-sink.ts";

/** Entries back to back in a heap: entry i ends at `ends[i]`. A `KeyDictionary` is one. */
export interface ByteEntries {
  readonly heap: Uint8Array;
  readonly ends: Int32Array;
  readonly size: number;
  /** Changes where ids begin to mean other entries. */
  readonly generation: number;
}

/** Dictionaries and symbol lists whose ids are translated by table at one time. */
export const SOURCES_MAX = 64;

/**
 * Distinct strings of one column chunk. Ids of interned columns are translated through a table;
 * entries are only hashed once strings of several origins meet (texts, or two dictionaries).
 */
export class LocalDictionary {
  readonly heap = new ByteSink(4096);
  ends = new Int32Array(256);
  size = 0;
  /**
   * Open addressing, four numbers a slot, the last of which is the id, -1 = free; what the others
   * are is said at `findShort` and `findLong`.
   */
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

  /** Takes over the entries of another dictionary, with their ids, as a copy. */
  copy(other: LocalDictionary): void {
    this.clear();
    this.size = other.size;
    this.heap.append(other.heap.content());
    this.ends = other.ends.slice();
    // No translation knows these entries: they must be found by their hash.
    if (this.size > 0) this.buildIndex();
  }

  /** The id of a text, which is added when it is new. `words` is a view of `bytes`. */
  intern(bytes: Uint8Array, words: DataView, start: number, end: number): number {
    if (!this.indexed) this.buildIndex();
    const slot = end - start <= 8 ? this.findShort(words, start, end) : this.findLong(words, start, end);
    const known = this.slots[slot + 3];
    if (known >= 0) return known;
    const id = this.push(bytes, words, start, end);
    this.slots[slot + 3] = id;
    if (this.size * 8 > this.slots.length) this.buildIndex();
    return id;
  }

  /** The table from ids of `source` to local ones, for {@link lookUp}. */
  translation(source: ByteEntries): Translation {
    let translation = this.translations.get(source);
    if (translation === undefined) {
      if (this.translations.size > 0 && !this.indexed) this.buildIndex();
      // Forgetting them is safe: by now entries are found by their hash.
      if (this.translations.size === SOURCES_MAX) this.translations.clear();
      translation = new Translation(source.generation);
      this.translations.set(source, translation);
    }
    if (translation.generation !== source.generation) {
      // Entries of the generation before may come again: they must be found by their hash.
      if (this.size > 0 && !this.indexed) this.buildIndex();
      translation.locals.fill(0);
      translation.generation = source.generation;
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
    if (id === this.ends.length) this.ends = doubled(this.ends);
    this.heap.copy(bytes, words, start, end);
    this.ends[id] = this.heap.length;
    return id;
  }

  /**
   * The slot of a string of up to 8 bytes: its two words are the string, so that no entry need be
   * compared. A free slot is returned with all but the id filled in.
   */
  private findShort(words: DataView, start: number, end: number): number {
    const length = end - start;
    let first = 0;
    let last = 0;
    if (length >= 4) {
      first = words.getInt32(start, true);
      last = words.getInt32(end - 4, true);
    } else if (length > 0) {
      first = words.getUint8(start) | (words.getUint8(start + (length >> 1)) << 8);
      last = words.getUint8(end - 1);
    }
    const { slots } = this;
    const mask = slots.length - 4;
    let hash = Math.imul(first ^ Math.imul(last + length, 0xcc9e2d51), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    hash ^= hash >>> 16;
    let slot = (hash << 2) & mask;
    while (slots[slot + 3] >= 0) {
      if (slots[slot] === first && slots[slot + 1] === last && slots[slot + 2] === length) return slot;
      slot = (slot + 4) & mask;
    }
    slots[slot] = first;
    slots[slot + 1] = last;
    slots[slot + 2] = length;
    return slot;
  }

  /** The slot of a string of more than 8 bytes: hash, place in the heap, length. */
  private findLong(words: DataView, start: number, end: number): number {
    const length = end - start;
    const { slots } = this;
    const mask = slots.length - 4;
    const hash = hashWords(words, start, end);
    let slot = (hash << 2) & mask;
    while (slots[slot + 3] >= 0) {
      if (
        slots[slot] === hash &&
        slots[slot + 2] === length &&
        this.equals(slots[slot + 1], words, start, end)
      ) {
        return slot;
      }
      slot = (slot + 4) & mask;
    }
    slots[slot] = hash;
    slots[slot + 1] = this.heap.length;
    slots[slot + 2] = length;
    return slot;
  }

  private equals(at: number, words: DataView, start: number, end: number): boolean {
    const { view } = this.heap;
    const shift = at - start;
    const last = end - 4;
    for (let i = start; i < last; i += 4) {
      if (view.getInt32(i + shift, true) !== words.getInt32(i, true)) return false;
    }
    return view.getInt32(last + shift, true) === words.getInt32(last, true);
  }

  /** Builds the index anew, at a load of a quarter. */
  private buildIndex(): void {
    let length = 1024;
    while (length < this.size * 16) length *= 2;
    this.slots = new Int32Array(length).fill(-1);
    this.indexed = true;
    const { view } = this.heap;
    const { size } = this;
    for (let id = 0, start = 0; id < size; id++) {
      const end = this.ends[id];
      const slot = end - start <= 8 ? this.findShort(view, start, end) : this.findLong(view, start, end);
      this.slots[slot + 1] = end - start <= 8 ? this.slots[slot + 1] : start;
      this.slots[slot + 3] = id;
      start = end;
    }
  }
}

/**
 * Hash of the 4 or more bytes `[start, end)` in whole words, the last of which overlaps: a third of
 * the time of `hashBytes`.
 */
function hashWords(words: DataView, start: number, end: number): number {
  let hash = end - start;
  const last = end - 4;
  for (let i = start; i < last; i += 4) {
    hash = Math.imul(hash ^ words.getInt32(i, true), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return mix32(hash ^ words.getInt32(last, true));
}

/** From the ids of one source to local ids plus the dictionary's base. */
export class Translation {
  locals = new Int32Array(0);
  generation: number;

  constructor(generation: number) {
    this.generation = generation;
  }

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
