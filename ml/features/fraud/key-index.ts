import type { SlotArray } from "../../../schema/index.ts";

const FIRST_CAPACITY = 1 << 10;

/**
 * Finds the place of a key in an array of distinct keys, by open addressing with linear probes (Knuth, vol. 3,
 * 6.4, algorithms L and R). The keys are hashes already, so their lowest bits are where a probe begins.
 * Derived from the array: no checkpoint holds it. A `Map` of such numbers boxes each of them.
 */
export class KeyIndex {
  private readonly keys: SlotArray<Float64Array>;
  /** Places, plus 1; 0 where free. At most half of it is used. */
  private table = new Int32Array(FIRST_CAPACITY);
  private used = 0;

  constructor(keys: SlotArray<Float64Array>) {
    this.keys = keys;
  }

  get size(): number {
    return this.used;
  }

  /** The key's place, or -1. */
  find(key: number): number {
    const { table } = this;
    const { values } = this.keys;
    const mask = table.length - 1;
    for (let at = key & mask; table[at] !== 0; at = (at + 1) & mask) {
      const place = table[at] - 1;
      if (values[place] === key) return place;
    }
    return -1;
  }

  /** Notes the key at `place`, which must not be there yet. */
  add(place: number): void {
    if (2 * (this.used + 1) > this.table.length) this.grow();
    this.used++;
    this.put(place);
  }

  /** Forgets the key at `place`, which is still in the array. */
  remove(place: number): void {
    const { table } = this;
    const { values } = this.keys;
    const mask = table.length - 1;
    let free = values[place] & mask;
    while (table[free] !== place + 1) free = (free + 1) & mask;
    // What lies behind moves up, unless it would come before where its probe begins.
    for (let at = (free + 1) & mask; table[at] !== 0; at = (at + 1) & mask) {
      const home = values[table[at] - 1] & mask;
      if (((at - home) & mask) < ((at - free) & mask)) continue;
      table[free] = table[at];
      free = at;
    }
    table[free] = 0;
    this.used--;
  }

  /** Notes all keys of the array anew. */
  rebuild(): void {
    let capacity = FIRST_CAPACITY;
    while (capacity < 2 * (this.keys.length + 1)) capacity *= 2;
    this.table = new Int32Array(capacity);
    this.used = this.keys.length;
    for (let place = 0; place < this.used; place++) this.put(place);
  }

  private put(place: number): void {
    const { table } = this;
    const mask = table.length - 1;
    let at = this.keys.values[place] & mask;
    while (table[at] !== 0) at = (at + 1) & mask;
    table[at] = place + 1;
  }

  private grow(): void {
    const old = this.table;
    this.table = new Int32Array(2 * old.length);
    for (const entry of old) if (entry !== 0) this.put(entry - 1);
  }
}
