import { bitWidth, packBits } from "./bit-pack.ts";
import type { ByteSink } from "./byte-sink.ts";

const BLOCK = 128;
const MINIBLOCKS = 4;
const MINIBLOCK = BLOCK / MINIBLOCKS;

/**
 * Widest distance of a page's smallest and largest value, times the scale, for which every step of
 * {@link encodeDelta} is exact in doubles. Pages beyond it are written PLAIN.
 */
export const DELTA_RANGE_MAX = 2 ** 51;

const differences = new Float64Array(BLOCK);
const packed = new Int32Array(BLOCK);

/**
 * DELTA_BINARY_PACKED: blocks of 128 values in 4 miniblocks. Written are `values[i] * scale`.
 *
 * Parquet lets deltas wrap around; not every reader does so, hence the callers keep to ranges in
 * which none does: `(max - min) * scale` within {@link DELTA_RANGE_MAX}, and within 2^31 for INT32.
 */
export function encodeDelta(
  sink: ByteSink,
  values: Float64Array | Int32Array,
  count: number,
  scale: number,
): void {
  sink.varint(BLOCK);
  sink.varint(MINIBLOCKS);
  sink.varint(count);
  sink.zigzag64(count === 0 ? 0 : values[0], scale);
  for (let from = 1; from < count; from += BLOCK) {
    encodeBlock(sink, values, from, Math.min(BLOCK, count - from), scale);
  }
}

function encodeBlock(
  sink: ByteSink,
  values: Float64Array | Int32Array,
  from: number,
  count: number,
  scale: number,
): void {
  let previous = values[from - 1];
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const value = values[from + i];
    const difference = value - previous;
    previous = value;
    differences[i] = difference;
    if (difference < min) min = difference;
    if (difference > max) max = difference;
  }
  sink.zigzag64(min, scale);
  if (max === min) {
    sink.int32(0);
    return;
  }
  if ((max - min) * scale < 4294967296) encodeNarrow(sink, count, min, scale);
  else encodeWide(sink, count, min, scale);
}

/** All differences, less the smallest, are below 2^32. */
function encodeNarrow(sink: ByteSink, count: number, min: number, scale: number): void {
  const widthsAt = sink.length;
  sink.int32(0);
  for (let start = 0, m = 0; start < count; start += MINIBLOCK, m++) {
    const end = Math.min(start + MINIBLOCK, count);
    let used = 0;
    for (let i = start; i < end; i++) {
      const value = (differences[i] - min) * scale;
      packed[i] = value;
      used |= packed[i];
    }
    packed.fill(0, end, start + MINIBLOCK);
    const width = bitWidth(used);
    sink.bytes[widthsAt + m] = width;
    if (width > 0) packBits(sink, packed, start, MINIBLOCK, width);
  }
}

/** Whole bytes per value: such blocks are rare, and below 2^53 by {@link DELTA_RANGE_MAX}. */
function encodeWide(sink: ByteSink, count: number, min: number, scale: number): void {
  const widthsAt = sink.length;
  sink.int32(0);
  for (let start = 0, m = 0; start < count; start += MINIBLOCK, m++) {
    const end = Math.min(start + MINIBLOCK, count);
    let largest = 0;
    for (let i = start; i < end; i++) largest = Math.max(largest, (differences[i] - min) * scale);
    let byteCount = 0;
    for (let rest = largest; rest >= 1; rest /= 256) byteCount++;
    sink.bytes[widthsAt + m] = byteCount * 8;
    sink.reserve(MINIBLOCK * byteCount);
    for (let i = start; i < start + MINIBLOCK; i++) {
      let rest = i < end ? (differences[i] - min) * scale : 0;
      for (let b = 0; b < byteCount; b++) {
        const next = Math.floor(rest / 256);
        sink.bytes[sink.length++] = rest - next * 256;
        rest = next;
      }
    }
  }
}
