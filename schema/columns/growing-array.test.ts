import { afterEach, describe, expect, it, vi } from "vitest";
import { GrowingArray } from "./growing-array.ts";

const START = Float64Array.of(1, 2, 3);

/** Grows to a million elements, one by one; the lengths that it had. */
function growOneByOne(array: GrowingArray<Float64Array>): number[] {
  const lengths = [array.values.length];
  for (let count = 4; count <= 1_000_000; count++) {
    if (count > array.values.length) lengths.push(array.grow(array.lengthFor(count)).length);
    array.values[count - 1] = count;
  }
  return lengths;
}

describe("a growing array", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("keeps what it holds, has zeros behind it, and leaves the array of before empty", () => {
    const array = new GrowingArray(Float64Array.from(START));
    for (const length of [10, 100_000, 150_000, 3_000_000]) {
      const before = array.values;
      const held = before.slice();
      const grown = array.grow(length);
      expect(grown).toBe(array.values);
      expect(grown.length).toBe(length);
      expect(before.length).toBe(0);
      expect(grown.subarray(0, held.length)).toEqual(held);
      expect(grown.subarray(held.length).every((value) => value === 0)).toBe(true);
      grown[length - 1] = length;
    }
  });

  it("lies where it grows once it is large, with half a megabyte in reserve", () => {
    const array = new GrowingArray(Float64Array.from(START));
    const lengths = growOneByOne(array);
    expect(Array.from(array.values.subarray(0, 1_000_000)).every((value, i) => value === i + 1)).toBe(true);
    expect(lengths.at(-1)).toBeLessThanOrEqual(1_000_000 + (1 << 19) / 8 + 1);
    const copy = vi.spyOn(Float64Array.prototype, "set");
    array.grow(2_000_000);
    expect(copy).not.toHaveBeenCalled();
    copy.mockRestore();
    expect(array.values[999_999]).toBe(1_000_000);
  });

  it("is copied where the process has no address space left", () => {
    vi.stubGlobal("WebAssembly", {
      Memory: class {
        constructor() {
          throw new RangeError("WebAssembly.Memory(): could not allocate memory");
        }
      },
    });
    const array = new GrowingArray(Float64Array.from(START));
    const lengths = growOneByOne(array);
    expect(Array.from(array.values.subarray(0, 1_000_000)).every((value, i) => value === i + 1)).toBe(true);
    expect(lengths.length).toBeLessThan(30);
    expect(lengths.at(-1)).toBeLessThan(1_500_000);
  });
});
