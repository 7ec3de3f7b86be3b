import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../sources/random.ts";
import { poolCodec } from "./image-codec.ts";

/** Around what the pool gives at once, which is 1.25 MB; half of it does not get smaller. */
const SIZES = [0, 1, 100, 65_536, (5 << 18) - 1, 5 << 18, (5 << 18) + 1, 4_000_000];

describe("the codec of state images", () => {
  test.each(SIZES)(
    "gives back %i bytes, also from earlier versions, which did not say how many",
    async (size) => {
      const random = new SeededRandom(1);
      const part = Uint8Array.from({ length: size }, (_, i) => (i % 2 === 0 ? random.below(256) : 7));
      const packed = await poolCodec.compress(part);
      expect(packed.buffer.byteLength).toBe(packed.length);
      const earlier = await promisify(zstdCompress)(part);
      for (const bytes of [packed, earlier]) {
        const unpacked = await poolCodec.decompress(bytes);
        expect(Buffer.compare(unpacked, part)).toBe(0);
        poolCodec.release(unpacked);
        expect(unpacked.length).toBe(0);
      }
    },
  );
});
