import { GrowingArray } from "./growing-array.ts";
import { mix32 } from "./hash.ts";
import { utf8Decoder } from "./utf8.ts";

const utf8Encoder = new TextEncoder();
/** Keys of up to so many bytes stand in the index itself. */
const SHORT_MAX = 8;
/** Rows whose places in the index are read ahead: few enough for them to stay in the first cache. */
const READ_AHEAD_ROWS = 128;
/** Entries that one call puts into the index: a thread that restores is new, and enters optimised code by calls only. */
const INDEXED_ROWS = 128;
/** Entries that are added from one such call to the next, where the index has grown: in a large one all have moved long before it grows again. */
const MOVE_EVERY = 64;
const HEAP_MAX = 0x7fffffff;
const NO_SLOTS = new Int32Array(0);
const NO_BYTES = new Uint8Array(0);

/**
 * Interns UTF-8 keys as dense ids 0, 1, 2, … in order of first sight. Ids never change, so typed
 * arrays can be indexed by them. Entries live in one byte heap; the index is open addressing with
 * linear probing at a load of at most two thirds, and is rebuilt, never saved: the heap and the
 * ends are append-only, so a checkpoint writes only what was added. Where it grows, entries move to the larger index
 * with those that are added, and when they are looked up: all at once were a pause of milliseconds.
 *
 * A slot is four numbers, so that a look-up mostly touches one cache line: of a key of up to 8
 * bytes its first and its last word, which are the key; of a longer one its hash and its place in
 * the heap; then the length and the id, from 1; 0 = free.
 */
export class KeyDictionary {
  readonly name: string;
  /** Number of entries; ids are 0 … size-1. */
  size = 0;
  /** Counts the calls of {@link reset}: ids of another generation mean nothing. */
  generation = 0;
  /** End of entry i in the heap; entry i starts at the end of entry i-1. */
  ends: Int32Array;
  heap: Uint8Array;
  private heapWords: DataView;
  private readonly growingEnds: GrowingArray<Int32Array>;
  private readonly growingHeap: GrowingArray<Uint8Array>;
  private slots: Int32Array;
  /** Position of the last slot. */
  private mask: number;
  /** The index before it grew, while it has entries that have not moved: those from `moved` to `toMove`, but some. */
  private oldSlots: Int32Array = NO_SLOTS;
  private moved = 0;
  private toMove = 0;
  /** The last caller's bytes and a view of them. */
  private callerBytes: Uint8Array;
  private callerWords: DataView;
  /** Of the rows that are interned together. */
  private readonly hashes = new Int32Array(READ_AHEAD_ROWS);
  /** Keeps the loads of {@link readAhead} from being dropped as unused. */
  loaded = 0;

  constructor(name: string, initialCapacity = 1024) {
    this.name = name;
    const capacity = Math.max(16, initialCapacity);
    this.ends = new Int32Array(capacity);
    this.heap = new Uint8Array(capacity * 12);
    this.heapWords = wordsOf(this.heap);
    this.growingEnds = new GrowingArray(this.ends);
    this.growingHeap = new GrowingArray(this.heap);
    this.callerBytes = NO_BYTES;
    this.callerWords = wordsOf(NO_BYTES);
    this.slots = new Int32Array(slotCountFor(capacity) * 4);
    this.mask = this.slots.length - 4;
  }

  /** Bytes of the heap in use. */
  get heapBytes(): number {
    return this.size === 0 ? 0 : this.ends[this.size - 1];
  }

  /** All of its memory, bytes: entries, what is in reserve, and the index. */
  get memoryBytes(): number {
    const { heap, ends, slots, oldSlots } = this;
    return heap.byteLength + ends.byteLength + slots.byteLength + oldSlots.byteLength;
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
    const words = this.viewOf(bytes);
    const slot = this.slotOf(words, start, end, hashOf(words, start, end));
    const number = this.slots[slot + 3];
    return number > 0 ? number - 1 : this.addIfNew(words, start, end, slot);
  }

  internText(text: string): number {
    const bytes = utf8Encoder.encode(text);
    return this.intern(bytes, 0, bytes.length);
  }

  /**
   * Interns a column into `ids`: value i is `bytes[starts[i], ends[i])`, a negative start gives -1.
   *
   * @returns how many rows have a value
   */
  internRows(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, ids: Int32Array): number {
    const words = this.viewOf(bytes);
    const rows = starts.length;
    let values = 0;
    for (let from = 0; from < rows; from += READ_AHEAD_ROWS) {
      const to = Math.min(rows, from + READ_AHEAD_ROWS);
      this.readAhead(words, starts, ends, from, to);
      for (let row = from; row < to; row++) {
        const start = starts[row];
        if (start < 0) {
          ids[row] = -1;
          continue;
        }
        values++;
        const end = ends[row];
        const slot = this.slotOf(words, start, end, this.hashes[row - from]);
        const number = this.slots[slot + 3];
        ids[row] = number > 0 ? number - 1 : this.addIfNew(words, start, end, slot);
      }
    }
    return values;
  }

