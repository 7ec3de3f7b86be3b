import type { SlotArray, StateSection } from "../../../schema/index.ts";
import { KeyIndex } from "./key-index.ts";

/**
 * The last `capacity` keys of one topic with a few numbers each, the oldest overwritten first. Place
 * numbers stay valid until then.
 */
export class RecentKeys {
  /** `values[place * width + field]`. */
  readonly values: SlotArray<Float64Array>;
  readonly width: number;
  private readonly keys: SlotArray<Float64Array>;
  private readonly next: SlotArray<Int32Array>;
  private readonly capacity: number;
  private readonly index: KeyIndex;

  constructor(section: StateSection, name: string, options: { capacity: number; width: number }) {
    this.keys = section.float64(`${name}.keys`);
    this.values = section.float64(`${name}.values`);
    this.next = section.int32(`${name}.next`);
    this.next.ensure(1);
    this.capacity = options.capacity;
    this.width = options.width;
    this.index = new KeyIndex(this.keys);
  }

  get size(): number {
    return this.keys.length;
  }

  /** Builds the index anew where the section was restored. */
  ensure(): void {
    if (this.index.size !== this.keys.length) this.index.rebuild();
  }

  /** The key's place, or -1. */
  find(key: number): number {
    return this.index.find(key);
  }

  /** Where the key's numbers lie, all 0. The key must not be there yet. */
  add(key: number): number {
    const { keys, values, next, width } = this;
    const place = next.values[0];
    if (place === keys.length) {
      keys.ensure(place + 1);
      values.ensure((place + 1) * width);
    } else {
      this.index.remove(place);
      values.values.fill(0, place * width, (place + 1) * width);
    }
    keys.values[place] = key;
    keys.mark(place);
    values.markRange(place * width, (place + 1) * width);
    this.index.add(place);
    next.values[0] = (place + 1) % this.capacity;
    next.mark(0);
    return place;
  }

  get(place: number, field: number): number {
    return this.values.values[place * this.width + field];
  }

  set(place: number, field: number, value: number): void {
    const at = place * this.width + field;
    this.values.values[at] = value;
    this.values.mark(at);
  }
}
