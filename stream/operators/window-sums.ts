import { KeyDictionary, type SlotArray, type StateSection } from "../../schema/index.ts";
import type { Progress } from "../runtime/operator.ts";
import type { TimeConfig } from "../time/index.ts";
import { PaneBlockKind, PaneBlockWriter } from "./pane-block.ts";
import { PutOff } from "./put-off.ts";

export interface WindowSumsOptions {
  /** The channel of the detector whose {@link SummedWindows} adds the panes up. */
  readonly channel: string;
  /** Task and topic, as `sourceName` writes them. */
  readonly source: string;
  /** Numbers that are summed under each key. */
  readonly width: number;
  readonly paneMs: number;
  readonly time: TimeConfig;
  /** Sends a block; null for a marker that may be repeated or missed. */
  readonly send: (bytes: Uint8Array, sequence: number | null) => void;
}

/** The source of the sums over one topic of a task. */
export function sourceName(taskId: string, topic: string): string {
  return `${taskId}/${topic}`;
}

/** A source so far behind the newest event time of its task says so, ms: others need not wait for it. */
const BEHIND_MS_MAX = 60_000;
const NONE = -1;
const SEQUENCE = 0;
const WATERMARK = 1;
const PLACES = 2;
/** Numbers of a place: its pane, keys in it. */
const PLACE = 2;
/** Keys of a step of a block. */
const STEP_KEYS = 64;

/**
 * First stage of sums by key and tumbling pane, for one topic of a task: a pane's sums are sent on when
 * the watermark passes its end, and what late rows add at the next advance. At every boundary of a pane
 * a block goes out even if it is empty, so that the second stage's watermark moves. What is sent, and
 * when, follows from the records of the topic alone, so that a replay sends the same. A large block is written
 * in steps, all of it before anything that would change it.
 *
 * A block is, behind its header (`pane-block.ts`): `u32 panes, pane…`; a pane
 * `f64 start, u32 keys, key…`; a key `u16 + bytes, f64 × width`.
 */
export class WindowSums {
  readonly keys: KeyDictionary;
  private readonly options: WindowSumsOptions;
  private readonly numbers: SlotArray<Float64Array>;
  private readonly sums: SlotArray<Float64Array>;
  private readonly used: SlotArray<Uint8Array>;
  private readonly lists: readonly SlotArray<Int32Array>[];
  private readonly writer = new PaneBlockWriter();
  private readonly placeCount: number;
  /** The block that is being written, and the places that it takes. */
  private readonly writing = new PutOff();
  private places: readonly number[] = [];
  /** The pane of task time that was told last. */
  private toldPane = NONE;

  /** @param section of the operator that adds; may hold other state too */
  constructor(section: StateSection, options: WindowSumsOptions) {
    this.options = options;
    const { time, paneMs } = options;
    this.placeCount = Math.ceil((time.outOfOrdernessMs + time.allowedLatenessMs + time.tickMs) / paneMs) + 2;
    section.measure("panes for outOfOrdernessMs, allowedLatenessMs and tickMs", this.placeCount);
    this.keys = section.dictionary(new KeyDictionary("sum-keys", 64));
    this.numbers = section.float64("sum-numbers");
    this.numbers.ensure(PLACES + this.placeCount * PLACE);
    this.numbers.values.set([-1, Number.NEGATIVE_INFINITY]);
    for (let place = 0; place < this.placeCount; place++) this.numbers.values[PLACES + place * PLACE] = NONE;
    this.numbers.markRange(0, this.numbers.length);
    this.sums = section.float64("sums");
    this.used = section.uint8("sums-used");
    this.lists = Array.from({ length: this.placeCount }, (_, i) => section.int32(`sum-keys-${i}`));
  }

  /**
   * Adds `amounts` under the key `bytes[start, end)` in the pane of `timeMs`. Rows that are too late or
   * duplicates are the caller's to leave out.
   */
  add(timeMs: number, key: Uint8Array, start: number, end: number, amounts: ArrayLike<number>): void {
    this.addTo(timeMs, this.keys.intern(key, start, end), amounts);
  }

  /** The same under a key that the caller has interned in {@link keys}. */
  addTo(timeMs: number, id: number, amounts: ArrayLike<number>): void {
    const { width, paneMs } = this.options;
    const place = this.openPane(Math.floor(timeMs / paneMs));
    const entry = id * this.placeCount + place;
    this.sums.ensure(this.keys.size * this.placeCount * width);
    this.used.ensure(this.keys.size * this.placeCount);
    if (this.used.values[entry] === 0) {
      this.used.values[entry] = 1;
      this.used.mark(entry);
      this.list(place, id);
    }
    const at = entry * width;
    const { values } = this.sums;
    for (let i = 0; i < width; i++) values[at + i] += amounts[i];
    this.sums.markRange(at, at + width);
  }