  /**
   * Hashes the keys of rows [from, to) and reads where they point, so that the look-ups find it in the
   * cache: these loads do not wait for each other, those of a look-up do.
   */
  private readAhead(words: DataView, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { slots, mask, heap, hashes } = this;
    for (let row = from; row < to; row++) {
      const start = starts[row];
      if (start >= 0) hashes[row - from] = hashOf(words, start, ends[row]);
    }
    let sum = 0;
    for (let row = from; row < to; row++) sum += slots[((hashes[row - from] << 2) & mask) + 1];
    for (let row = from; row < to; row++) {
      if (ends[row] - starts[row] <= SHORT_MAX) continue;
      const at = slots[((hashes[row - from] << 2) & mask) + 1];
      if (at >= 0 && at < heap.length) sum += heap[at];
    }
    this.loaded = sum;
  }

  /** The id of a key, or -1 when it was never interned. */
  find(text: string): number {
    const bytes = utf8Encoder.encode(text);
    const words = wordsOf(bytes);
    const slot = this.slotOf(words, 0, bytes.length, hashOf(words, 0, bytes.length));
    const number = this.slots[slot + 3];
    return number > 0 ? number - 1 : this.moveTo(slot, words, 0, bytes.length);
  }

  /** Forgets all entries and begins a new generation of ids; keeps the memory. */
  reset(): void {
    this.size = 0;
    this.generation++;
    this.slots.fill(0);
    this.endMove();
  }

  /**
   * Makes it one of so many entries of so many bytes. The caller writes those that it has not yet, or all, into
   * `ends` and `heap` before {@link finishRestore}; nothing is looked up before.
   */
  beginRestore(size: number, heapBytes: number): void {
    if (heapBytes > this.heap.length) this.growHeap(heapBytes);
    if (size > this.ends.length) this.growEntries(size);
    this.size = size;
  }

  finishRestore(): void {
    this.rebuildIndex(slotCountFor(this.ends.length));
  }

