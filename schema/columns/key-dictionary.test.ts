import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyDictionary } from "./key-dictionary.ts";

const utf8 = new TextEncoder();
/** Around 4 and 8 bytes, where the index changes its form, and with equal beginnings and ends. */
const keys = fc.array(
  fc.oneof(
    fc.string({ maxLength: 20, unit: fc.constantFrom("a", "b", "é") }),
    fc.integer({ min: 0, max: 300 }).map((n) => `user-${n}-of-the-shop`),
    fc.integer({ min: 0, max: 300 }).map((n) => `${n}`.padStart(8, "0")),
  ),
  { maxLength: 400 },
);

/** Values back to back, with a null before each of them. */
function columnOf(texts: readonly string[]) {
  const bytes = utf8.encode(texts.join(""));
  const starts = new Int32Array(texts.length * 2).fill(-1);
  const ends = new Int32Array(texts.length * 2).fill(-1);
  texts.reduce((at, text, i) => {
    starts[i * 2 + 1] = at;
    ends[i * 2 + 1] = at + utf8.encode(text).length;
    return ends[i * 2 + 1];
  }, 0);
  return { bytes, starts, ends };
}

describe("KeyDictionary", () => {
  it("gives dense ids in order of first sight, row by row and by column, after a restore and a reset", () => {
    fc.assert(
      fc.property(keys, (texts) => {
        const idOf = new Map<string, number>();
        for (const text of texts) if (!idOf.has(text)) idOf.set(text, idOf.size);
        const expected = texts.map((text) => idOf.get(text) ?? -1);

        const single = new KeyDictionary("single", 1);
        expect(texts.map((text) => single.internText(text))).toEqual(expected);
        expect([...idOf.keys()].map((text) => single.find(text))).toEqual([...idOf.values()]);
        expect([...idOf.values()].map((id) => single.text(id))).toEqual([...idOf.keys()]);
        expect(single.find("never interned")).toBe(-1);

        const { bytes, starts, ends } = columnOf(texts);
        const ids = new Int32Array(starts.length);
        const byColumn = new KeyDictionary("column", 1);
        byColumn.internText("of another generation");
        byColumn.reset();
        expect(byColumn.generation).toBe(1);
        expect(byColumn.internRows(bytes, starts, ends, ids)).toBe(texts.length);
        expect([...ids]).toEqual(expected.flatMap((id) => [-1, id]));

        const restored = new KeyDictionary("restored");
        restored.internText("before the restore");
        restored.beginRestore(single.size, single.heapBytes);
        restored.ends.set(single.ends.subarray(0, single.size));
        restored.heap.set(single.heap.subarray(0, single.heapBytes));
        restored.finishRestore();
        expect(texts.map((text) => restored.internText(text))).toEqual(expected);
      }),
    );
  });

  it.each([1, 16, 21, 22, 64])("loses no key of %i where it grows twice in a row", (capacity) => {
    const dictionary = new KeyDictionary("small", capacity);
    const texts = Array.from({ length: 300 }, (_, n) => (n % 2 === 0 ? `${n}` : `a-longer-key-${n}`));
    for (const [n, text] of texts.entries()) {
      expect(dictionary.internText(text)).toBe(n);
      expect(texts.slice(0, n + 1).map((earlier) => dictionary.find(earlier))).toEqual([
        ...texts.slice(0, n + 1).keys(),
      ]);
    }
  });

  it("grows twice in a row without a look-up in between", () => {
    const dictionary = new KeyDictionary("small", 16);
    const texts = Array.from({ length: 60 }, (_, n) => `source-number-${n}`);
    const ids = texts.map((text) => dictionary.internText(text));
    expect(texts.map((text) => dictionary.internText(text))).toEqual(ids);
  });

  it("tells a key that begins with a mark of the byte order from one without", () => {
    const dictionary = new KeyDictionary("marked");
    const ids = ["\ufeffu1", "u1"].map((text) => dictionary.internText(text));
    expect(ids).toEqual([0, 1]);
    expect(ids.map((id) => dictionary.text(id))).toEqual(["\ufeffu1", "u1"]);
  });

  it("finds keys of all ages while they move to a larger index, after a reset in the middle, too", () => {
    const dictionary = new KeyDictionary("growing", 16);
    const textOf = (n: number): string => (n % 2 === 0 ? `${n}` : `a-longer-key-with-the-number-${n}`);
    dictionary.internText("of another generation");
    for (let n = 0; n < 100; n++) dictionary.internText(`before ${n}`);
    dictionary.reset();
    let seed = 1;
    const wrong: number[] = [];
    for (let n = 0; n < 150_000; n++) {
      if (dictionary.internText(textOf(n)) !== n) wrong.push(n);
      seed = (seed * 48_271) % 0x7fffffff;
      const earlier = seed % (n + 1);
      const id = n % 3 === 0 ? dictionary.find(textOf(earlier)) : dictionary.internText(textOf(earlier));
      if (id !== earlier || dictionary.find(textOf(n + 1)) !== -1) wrong.push(n);
    }
    expect(wrong).toEqual([]);
    for (let n = 0; n < 150_000; n += 97) expect(dictionary.text(n)).toBe(textOf(n));
  });
});
