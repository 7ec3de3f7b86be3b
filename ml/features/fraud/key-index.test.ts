import { describe, expect, it } from "vitest";
import { SlotArray } from "../../../schema/index.ts";
import { createRandom } from "../../training/random.ts";
import { KeyIndex } from "./key-index.ts";

describe("key index", () => {
  it.each([1, 2, 3, 4])("finds what a map finds, whatever comes and goes (seed %i)", (seed) => {
    const random = createRandom(seed);
    const below = (n: number): number => Math.floor(random() * n);
    const keys = SlotArray.float64("keys");
    const index = new KeyIndex(keys);
    const model = new Map<number, number>();
    // Few lowest bits: long probes, some of them around the end of the table.
    const newKey = (): number =>
      1 + below(2 ** 20) * 2 ** 33 + (random() < 0.5 ? 0x3ff - below(4) : below(4));
    for (let step = 0; step < 6000; step++) {
      const key = newKey();
      if (model.has(key)) continue;
      const isFull = keys.length === 900;
      const place = isFull ? below(900) : keys.length;
      if (isFull) {
        model.delete(keys.values[place]);
        index.remove(place);
      } else keys.ensure(place + 1);
      keys.values[place] = key;
      index.add(place);
      model.set(key, place);
      if (step % 500 === 0) index.rebuild();
      const old = keys.values[below(keys.length)];
      expect(index.find(old)).toBe(model.get(old));
      const other = newKey();
      expect(index.find(other)).toBe(model.get(other) ?? -1);
    }
    expect(index.size).toBe(model.size);
    for (const [key, place] of model) expect(index.find(key)).toBe(place);
  });
});
