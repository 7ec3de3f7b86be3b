import type { ByteSink } from "./byte-sink.ts";

/** Bits needed for an unsigned value below 2^32. */
export function bitWidth(value: number): number {
  return 32 - Math.clz32(value);
}

/**
 * Packs `values[from, from + count)` (unsigned, below 2^width) with the lowest bit first. `count`
 * must be a multiple of 8; the width is 1 to 32.
 */
export function packBits(
  sink: ByteSink,
  values: Int32Array,
  from: number,
  count: number,
  width: number,
): void {
  const byteCount = (count * width) >>> 3;
  // The last word may reach over the end; its spare bytes are zero and are overwritten later.
  sink.reserve(byteCount + 4);
  const { view } = sink;
  let at = sink.length;
  let word = 0;
  let bits = 0;
  for (let i = from, end = from + count; i < end; i++) {
    const value = values[i];
    word |= value << bits;
    bits += width;
    if (bits >= 32) {
      view.setInt32(at, word, true);
      at += 4;
      bits -= 32;
      word = bits === 0 ? 0 : value >>> (width - bits);
    }
  }
  // Always: a condition behind the loop makes V8 drop optimised code at the end of many a page.
  view.setInt32(at, word, true);
  sink.length += byteCount;
}

/** As {@link packBits} with width 1, for bytes of 0 or 1: four at a time, with a multiple of 8 in all. */
export function packLevels(sink: ByteSink, levels: Uint8Array, count: number): void {
  sink.reserve(count >>> 3);
  const { bytes } = sink;
  const words = new Int32Array(levels.buffer, levels.byteOffset, count >>> 2);
  let at = sink.length;
  for (let i = 0; i < words.length; i += 2) {
    const low = words[i];
    const high = words[i + 1];
    const lowBits = (low | (low >>> 7) | (low >>> 14) | (low >>> 21)) & 15;
    const highBits = (high | (high >>> 7) | (high >>> 14) | (high >>> 21)) & 15;
    bytes[at++] = lowBits | (highBits << 4);
  }
  sink.length = at;
}

/**
 * Parquet's hybrid of runs and bit packing (encoding RLE), without a length prefix. Either all
 * runs, or, where these would be larger, all packed.
 *
 * @param values unsigned below 2^width (bytes: levels of width 1), with a capacity of at least
 *   `count` rounded up to 8; what lies behind `count` is overwritten with zeros
 */
export function encodeRuns(
  sink: ByteSink,
  values: Int32Array | Uint8Array,
  count: number,
  width: number,
): void {
  if (count === 0) return;
  const runBytes = ((width + 7) >>> 3) + 2;
  const runsMax = Math.floor((count * width) / 8 / runBytes) + 1;
  if (hasRunsAtMost(values, count, runsMax)) {
    encodeAllRuns(sink, values, count, width);
    return;
  }
  const padded = (count + 7) & ~7;
  values.fill(0, count, padded);
  sink.varint(((padded >>> 3) << 1) | 1);
  if (values instanceof Uint8Array) packLevels(sink, values, padded);
  else packBits(sink, values, 0, padded, width);
}

/** One run of an equal value in the hybrid encoding. */
export function encodeRun(sink: ByteSink, value: number, count: number, width: number): void {
  sink.varint(count * 2);
  for (let shift = 0; shift < width; shift += 8) sink.byte((value >>> shift) & 0xff);
}

function encodeAllRuns(sink: ByteSink, values: Int32Array | Uint8Array, count: number, width: number): void {
  let start = 0;
  for (let i = 1; i <= count; i++) {
    if (i < count && values[i] === values[start]) continue;
    encodeRun(sink, values[start], i - start, width);
    start = i;
  }
}

function hasRunsAtMost(values: Int32Array | Uint8Array, count: number, runsMax: number): boolean {
  let runs = 1;
  for (let i = 1; i < count; i++) {
    if (values[i] !== values[i - 1] && ++runs > runsMax) return false;
  }
  return true;
}
