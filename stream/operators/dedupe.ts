import {
  type EventBatch,
  type Float64Column,
  PAGE_SHIFT,
  RowFlag,
  type SlotArray,
  StateSection,
  type TextColumn,
} from "../../schema/index.ts";
import type { Operator, Progress } from "../runtime/operator.ts";
import type { TimeConfig } from "../time/index.ts";
import { hashIds } from "./id-hash.ts";
import { TOUCH_ROWS, touched } from "./touch-slots.ts";

export interface DedupeConfig {
  /** Ids are kept by event time in buckets of this size, ms. */
  readonly bucketMs: number;
  /** How long a bucket is kept after it closed (watermark − allowed lateness), ms. */
  readonly horizonMs: number;
}

export const defaultDedupeConfig: DedupeConfig = { bucketMs: 600_000, horizonMs: 0 };

export interface DedupeDeps<B extends EventBatch> {
  /** Name of the operator and of its state; `dedupe` where it is absent. */
  readonly name?: string;
  readonly time: TimeConfig;
  readonly eventId: (batch: B) => TextColumn;
  readonly eventTime: (batch: B) => Float64Column;
}

export interface Dedupe<B extends EventBatch> extends Operator<B> {
  /** Rows flagged so far. */
  readonly duplicates: () => number;
  /** Rows that were passed without a check because their bucket had been dropped. */
  readonly unchecked: () => number;
}

const DUPLICATES = 0;
const UNCHECKED = 1;
/** Buckets below this number were dropped. */
const OLDEST = 2;
const BUCKETS = 3;
const INDEX_MIN = 1024;
/** Ids that one call puts into the index: a thread that restores is new, and enters optimised code by calls only. */
const INDEXED_IDS = 128;
/** Ids that are added from one such call to the next, where the index has grown: all have moved long before it grows again. */
const MOVE_EVERY = 64;
const NO_INDEX = new Int32Array(0);

/**
 * Ids of one event-time bucket: an append-only list of 64-bit hashes (the state) and an
 * open-addressing index (derived): a list position from 1 in the low bits, as many as the index's size
 * needs, and bits of the hash above it, so that most misses need no look at the list; 0 is empty. Where it grows, ids move to the
 * larger index with those that are added: all at once were a pause of tens of milliseconds. A dropped bucket's arrays
 * are used again by a later one, so memory stays flat.
 */
class IdBucket {
  readonly hashes: SlotArray<Int32Array>;
  count = 0;
  private index: Int32Array = NO_INDEX;
  /** The index before it grew, while some of its ids, those from `moved` to `toMove`, are not in the larger one. */
  private oldIndex: Int32Array = NO_INDEX;
  private moved = 0;
  private toMove = 0;

  constructor(hashes: SlotArray<Int32Array>) {
    this.hashes = hashes;
  }

  clear(): void {
    this.count = 0;
    this.hashes.length = 0;
    this.index.fill(0);
    this.oldIndex = NO_INDEX;
  }

  /** Reads the places of ids [from, to) so that {@link seen} finds them in the cache. */
  touch(low: Int32Array, from: number, to: number): void {
    const { index } = this;
    const mask = index.length - 1;
    let sum = 0;
    for (let i = from; i < to; i++) sum ^= index[low[i] & mask];
    touched.sum = sum;
  }

  /** Whether the id was there already; adds it where not. */
  seen(low: number, high: number): boolean {
    if (this.count * 5 >= this.index.length * 3) this.grow();
    const { index } = this;
    const mask = index.length - 1;
    let slot = low & mask;
    for (let entry = index[slot]; entry !== 0; entry = index[slot]) {
      if (((entry ^ high) & ~mask) === 0) {
        const at = ((entry & mask) - 1) << 1;
        const { values } = this.hashes;
        if (values[at] === low && values[at + 1] === high) return true;
      }
      slot = (slot + 1) & mask;
    }
    if (this.oldIndex.length > 0 && this.isInOld(low, high)) return true;
    this.add(low, high);
    index[slot] = (high & ~mask) | this.count;
    if (this.oldIndex.length > 0 && this.count % MOVE_EVERY === 0) this.moveSome();
    return false;
  }

  private isInOld(low: number, high: number): boolean {
    const { oldIndex } = this;
    const mask = oldIndex.length - 1;
    const { values } = this.hashes;
    for (let slot = low & mask; oldIndex[slot] !== 0; slot = (slot + 1) & mask) {
      const at = ((oldIndex[slot] & mask) - 1) << 1;
      if (values[at] === low && values[at + 1] === high) return true;
    }
    return false;
  }

  /** Builds the index over `count` hashes that were restored. */
  rebuild(count: number): void {
    this.count = count;
    let size = INDEX_MIN;
    while (count * 5 >= size * 3) size *= 2;
    this.oldIndex = NO_INDEX;
    this.index = new Int32Array(size);
    for (let from = 0; from < count; from += INDEXED_IDS)
      this.indexIds(from, Math.min(count, from + INDEXED_IDS));
  }

  private add(low: number, high: number): void {
    const { hashes } = this;
    const at = this.count << 1;
    if (at + 2 > hashes.length) hashes.ensure(at + 2);
    hashes.values[at] = low;
    hashes.values[at + 1] = high;
    hashes.dirty[at >>> PAGE_SHIFT] = 1;
    this.count += 1;
  }

