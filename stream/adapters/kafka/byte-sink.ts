/** Growing output of a decompressor, with the copies that LZ77 codecs need. */
export class ByteSink {
  length = 0;
  private bytes: Uint8Array;
  private readonly bytesMax: number;

  constructor(sizeHint: number, bytesMax: number) {
    this.bytesMax = bytesMax;
    this.bytes = new Uint8Array(Math.min(bytesMax, Math.max(64, sizeHint)));
  }

  /** Appends `source[from, to)`. */
  literal(source: Uint8Array, from: number, to: number): void {
    if (to > source.length) throw new RangeError("the input ends within a literal");
    this.reserve(to - from);
    this.bytes.set(source.subarray(from, to), this.length);
    this.length += to - from;
  }

  /** Appends bytes that were written `distance` before; the range may overlap what it writes. */
  repeat(distance: number, count: number, oldest = 0): void {
    if (distance < 1 || this.length - distance < oldest)
      throw new RangeError("a copy from before the output's begin");
    this.reserve(count);
    const { bytes } = this;
    const at = this.length;
    if (distance >= count) bytes.copyWithin(at, at - distance, at - distance + count);
    else for (let i = 0; i < count; i++) bytes[at + i] = bytes[at + i - distance];
    this.length += count;
  }

  take(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    if (needed > this.bytesMax) throw new RangeError(`the output is more than ${this.bytesMax} bytes`);
    const grown = new Uint8Array(Math.min(this.bytesMax, Math.max(needed, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
