/**
 * Elements of one page of a {@link SlotArray}, as a shift: 16 elements, a record or two. Small, so that what a checkpoint
 * saves is what was written to and not what lies beside it, and the pages that are written to between their
 * copy ahead of a cut and the cut are few.
 */
export const PAGE_SHIFT = 4;
export const PAGE_ELEMENTS = 1 << PAGE_SHIFT;

export type SlotValues = Float64Array | Int32Array | Uint8Array;
export type SlotKind = "float64" | "int32" | "uint8";

/** Capacities double up to here and grow by half behind it: what is in reserve may take memory, too. */
const DOUBLED_ELEMENTS_MAX = 1 << 18;

/**
 * Growable typed array of keyed state. A checkpoint writes only the pages that were marked since
 * the last one, so every write marks its page: `a.values[i] = v; a.dirty[i >>> PAGE_SHIFT] = 1`.
 * `values` and `dirty` are replaced by {@link ensure}, and the ones of before are empty: fetch them anew after it.
 */
export class SlotArray<V extends SlotValues = SlotValues> {
  readonly name: string;
  readonly kind: SlotKind;
  readonly fill: number;
  /** In [0, 1), another one for each array of a task: by it they grow apart. */
  private readonly spread: number;
  values: V;
  dirty: Uint8Array;
  /** Elements in use; what lies behind is `fill`. */
  length = 0;
  /** Ranges of elements outside of which no element means anything; null where all do. */
  live: (() => readonly (readonly [from: number, to: number])[]) | null = null;

  private constructor(name: string, kind: SlotKind, fill: number, spread: number, values: V) {
    this.name = name;
    this.kind = kind;
    this.fill = fill;
    this.spread = spread;
    this.values = values;
    if (fill !== 0) values.fill(fill);
    this.dirty = new Uint8Array(1);
  }

  static float64(name: string, fill = 0, spread = 0): SlotArray<Float64Array> {
    return new SlotArray(name, "float64", fill, spread, new Float64Array(PAGE_ELEMENTS));
  }

  static int32(name: string, fill = 0, spread = 0): SlotArray<Int32Array> {
    return new SlotArray(name, "int32", fill, spread, new Int32Array(PAGE_ELEMENTS));
  }

  static uint8(name: string, fill = 0, spread = 0): SlotArray<Uint8Array> {
    return new SlotArray(name, "uint8", fill, spread, new Uint8Array(PAGE_ELEMENTS));
  }

  /** Makes elements 0 … count-1 usable. */
  ensure(count: number): void {
    if (count <= this.length) return;
    const { length } = this.values;
    if (count > length) this.grow(wholePages(Math.max(count, length * this.growth(length))));
    this.length = count;
  }

  /**
   * Room for so many elements at once, and for some more: an array that had exactly what it was restored to
   * would be copied at the next user, and all others with it.
   */
  reserve(count: number): void {
    const capacity = wholePages(count * (1 + (this.growth(count) - 1) / 2));
    if (capacity > this.values.length) this.grow(capacity);
  }

  mark(index: number): void {
    this.dirty[index >>> PAGE_SHIFT] = 1;
  }

  /** Marks every page that holds an element of [from, to). */
  markRange(from: number, to: number): void {
    if (to > from) this.dirty.fill(1, from >>> PAGE_SHIFT, ((to - 1) >>> PAGE_SHIFT) + 1);
  }

  /** Marks all that means anything; where that is known, nothing else. */
  markLive(): void {
    if (this.live === null) {
      this.markRange(0, this.length);
      return;
    }
    this.dirty.fill(0);
    for (const [from, to] of this.live()) this.markRange(from, to);
  }

  /** Sets every element back to `fill`. */
  reset(): void {
    (this.values as Float64Array).fill(this.fill);
    this.markRange(0, this.length);
  }

  /**
   * By how much it grows. Each array differs: all arrays by user would otherwise grow at one and the same
   * user, and copying them all takes tens of milliseconds.
   */
  private growth(length: number): number {
    const most = length < DOUBLED_ELEMENTS_MAX ? 2 : 1.5;
    return most - 0.25 * this.spread;
  }

  private grow(capacity: number): void {
    const { length, buffer } = this.values;
    const Values = this.values.constructor as new (elements: number) => V;
    const values = new Values(capacity);
    values.set(this.values as Float64Array);
    if (this.fill !== 0) (values as Float64Array).fill(this.fill, length);
    // A collector lets hundreds of megabytes of earlier arrays lie. Not a transfer into the larger one: that
    // writes the zeros behind the values, and what is in reserve would take memory.
    (buffer as ArrayBuffer).transfer(0);
    this.values = values;
    const dirty = new Uint8Array(capacity >>> PAGE_SHIFT);
    dirty.set(this.dirty);
    this.dirty = dirty;
  }
}

function wholePages(elements: number): number {
  return Math.ceil(elements / PAGE_ELEMENTS) * PAGE_ELEMENTS;
}