  /** Sends what is due; of an {@link Operator.advance}. */
  advance({ watermarkMs }: Progress): void {
    const { paneMs } = this.options;
    const before = this.numbers.values[WATERMARK];
    // After a restore the runtime may repeat the last advance; a block must not go out before its turn.
    if (watermarkMs === before) return;
    this.writing.finish();
    const due = this.duePlaces(watermarkMs);
    const boundary = Math.floor(watermarkMs / paneMs) !== Math.floor(before / paneMs);
    if (due.length > 0 || boundary) {
      this.places = due;
      this.writing.add(this.sendBlock(watermarkMs));
      // What is small goes out in its place among the markers of other topics.
      const keys = due.reduce((sum, place) => sum + this.numbers.values[PLACES + place * PLACE + 1], 0);
      if (keys <= STEP_KEYS) this.writing.finish();
    }
    if (Number.isFinite(watermarkMs)) this.numbers.values[WATERMARK] = watermarkMs;
    this.numbers.mark(0);
  }

  /** Writes about so many keys of the block that is due; of an {@link Operator.emitSome}. */
  emitSome(rowsMax: number): boolean {
    return this.writing.some(rowsMax);
  }

  /**
   * Tells the second stage how far the task has come where this topic is behind; of `advanceTask`. What
   * then still comes for the time before corrects what was reported.
   */
  advanceTask(taskTimeMs: number): void {
    const { channel, source, paneMs } = this.options;
    const pane = Math.floor(taskTimeMs / paneMs);
    if (pane === this.toldPane || taskTimeMs - this.numbers.values[WATERMARK] <= BEHIND_MS_MAX) return;
    this.toldPane = pane;
    this.writing.finish();
    const marker = { channel, source, kind: PaneBlockKind.behind, watermarkMs: taskTimeMs };
    this.options.send(this.writer.marker(marker), null);
  }

  /** Tells the second stage not to wait for this source until its next block. */
  markIdle(): void {
    this.writing.finish();
    this.options.send(this.writer.idleBlock(this.options.channel, this.options.source), null);
  }

  private openPane(pane: number): number {
    const place = pane % this.placeCount;
    if (this.places.length > 0 && this.places.includes(place)) this.writing.finish();
    const at = PLACES + place * PLACE;
    if (this.numbers.values[at] !== pane) {
      this.numbers.values[at] = pane;
      this.numbers.mark(at);
    }
    return place;
  }

  private list(place: number, id: number): void {
    const counter = PLACES + place * PLACE + 1;
    const count = this.numbers.values[counter];
    this.lists[place].ensure(count + 1);
    this.lists[place].values[count] = id;
    this.lists[place].mark(count);
    this.numbers.values[counter] = count + 1;
    this.numbers.mark(counter);
  }

  /** Places whose pane has ended, in pane order. */
  private duePlaces(watermarkMs: number): number[] {
    const { paneMs } = this.options;
    const paneOf = (place: number): number => this.numbers.values[PLACES + place * PLACE];
    return Array.from({ length: this.placeCount }, (_, place) => place)
      .filter((place) => paneOf(place) !== NONE && (paneOf(place) + 1) * paneMs <= watermarkMs)
      .sort((a, b) => paneOf(a) - paneOf(b));
  }

  private *sendBlock(watermarkMs: number): Generator<number, void> {
    const { channel, source, paneMs } = this.options;
    const sequence = this.numbers.values[SEQUENCE] + 1;
    this.numbers.values[SEQUENCE] = sequence;
    this.writer.begin({ channel, kind: PaneBlockKind.data, source, sequence, watermarkMs });
    this.writer.u32(this.places.length);
    for (const place of this.places) {
      const at = PLACES + place * PLACE;
      this.writer.f64(this.numbers.values[at] * paneMs);
      yield* this.writeSums(place, this.numbers.values[at + 1]);
      this.numbers.values.set([NONE, 0], at);
      this.numbers.markRange(at, at + 2);
    }
    this.numbers.mark(0);
    this.places = [];
    this.options.send(this.writer.finish(), sequence);
  }

  private *writeSums(place: number, count: number): Generator<number, void> {
    this.writer.u32(count);
    for (let from = 0; from < count; from += STEP_KEYS) {
      const list = this.lists[place].values;
      const to = Math.min(count, from + STEP_KEYS);
      for (let i = from; i < to; i++) this.writeSum(list[i], place);
      yield to - from;
    }
    this.lists[place].length = 0;
  }

  private writeSum(id: number, place: number): void {
    const { width } = this.options;
    const { values } = this.sums;
    this.writer.text(this.keys.heap, this.keys.start(id), this.keys.ends[id]);
    const entry = id * this.placeCount + place;
    const at = entry * width;
    for (let n = at; n < at + width; n++) {
      this.writer.f64(values[n]);
      values[n] = 0;
    }
    this.sums.markRange(at, at + width);
    this.used.values[entry] = 0;
    this.used.mark(entry);
  }
}
