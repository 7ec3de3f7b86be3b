import { utf8Decoder } from "../../schema/index.ts";
import { writeInt64 } from "./byte-sink.ts";
import { PhysicalType } from "./format.ts";

/**
 * Smallest and largest value of a page, chunk or file, PLAIN-encoded without a length, which is
 * Iceberg's single-value serialisation too. `null`: there is no usable bound.
 */
export interface Bounds {
  readonly min: Uint8Array | null;
  readonly max: Uint8Array | null;
  /** False where the bound is a shortened string. */
  readonly minExact: boolean;
  readonly maxExact: boolean;
}

export const NO_BOUNDS: Bounds = { min: null, max: null, minExact: false, maxExact: false };

/** Running smallest and largest of numbers. A NaN makes the range unusable, as both formats ask. */
export class NumberRange {
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  count = 0;
  nan = false;
  /** Whether a value has a fraction. */
  fraction = false;

  clear(): void {
    this.min = Number.POSITIVE_INFINITY;
    this.max = Number.NEGATIVE_INFINITY;
    this.count = 0;
    this.nan = false;
    this.fraction = false;
  }

  scan(values: Float64Array, count: number): void {
    let { min, max } = this;
    let nan = false;
    let fraction = false;
    for (let i = 0; i < count; i++) {
      const value = values[i];
      if (value < min) min = value;
      if (value > max) max = value;
      // biome-ignore lint/suspicious/noSelfCompare: the cheapest NaN test
      if (value !== value) nan = true;
      if (value !== Math.floor(value)) fraction = true;
    }
    this.min = min;
    this.max = max;
    this.nan ||= nan;
    this.fraction ||= fraction;
    this.count += count;
  }

  include(other: NumberRange): void {
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.nan ||= other.nan;
    this.count += other.count;
  }

  bounds(type: PhysicalType, scale: number): Bounds {
    if (this.count === 0 || this.nan) return NO_BOUNDS;
    // Readers may compare -0 below +0: a zero bound covers both.
    const min = this.min === 0 ? -0 : this.min;
    const max = this.max === 0 ? 0 : this.max;
    return {
      min: numberBytes(type, min, scale),
      max: numberBytes(type, max, scale),
      minExact: true,
      maxExact: true,
    };
  }
}

function numberBytes(type: PhysicalType, value: number, scale: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  switch (type) {
    case PhysicalType.boolean:
      bytes[0] = value;
      return bytes.subarray(0, 1);
    case PhysicalType.int32:
      view.setInt32(0, value, true);
      return bytes.subarray(0, 4);
    case PhysicalType.int64:
      writeInt64(view, 0, value, scale);
      return bytes;
    default:
      view.setFloat64(0, value, true);
      return bytes;
  }
}

/** Running smallest and largest of byte strings, in unsigned byte order; keeps copies. */
export class StringRange {
  min: Uint8Array | null = null;
  max: Uint8Array | null = null;

  clear(): void {
    this.min = null;
    this.max = null;
  }

  /** @param ends ends of the values, which lie back to back in `heap` from 0 */
  scan(heap: Uint8Array, words: DataView, ends: Int32Array, count: number): void {
    if (count === 0) return;
    let minStart = 0;
    let minEnd = ends[0];
    let maxStart = 0;
    let maxEnd = minEnd;
    for (let i = 1, start = minEnd; i < count; i++) {
      const end = ends[i];
      if (isLess(words, start, end, minStart, minEnd)) {
        minStart = start;
        minEnd = end;
      } else if (isLess(words, maxStart, maxEnd, start, end)) {
        maxStart = start;
        maxEnd = end;
      }
      start = end;
    }
    this.includeValues(heap.subarray(minStart, minEnd), heap.subarray(maxStart, maxEnd));
  }

  include(other: StringRange): void {
    if (other.min !== null && other.max !== null) this.includeValues(other.min, other.max);
  }

  /** Values of up to 16 code points are exact; longer ones are shortened to 16. */
  bounds(): Bounds {
    if (this.min === null || this.max === null) return NO_BOUNDS;
    const min = truncateMin(this.min, BOUND_CODE_POINTS);
    const max = truncateMax(this.max, BOUND_CODE_POINTS);
    return {
      min,
      max,
      minExact: min.length === this.min.length,
      maxExact: max !== null && max.length === this.max.length && Buffer.compare(max, this.max) === 0,
    };
  }

  private includeValues(min: Uint8Array, max: Uint8Array): void {
    if (this.min === null || Buffer.compare(min, this.min) < 0) this.min = min.slice();
    if (this.max === null || Buffer.compare(max, this.max) > 0) this.max = max.slice();
  }
}

/** Unsigned byte order, four bytes at a time: ids in a row often differ in their last bytes only. */
function isLess(words: DataView, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  const shift = otherStart - start;
  const common = Math.min(end, otherEnd - shift);
  let at = start;
  for (; at + 4 <= common; at += 4) {
    if (words.getInt32(at, true) !== words.getInt32(at + shift, true)) {
      return words.getUint32(at) < words.getUint32(at + shift);
    }
  }
  for (; at < common; at++) {
    const byte = words.getUint8(at);
    const other = words.getUint8(at + shift);
    if (byte !== other) return byte < other;
  }
  return end - start < otherEnd - otherStart;
}

/** Iceberg's default for string metrics: truncate(16), in code points. */
const BOUND_CODE_POINTS = 16;
const CODE_POINT_MAX = 0x10ffff;
const utf8Encoder = new TextEncoder();

/** End of the first `codePoints` code points of a UTF-8 string. */
function prefixEnd(bytes: Uint8Array, codePoints: number): number {
  let seen = 0;
  for (let i = 0; i < bytes.length; i++) {
    const startsCodePoint = (bytes[i] & 0xc0) !== 0x80;
    if (startsCodePoint && ++seen > codePoints) return i;
  }
  return bytes.length;
}

/** A string of at most `codePoints` code points that is not above the value: its prefix. */
export function truncateMin(bytes: Uint8Array, codePoints: number): Uint8Array {
  return bytes.subarray(0, prefixEnd(bytes, codePoints));
}

/**
 * The smallest string of at most `codePoints` code points that is not below the value: its prefix
 * with the last code point that can be raised raised, and nothing after it. Null where all are
 * already the highest.
 */
export function truncateMax(bytes: Uint8Array, codePoints: number): Uint8Array | null {
  const end = prefixEnd(bytes, codePoints);
  if (end === bytes.length) return bytes;
  const points = Array.from(utf8Decoder.decode(bytes.subarray(0, end)), (text) => text.codePointAt(0) ?? 0);
  for (let last = points.length - 1; last >= 0; last--) {
    if (points[last] === CODE_POINT_MAX) continue;
    // Surrogates are no characters of their own: the next code point after U+D7FF is U+E000.
    const raised = points[last] === 0xd7ff ? 0xe000 : points[last] + 1;
    return utf8Encoder.encode(String.fromCodePoint(...points.slice(0, last), raised));
  }
  return null;
}