  private viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.callerBytes) {
      this.callerBytes = bytes;
      this.callerWords = wordsOf(bytes);
    }
    return this.callerWords;
  }

  /** The slot of a key, or the free one for it, in which all but the place and the id is filled in. */
  private slotOf(words: DataView, start: number, end: number, hash: number): number {
    return end - start <= SHORT_MAX
      ? this.findShort(words, start, end, hash)
      : this.findLong(words, start, end, hash);
  }

  private findShort(words: DataView, start: number, end: number, hash: number): number {
    const { slots, mask } = this;
    const length = end - start;
    const first = firstWord(words, start, length);
    const last = lastWord(words, end, length);
    let slot = (hash << 2) & mask;
    while (slots[slot + 3] !== 0) {
      if (slots[slot] === first && slots[slot + 1] === last && slots[slot + 2] === length) return slot;
      slot = (slot + 4) & mask;
    }
    slots[slot] = first;
    slots[slot + 1] = last;
    slots[slot + 2] = length;
    return slot;
  }

  private findLong(words: DataView, start: number, end: number, hash: number): number {
    const { slots, mask } = this;
    const length = end - start;
    let slot = (hash << 2) & mask;
    while (slots[slot + 3] !== 0) {
      if (
        slots[slot] === hash &&
        slots[slot + 2] === length &&
        this.equals(slots[slot + 1], words, start, end)
      )
        return slot;
      slot = (slot + 4) & mask;
    }
    slots[slot] = hash;
    slots[slot + 2] = length;
    return slot;
  }

  /** Compares a key of more than 4 bytes in words, the last of which overlaps. */
  private equals(at: number, words: DataView, start: number, end: number): boolean {
    const { heapWords } = this;
    const shift = at - start;
    const last = end - 4;
    for (let i = start; i < last; i += 4) {
      if (heapWords.getInt32(i + shift, true) !== words.getInt32(i, true)) return false;
    }
    return heapWords.getInt32(last + shift, true) === words.getInt32(last, true);
  }

  /** What has no number in its slot is new, unless it has not moved there yet. */
  private addIfNew(words: DataView, start: number, end: number, slot: number): number {
    const id = this.moveTo(slot, words, start, end);
    return id >= 0 ? id : this.add(words, start, end, slot);
  }

  /** Takes the key's entry over from the smaller index; returns its id, -1 where there is none. */
  private moveTo(slot: number, words: DataView, start: number, end: number): number {
    const { slots, mask, oldSlots } = this;
    if (oldSlots.length === 0) return -1;
    this.slots = oldSlots;
    this.mask = oldSlots.length - 4;
    const old = this.slotOf(words, start, end, hashOf(words, start, end));
    this.slots = slots;
    this.mask = mask;
    if (end - start > SHORT_MAX) slots[slot + 1] = oldSlots[old + 1];
    slots[slot + 3] = oldSlots[old + 3];
    return oldSlots[old + 3] - 1;
  }

  private add(words: DataView, start: number, end: number, slot: number): number {
    const id = this.size;
    if (id === this.ends.length) this.growEntries(id + 1);
    const at = this.heapBytes;
    const length = end - start;
    if (at + length > this.heap.length) this.growHeap(at + length);
    const { heapWords } = this;
    let i = 0;
    for (; i + 4 <= length; i += 4) heapWords.setInt32(at + i, words.getInt32(start + i, true), true);
    for (; i < length; i++) heapWords.setUint8(at + i, words.getUint8(start + i));
    this.ends[id] = at + length;
    if (length > SHORT_MAX) this.slots[slot + 1] = at;
    this.size = id + 1;
    this.slots[slot + 3] = this.size;
    if (this.oldSlots.length > 0 && this.size % MOVE_EVERY === 0) this.moveSome();
    const slotCount = this.slots.length >>> 2;
    if (this.size * 3 > slotCount * 2) this.growIndex(slotCount * 2);
    return id;
  }

  private growEntries(capacity: number): void {
    this.ends = this.growingEnds.grow(this.growingEnds.lengthFor(capacity));
  }

  private growHeap(needed: number): void {
    if (needed > HEAP_MAX) throw new Error(`dictionary ${this.name} is over 2 GiB of keys`);
    this.heap = this.growingHeap.grow(Math.min(HEAP_MAX, this.growingHeap.lengthFor(needed)));
    this.heapWords = wordsOf(this.heap);
  }

  private growIndex(slotCount: number): void {
    // A small index is full again before the calls of moveSome have moved all.
    if (this.oldSlots.length > 0) this.indexEntries(this.moved, this.toMove);
    this.oldSlots = this.slots;
    this.moved = 0;
    this.toMove = this.size;
    this.slots = new Int32Array(slotCount * 4);
    this.mask = this.slots.length - 4;
  }

  private moveSome(): void {
    const to = Math.min(this.toMove, this.moved + INDEXED_ROWS);
    this.indexEntries(this.moved, to);
    this.moved = to;
    if (to === this.toMove) this.endMove();
  }

  private endMove(): void {
    this.oldSlots = NO_SLOTS;
  }

  private rebuildIndex(slotCount: number): void {
    this.endMove();
    this.slots = new Int32Array(slotCount * 4);
    this.mask = this.slots.length - 4;
    const { size } = this;
    for (let from = 0; from < size; from += INDEXED_ROWS)
      this.indexEntries(from, Math.min(size, from + INDEXED_ROWS));
  }

  private indexEntries(from: number, to: number): void {
    const { heapWords, ends } = this;
    for (let id = from, start = this.start(from); id < to; id++) {
      const end = ends[id];
      const slot = this.slotOf(heapWords, start, end, hashOf(heapWords, start, end));
      if (end - start > SHORT_MAX) this.slots[slot + 1] = start;
      this.slots[slot + 3] = id + 1;
      start = end;
    }
  }
}

/** The first word of a short key, or what stands for it. */
function firstWord(words: DataView, start: number, length: number): number {
  if (length >= 4) return words.getInt32(start, true);
  return length === 0 ? 0 : words.getUint8(start) | (words.getUint8(start + (length >> 1)) << 8);
}

function lastWord(words: DataView, end: number, length: number): number {
  if (length >= 4) return words.getInt32(end - 4, true);
  return length === 0 ? 0 : words.getUint8(end - 1);
}

/**
 * Multipliers of this process, odd. Keys come from outside, and whoever knows the hash can make thousands of keys that
 * meet in one place. Nothing but the place in the index depends on them.
 */
const [FIRST_FACTOR, SECOND_FACTOR] = crypto.getRandomValues(new Int32Array(2)).map((factor) => factor | 1);

function hashOf(words: DataView, start: number, end: number): number {
  const length = end - start;
  if (length > SHORT_MAX) return hashLong(words, start, end);
  let hash = Math.imul(lastWord(words, end, length) + length, FIRST_FACTOR);
  hash = Math.imul(hash ^ (hash >>> 16) ^ firstWord(words, start, length), SECOND_FACTOR);
  return mix32(hash);
}

/** Hash of more than 8 bytes in whole words, the last of which overlaps. */
function hashLong(words: DataView, start: number, end: number): number {
  let hash = end - start;
  const last = end - 4;
  for (let i = start; i < last; i += 4) {
    hash = Math.imul(hash ^ words.getInt32(i, true), FIRST_FACTOR);
    hash = Math.imul(hash ^ (hash >>> 16), SECOND_FACTOR);
  }
  return mix32(hash ^ words.getInt32(last, true));
}

function wordsOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function slotCountFor(capacity: number): number {
  let count = 32;
  while (count * 2 < capacity * 3) count *= 2;
  return count;
}
