import fc from "fast-check";
import { expect, it } from "vitest";
import { MillraceError } from "../../../schema/index.ts";
import { CODECS, decompress } from "./codecs.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const ascii = (value: string): number[] => [...Buffer.from(value)];

it("decompresses Snappy: literals, and copies with each length of distance, overlapping too", () => {
  // Length 28; "abcd", copy 8 from 4 back (1-byte), copy 12 from 12 back (2-byte), copy 4 from 24 back (4-byte).
  const block = [28, (4 - 1) << 2, ...ascii("abcd"), 1 | ((8 - 4) << 2), 4];
  block.push(2 | ((12 - 1) << 2), 12, 0, 3 | ((4 - 1) << 2), 24, 0, 0, 0);
  expect(text(decompress(CODECS.snappy, Uint8Array.from(block)))).toBe("abcd".repeat(7));
});

it("decompresses Snappy literals with long lengths", () => {
  const value = "z".repeat(300);
  const block = [0xac, 0x02, 61 << 2, 0x2b, 0x01, ...ascii(value)];
  expect(text(decompress(CODECS.snappy, Uint8Array.from(block)))).toBe(value);
});

it("decompresses LZ4 frames: compressed and stored blocks, overlapping and long matches, several frames", () => {
  const header = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
  // Token: 2 literals, match 4 + 15 + 20 from 2 back; then 3 literals.
  const block = [0x2f, ...ascii("xy"), 2, 0, 20, 0x30, ...ascii("end")];
  const compressed = [block.length, 0, 0, 0, ...block];
  const stored = [5, 0, 0, 0x80, ...ascii("plain")];
  const frame = [...header, ...compressed, ...stored, 0, 0, 0, 0];
  const once = `${"xy".repeat(20)}xendplain`;
  expect(text(decompress(CODECS.lz4, Uint8Array.from([...frame, ...frame])))).toBe(once + once);
});

it("refuses what is not of the codec, without a crash or an endless loop", () => {
  const codecs = fc.constantFrom(1, 2, 3, 4, 5, 7);
  const magic = fc.constantFrom<number[]>([], [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82], [200, 1]);
  fc.assert(
    fc.property(codecs, magic, fc.uint8Array({ maxLength: 100 }), (codec, begin, rest) => {
      try {
        decompress(codec, Uint8Array.from([...begin, ...rest]));
      } catch (error) {
        expect(error).toBeInstanceOf(MillraceError);
        expect((error as MillraceError).code).toBe("record-batch-corrupt");
      }
    }),
    { numRuns: 3000 },
  );
});
