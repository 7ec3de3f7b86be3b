import { mix32, type TextColumn } from "../../schema/index.ts";

/**
 * 64-bit hashes of the texts of rows [from, to) into `low` and `high`, from index 0. Two lanes of
 * MurmurHash3's 32-bit rounds (Appleby, public domain) with different constants read each word once.
 */
export function hashIds(
  column: TextColumn,
  from: number,
  to: number,
  low: Int32Array,
  high: Int32Array,
): void {
  const { bytes, start, end } = column;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let row = from; row < to; row++) {
    const stop = end[row];
    let a = 0x3c6ef372;
    let b = 0x1b56c4e9;
    let i = start[row];
    const length = stop - i;
    for (; i + 4 <= stop; i += 4) {
      const k = view.getInt32(i, true);
      const ka = Math.imul(k, 0xcc9e2d51);
      const kb = Math.imul(k, 0x239b961b);
      a ^= Math.imul((ka << 15) | (ka >>> 17), 0x1b873593);
      b ^= Math.imul((kb << 16) | (kb >>> 16), 0xab0e9789);
      a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
      b = (Math.imul((b << 17) | (b >>> 15), 5) + 0x561ccd1b) | 0;
    }
    for (; i < stop; i++) {
      a = Math.imul(a ^ bytes[i], 0x5bd1e995);
      b = Math.imul((b ^ bytes[i]) + 0x38b34ae5, 0x01000193);
    }
    low[row - from] = mix32(a ^ length);
    high[row - from] = mix32(b + length);
  }
}
