import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeyDictionary } from "../../schema/index.ts";
import { JsonWriter } from "./json-writer.ts";

const written = (write: (out: JsonWriter) => void): string => {
  const out = new JsonWriter(new Uint8Array(1));
  write(out);
  return Buffer.from(out.bytes.subarray(0, out.length)).toString();
};

describe("JSON written as bytes equals what JSON.stringify gives", () => {
  test("for integers up to 2^53", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(written((out) => out.integer(value))).toBe(String(value));
      }),
      { numRuns: 2000 },
    );
    for (const value of [0, 9, 10, 999_999, 1_000_000, 1_000_001, 1_700_000_000_000, -1_000_000])
      expect(written((out) => out.integer(value))).toBe(String(value));
  });

  test("for sums beyond 2^53, which stay there", () => {
    expect(written((out) => out.integer(1.9e25))).toBe(String(Number.MAX_SAFE_INTEGER));
    expect(written((out) => out.integer(-(2 ** 53)))).toBe(String(Number.MIN_SAFE_INTEGER));
  });

  test("for decimals, rounded", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.integer({ min: 1, max: 6 }),
        (value, decimals) => {
          const scale = 10 ** decimals;
          const rounded = (Math.sign(value) * Math.round(Math.abs(value) * scale)) / scale;
          expect(JSON.parse(written((out) => out.decimal(value, decimals)))).toBeCloseTo(rounded, 9);
        },
      ),
      { numRuns: 2000 },
    );
    const texts = [0, 0.5, -0.25, 1, 12.000001, 0.0000001, -0.0000001].map((value) =>
      written((out) => out.decimal(value, 6)),
    );
    expect(texts).toEqual(["0", "0.5", "-0.25", "1", "12.000001", "0", "0"]);
  });

  test("for keys with anything in them", () => {
    const keys = new KeyDictionary("keys");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const id = keys.internText(text);
        expect(JSON.parse(written((out) => out.key(keys, id)))).toBe(keys.text(id));
      }),
      { numRuns: 2000 },
    );
    expect(written((out) => out.key(keys, keys.internText('a"\\\u0007ü😀')))).toBe('"a\\"\\\\\\u0007ü😀"');
  });

  test("what is no number is null", () => {
    expect(written((out) => out.integer(Number.NaN))).toBe("null");
    expect(written((out) => out.decimal(Number.POSITIVE_INFINITY, 3))).toBe("null");
  });
});
