import { describe, expect, it } from "vitest";
import { PAGE_ELEMENTS, SlotArray } from "./slot-array.ts";

describe("a slot array that grows", () => {
  it("keeps values and marks, and fills what is new", () => {
    const array = SlotArray.int32("users", -1);
    for (let count = 1; count < 1_000_000; count += 50_000) {
      array.ensure(count);
      array.values[count - 1] = count;
      array.mark(count - 1);
    }
    for (let count = 1; count < 1_000_000; count += 50_000) {
      expect(array.values[count - 1]).toBe(count);
      expect(array.values[count]).toBe(-1);
      expect(array.dirty[Math.floor((count - 1) / PAGE_ELEMENTS)]).toBe(1);
    }
    expect(array.values.at(-1)).toBe(-1);
  });

  it("has whole pages, and no more than half of a large one in reserve", () => {
    const array = SlotArray.float64("totals");
    for (let count = 1; count < 3_000_000; count += 10_007) {
      array.ensure(count);
      expect(array.values.length % PAGE_ELEMENTS).toBe(0);
      expect(array.dirty.length).toBe(array.values.length / PAGE_ELEMENTS);
      if (count > 1 << 18) expect(array.values.length).toBeLessThanOrEqual(count * 1.5 + PAGE_ELEMENTS);
    }
  });

  it("has room for more behind what was reserved, keeps its values, and does not grow until then", () => {
    for (const count of [1, 1000, 1 << 18, 1_000_000]) {
      const array = SlotArray.float64("times", -1);
      array.ensure(1);
      array.values[0] = 7;
      array.reserve(count);
      const { values } = array;
      expect(array.length).toBe(1);
      expect(values.length).toBeGreaterThan(count);
      expect(values.length).toBeLessThanOrEqual(count * 1.5 + PAGE_ELEMENTS);
      array.ensure(values.length);
      expect(array.values).toBe(values);
      expect([values[0], values[1], values.at(-1)]).toEqual([7, -1, -1]);
    }
  });

  it("is as large as it is asked to be at once", () => {
    const ring = SlotArray.int32("ring");
    ring.ensure(1 << 20);
    expect(ring.values.length).toBe(1 << 20);
  });
});