  private grow(): void {
    this.oldIndex = this.index;
    this.moved = 0;
    this.toMove = this.count;
    this.index = new Int32Array(Math.max(INDEX_MIN, this.index.length * 2));
  }

  private moveSome(): void {
    const to = Math.min(this.toMove, this.moved + INDEXED_IDS);
    this.indexIds(this.moved, to);
    this.moved = to;
    if (to === this.toMove) this.oldIndex = NO_INDEX;
  }

  private indexIds(from: number, to: number): void {
    const { index } = this;
    const mask = index.length - 1;
    const { values } = this.hashes;
    for (let entry = from; entry < to; entry++) {
      let slot = values[entry << 1] & mask;
      while (index[slot] !== 0) slot = (slot + 1) & mask;
      index[slot] = (values[(entry << 1) + 1] & ~mask) | (entry + 1);
    }
  }
}

/**
 * Flags rows whose event id was seen before in the same event-time bucket ({@link RowFlag}.duplicate).
 * Ids are compared by a 64-bit hash: with three million ids in a bucket the chance of one false
 * duplicate is about 2.5e-7. About 20 bytes an id.
 */
export function createDedupe<B extends EventBatch>(config: DedupeConfig, deps: DedupeDeps<B>): Dedupe<B> {
  const { bucketMs, horizonMs } = config;
  const { outOfOrdernessMs, allowedLatenessMs, tickMs } = deps.time;
  const ringSize = Math.ceil((outOfOrdernessMs + allowedLatenessMs + tickMs + horizonMs) / bucketMs) + 2;
  const name = deps.name ?? "dedupe";
  const state = new StateSection(name);
  state.measure("bucketMs", bucketMs);
  state.measure("buckets for outOfOrdernessMs, allowedLatenessMs, tickMs and horizonMs", ringSize);
  /** Counters, then (bucket number, ids) of each place of the ring; -1 is a free place. */
  const numbers = state.float64("numbers");
  numbers.ensure(BUCKETS + 2 * ringSize);
  const ring = Array.from({ length: ringSize }, (_, i) => new IdBucket(state.int32(`ids-${i}`)));
  for (let i = 0; i < ringSize; i++) numbers.values[BUCKETS + 2 * i] = -1;
  numbers.markRange(0, numbers.length);
  let low = new Int32Array(1024);
  let high = new Int32Array(1024);

  function bucketFor(number: number): IdBucket | null {
    if (number < numbers.values[OLDEST]) return null;
    const place = number % ringSize;
    const bucket = ring[place];
    if (numbers.values[BUCKETS + 2 * place] !== number) {
      bucket.clear();
      numbers.values[BUCKETS + 2 * place] = number;
    }
    return bucket;
  }

  function flagRows(batch: B, from: number, to: number): void {
    const times = deps.eventTime(batch).values;
    const { flags } = batch;
    const counters = numbers.values;
    let start = 0;
    let end = 0;
    let bucket: IdBucket | null = null;
    for (let row = from; row < to; row++) {
      const at = times[row];
      if ((row - from) % TOUCH_ROWS === 0)
        bucket?.touch(low, row - from, Math.min(to - from, row - from + TOUCH_ROWS));
      if (at < start || at >= end) {
        const number = Math.floor(at / bucketMs);
        start = number * bucketMs;
        end = start + bucketMs;
        bucket = bucketFor(number);
      }
      if (bucket === null) counters[UNCHECKED] += 1;
      else if (bucket.seen(low[row - from], high[row - from])) {
        flags[row] |= RowFlag.duplicate;
        counters[DUPLICATES] += 1;
      }
    }
  }

  function process(batch: B, from: number, to: number): void {
    if (to - from > low.length) {
      low = new Int32Array(to - from);
      high = new Int32Array(to - from);
    }
    hashIds(deps.eventId(batch), from, to, low, high);
    flagRows(batch, from, to);
    saveCounts();
  }

  function saveCounts(): void {
    for (let i = 0; i < ringSize; i++) numbers.values[BUCKETS + 2 * i + 1] = ring[i].count;
    numbers.markRange(0, numbers.length);
  }

  function advance({ closeMs }: Progress): void {
    // At the end of the input the ids stay: what comes after it may still repeat them.
    if (!Number.isFinite(closeMs)) return;
    const oldest = Math.max(numbers.values[OLDEST], Math.floor((closeMs - horizonMs) / bucketMs));
    if (oldest === numbers.values[OLDEST]) return;
    numbers.values[OLDEST] = oldest;
    numbers.markRange(0, numbers.length);
    for (let place = 0; place < ringSize; place++) {
      const number = numbers.values[BUCKETS + 2 * place];
      if (number < 0 || number >= oldest) continue;
      ring[place].clear();
      numbers.values[BUCKETS + 2 * place] = -1;
      numbers.values[BUCKETS + 2 * place + 1] = 0;
    }
  }

  function afterRestore(): void {
    for (let i = 0; i < ringSize; i++) ring[i].rebuild(numbers.values[BUCKETS + 2 * i + 1]);
  }

  return {
    name,
    state,
    process,
    advance,
    afterRestore,
    duplicates: () => numbers.values[DUPLICATES],
    unchecked: () => numbers.values[UNCHECKED],
  };
}
