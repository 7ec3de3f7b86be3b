/** Encoded bytes are little-endian and typed arrays are copied as they lie, so the host must be too. */
if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1)
  throw new Error("a big-endian host is not supported");

const TWO_32 = 4294967296;
const halves = new DataView(new ArrayBuffer(8));

/** A byte buffer that grows by doubling and is reused: `clear()` keeps its memory. */
export class ByteSink {
  bytes: Uint8Array;
  view: DataView;
  length = 0;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  clear(): void {
    this.length = 0;
  }

  /** Makes room for `count` more bytes; after it `bytes` and `view` may be other objects. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** The content as a view, valid until the next write. */
  content(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  int32(value: number): void {
    this.reserve(4);
    this.view.setInt32(this.length, value, true);
    this.length += 4;
  }

  /** Unsigned LEB128 of an integer from 0 to 2^53. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80000000) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** Zigzag LEB128 of an integer within ±2^52. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Zigzag LEB128 of `value * scale` for any 64-bit product; see {@link writeInt64}. */
  zigzag64(value: number, scale: number): void {
    writeInt64(halves, 0, value, scale);
    const low = halves.getInt32(0, true);
    const high = halves.getInt32(4, true);
    const sign = high >> 31;
    let lowRest = ((low << 1) ^ sign) >>> 0;
    let highRest = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
    this.reserve(10);
    while (highRest !== 0 || lowRest >= 0x80) {
      this.bytes[this.length++] = (lowRest & 0x7f) | 0x80;
      lowRest = ((lowRest >>> 7) | (highRest << 25)) >>> 0;
      highRest >>>= 7;
    }
    this.bytes[this.length++] = lowRest;
  }

  append(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /**
   * Appends `source[start, end)`. Short values go word by word, which is several times cheaper than
   * a view and `set`; `words` must be a view of the same bytes as `source`.
   */
  copy(source: Uint8Array, words: DataView, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    let to = this.length;
    this.length = to + count;
    if (count > 256) {
      this.bytes.set(source.subarray(start, end), to);
      return;
    }
    const { bytes, view } = this;
    let from = start;
    for (const last = end - 3; from < last; from += 4, to += 4) {
      view.setInt32(to, words.getInt32(from, true), true);
    }
    while (from < end) bytes[to++] = source[from++];
  }
}

/**
 * Writes `value * scale` as a 64-bit integer, exactly, though the product may be beyond 2^53.
 *
 * @param value an integer within ±2^53
 * @param scale 1, or 1000 to turn milliseconds into microseconds
 */
export function writeInt64(view: DataView, at: number, value: number, scale: number): void {
  let high = Math.floor(value / TWO_32);
  let low = value - high * TWO_32;
  if (scale !== 1) {
    const product = low * scale;
    const carry = Math.floor(product / TWO_32);
    low = product - carry * TWO_32;
    high = high * scale + carry;
  }
  view.setUint32(at, low, true);
  view.setInt32(at + 4, high, true);
}

/** A view of the same bytes, for reading them in words. */
export function wordsOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
