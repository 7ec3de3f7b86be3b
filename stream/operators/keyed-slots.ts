import type { SlotArray, StateSection, TextColumn } from "../../schema/index.ts";
import { hashIds } from "./id-hash.ts";

const NONE = -1;
const FREE = 1;
const USED = 0;
const INDEX_MIN = 1024;

/**
 * Slots by the 64-bit hash of a text that comes and goes, such as an order's id: what a dictionary,
 * whose entries stay, cannot be. A slot that was removed is used again. With ten million live keys the
 * chance that two of them share a hash is about 3e-6. What a slot holds is in arrays of the owner.
 */
export class KeyedSlots {
  private readonly low: SlotArray<Int32Array>;
  private readonly high: SlotArray<Int32Array>;
  /** Next free slot of a free one; -2 of a live one. */
  private readonly next: SlotArray<Int32Array>;
  private readonly numbers: SlotArray<Int32Array>;
  private readonly owned: readonly SlotArray[];
  private readonly strides: readonly number[];
  /** Open addressing with linear probing: slot + 1, 0 is empty; derived. */
  private index: Int32Array<ArrayBufferLike> | null = null;
  private live = 0;
  private readonly hash = { low: new Int32Array(1), high: new Int32Array(1) };

  /** @param owned arrays by slot with their elements a slot, reset to 0 for a new slot */
  constructor(section: StateSection, name: string, owned: readonly (readonly [SlotArray, number])[]) {
    this.low = section.int32(`${name}-low`);
    this.high = section.int32(`${name}-high`);
    this.next = section.int32(`${name}-next`);
    this.numbers = section.int32(`${name}-numbers`);
    this.numbers.ensure(2);
    this.numbers.values[FREE] = NONE;
    this.numbers.mark(0);
    this.owned = owned.map(([array]) => array);
    this.strides = owned.map(([, stride]) => stride);
  }

  /** Slots in use. */
  get size(): number {
    this.built();
    return this.live;
  }

  /** The slot of a row's text, -1 where it has none. */
  find(column: TextColumn, row: number): number {
    this.hashOf(column, row);
    return this.built()[this.placeOf(this.hash.low[0], this.hash.high[0])] - 1;
  }

  /** The slot of a row's text, a new one with all of the owner's elements 0 where it has none. */
  open(column: TextColumn, row: number): { readonly slot: number; readonly isNew: boolean } {
    const known = this.find(column, row);
    if (known !== NONE) return { slot: known, isNew: false };
    if ((this.live + 1) * 3 > this.built().length * 2) this.rebuild(this.built().length * 2);
    const slot = this.takeSlot();
    this.low.values[slot] = this.hash.low[0];
    this.high.values[slot] = this.hash.high[0];
    for (const array of [this.low, this.high, this.next]) array.mark(slot);
    this.next.values[slot] = -2;
    this.clear(slot);
    this.built()[this.placeOf(this.hash.low[0], this.hash.high[0])] = slot + 1;
    this.live += 1;
    return { slot, isNew: true };
  }

  remove(slot: number): void {
    this.unlink(this.placeOf(this.low.values[slot], this.high.values[slot]));
    this.next.values[slot] = this.numbers.values[FREE];
    this.numbers.values[FREE] = slot;
    this.next.mark(slot);
    this.numbers.mark(0);
    this.live -= 1;
  }

  /** Visits the slots in use; the visitor may remove the one that it is given. */
  each(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.numbers.values[USED]; slot++)
      if (this.next.values[slot] === -2) visit(slot);
  }

  afterRestore(): void {
    this.index = null;
  }

  private hashOf(column: TextColumn, row: number): void {
    hashIds(column, row, row + 1, this.hash.low, this.hash.high);
  }

  private takeSlot(): number {
    const numbers = this.numbers.values;
    this.numbers.mark(0);
    const free = numbers[FREE];
    if (free !== NONE) {
      numbers[FREE] = this.next.values[free];
      return free;
    }
    const slot = numbers[USED];
    numbers[USED] = slot + 1;
    for (const array of [this.low, this.high, this.next]) array.ensure(slot + 1);
    for (const [i, array] of this.owned.entries()) array.ensure((slot + 1) * this.strides[i]);
    return slot;
  }

  private clear(slot: number): void {
    for (const [i, array] of this.owned.entries()) {
      const from = slot * this.strides[i];
      array.values.fill(0, from, from + this.strides[i]);
      array.markRange(from, from + this.strides[i]);
    }
  }

  /** Place of the hash in the index, or the free one for it. */
  private placeOf(low: number, high: number): number {
    const index = this.built();
    const mask = index.length - 1;
    let place = low & mask;
    for (let entry = index[place]; entry !== 0; entry = index[place]) {
      if (this.low.values[entry - 1] === low && this.high.values[entry - 1] === high) return place;
      place = (place + 1) & mask;
    }
    return place;
  }

  /** Empties a place and moves up what probing would no longer find behind it (Knuth, vol. 3, 6.4, algorithm R). */
  private unlink(place: number): void {
    const index = this.built();
    const mask = index.length - 1;
    let hole = place;
    for (let at = (hole + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = this.low.values[index[at] - 1] & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      index[hole] = index[at];
      hole = at;
    }
    index[hole] = 0;
  }

  private built(): Int32Array<ArrayBufferLike> {
    return this.index ?? this.rebuild(INDEX_MIN);
  }

  private rebuild(sizeMin: number): Int32Array<ArrayBufferLike> {
    let live = 0;
    this.each(() => {
      live += 1;
    });
    let size = sizeMin;
    while ((live + 1) * 3 > size * 2) size *= 2;
    const index = new Int32Array(size);
    this.index = index;
    this.live = live;
    this.each((slot) => {
      index[this.placeOf(this.low.values[slot], this.high.values[slot])] = slot + 1;
    });
    return index;
  }
}
