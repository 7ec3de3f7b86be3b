import type { SlotArray, StateSection } from "../../../schema/index.ts";
import { KeyIndex } from "./key-index.ts";

/**
 * Slots for at most `capacity` keys. Where all are taken, the next key gets the slot of one that was
 * not asked for since the hand last passed it (the clock algorithm, Corbató 1968): what is remembered
 * depends on the order of the calls of {@link take} alone, so a replay forgets the same keys.
 */
export class BoundedSlots {
  private readonly keys: SlotArray<Float64Array>;
  private readonly used: SlotArray<Uint8Array>;
  private readonly hand: SlotArray<Int32Array>;
  private readonly capacity: number;
  private readonly onReuse: (slot: number) => void;
  private readonly index: KeyIndex;

  constructor(section: StateSection, name: string, capacity: number, onReuse: (slot: number) => void) {
    this.keys = section.float64(`${name}.keys`);
    this.used = section.uint8(`${name}.used`);
    this.hand = section.int32(`${name}.hand`);
    this.hand.ensure(1);
    this.capacity = capacity;
    this.onReuse = onReuse;
    this.index = new KeyIndex(this.keys);
  }

  /** Slots that have a key. */
  get size(): number {
    return this.keys.length;
  }

  /** Builds the index anew where the section was restored. */
  ensure(): void {
    if (this.index.size !== this.keys.length) this.index.rebuild();
  }

  /** The key's slot, or -1. */
  find(key: number): number {
    return this.index.find(key);
  }

  /** The key's slot, a cleared one where it is new. `known`: what {@link find} said. */
  take(key: number, known: number): number {
    const slot = known < 0 ? this.free() : known;
    if (known < 0) {
      this.keys.values[slot] = key;
      this.keys.mark(slot);
      this.index.add(slot);
    }
    if (this.used.values[slot] === 0) {
      this.used.values[slot] = 1;
      this.used.mark(slot);
    }
    return slot;
  }

  private free(): number {
    const { keys, used, hand } = this;
    if (keys.length < this.capacity) {
      keys.ensure(keys.length + 1);
      used.ensure(keys.length);
      return keys.length - 1;
    }
    let at = hand.values[0];
    for (; used.values[at] === 1; at = (at + 1) % this.capacity) {
      used.values[at] = 0;
      used.mark(at);
    }
    hand.values[0] = (at + 1) % this.capacity;
    hand.mark(0);
    this.index.remove(at);
    this.onReuse(at);
    return at;
  }
}
