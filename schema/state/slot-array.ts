import { GrowingArray, type GrowingValues } from "../columns/index.ts";

/**
 * Elements of one page of a {@link SlotArray}, as a shift: 16 elements, a record or two. Small, so that what a checkpoint
 * saves is what was written to and not what lies beside it, and the pages that are written to between their
 * copy ahead of a cut and the cut are few.
 */
export const PAGE_SHIFT = 4;
export const PAGE_ELEMENTS = 1 << PAGE_SHIFT;

export type SlotKind = "float64" | "int32" | "uint8";

/**
 * Growable typed array of keyed state. A checkpoint writes only the pages that were marked since
 * the last one, so every write marks its page: `a.values[i] = v; a.dirty[i >>> PAGE_SHIFT] = 1`.
 * `values` and `dirty` are replaced by {@link ensure}, and the ones of before are empty: fetch them anew after it.
 */
export class SlotArray<V extends GrowingValues = GrowingValues> {
  readonly name: string;
  readonly kind: SlotKind;
  readonly fill: number;
  values: V;
  dirty: Uint8Array;
  private readonly growingValues: GrowingArray<V>;
  private readonly growingDirty: GrowingArray<Uint8Array>;
  /** Elements in use; what lies behind is `fill`. */
  length = 0;
  /** Ranges of elements outside of which no element means anything; null where all do. */
  live: (() => readonly (readonly [from: number, to: number])[]) | null = null;

  private constructor(name: string, kind: SlotKind, fill: number, values: V) {
    this.name = name;
    this.kind = kind;
    this.fill = fill;
    this.values = values;
    if (fill !== 0) values.fill(fill);
    this.dirty = new Uint8Array(1);
    this.growingValues = new GrowingArray(values);
    this.growingDirty = new GrowingArray(this.dirty);
  }

  static float64(name: string, fill = 0): SlotArray<Float64Array> {
    return new SlotArray(name, "float64", fill, new Float64Array(PAGE_ELEMENTS));
  }

  static int32(name: string, fill = 0): SlotArray<Int32Array> {
    return new SlotArray(name, "int32", fill, new Int32Array(PAGE_ELEMENTS));
  }

  static uint8(name: string, fill = 0): SlotArray<Uint8Array> {
    return new SlotArray(name, "uint8", fill, new Uint8Array(PAGE_ELEMENTS));
  }

  /** Makes elements 0 … count-1 usable. */
  ensure(count: number): void {
    if (count <= this.length) return;
    if (count > this.values.length) this.grow(wholePages(this.growingValues.lengthFor(count)));
    this.length = count;
  }

  /**
   * Room for so many elements at once, and for some more: an array that had exactly what it was restored to
   * would grow at the next user, and all others with it.
   */
  reserve(count: number): void {
    if (count > this.values.length) this.grow(wholePages(this.growingValues.withReserve(count)));
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

  private grow(capacity: number): void {
    const { length } = this.values;
    this.values = this.growingValues.grow(capacity);
    if (this.fill !== 0) (this.values as Float64Array).fill(this.fill, length);
    this.dirty = this.growingDirty.grow(capacity >>> PAGE_SHIFT);
  }
}

function wholePages(elements: number): number {
  return Math.ceil(elements / PAGE_ELEMENTS) * PAGE_ELEMENTS;
}
