import { buffer } from "node:stream/consumers";
import { createZstdCompress } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { MillraceError } from "../../../schema/index.ts";
import { CODECS, compress, decompress } from "./codecs.ts";
import { zstdContentSize } from "./zstd-frame.ts";

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

it("decompresses zstd of every size that a frame writes, and where it writes none", async () => {
  for (const size of [0, 1, 255, 256, 257, 65_535, 65_791, 65_792, 65_793, 3_000_000]) {
    const records = Uint8Array.from({ length: size }, (_, i) => (i * 2_654_435_761) >>> 24);
    const sized = compress("zstd", records);
    if (sized.length >= 18) expect(zstdContentSize(sized)).toBe(size);
    expect(Buffer.compare(decompress(CODECS.zstd, sized), records)).toBe(0);
    const unsized = await streamed(records);
    expect(zstdContentSize(unsized)).toBeNull();
    expect(Buffer.compare(decompress(CODECS.zstd, unsized), records)).toBe(0);
  }
});

it("decompresses zstd whose header claims another size, or refuses it", () => {
  const records = Buffer.from("millrace ".repeat(1000));
  const claimed = Buffer.from(compress("zstd", records));
  claimed.writeUInt16LE(0xffff, 5);
  expect(zstdContentSize(claimed)).toBe(0xffff + 256);
  expect(() => decompress(CODECS.zstd, claimed)).toThrow(MillraceError);
});

/** As a producer compresses that does not know how much will come. */
function streamed(records: Uint8Array): Promise<Buffer> {
  const stream = createZstdCompress();
  stream.write(records);
  stream.flush(() => stream.end());
  return buffer(stream);
}
