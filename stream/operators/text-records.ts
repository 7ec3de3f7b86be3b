import { type SlotArray, type StateSection, type TextColumn, utf8Decoder } from "../../schema/index.ts";

/** Bytes of a chunk as a shift. */
const CHUNK_SHIFT = 6;
const CHUNK = 1 << CHUNK_SHIFT;
const USED = 0;
const FREE = 1;
/** Length that stands for null. */
const NULL_LENGTH = 0xffff;

/**
 * Records of a few nullable texts that come and go, in chunks of one byte array that are used again:
 * memory follows what is kept, not what ever was. A record is `u16 length + bytes` for each text, in a
 * chain of chunks. Handle 0 is no record.
 */
export class TextRecords {
  private readonly fields: number;
  private readonly bytes: SlotArray<Uint8Array>;
  private readonly next: SlotArray<Int32Array>;
  private readonly numbers: SlotArray<Int32Array>;
  private scratch = new Uint8Array(1024);

  /** @param fields texts of each record, each of at most 65,534 bytes */
  constructor(section: StateSection, name: string, fields: number) {
    this.fields = fields;
    this.bytes = section.uint8(`${name}-bytes`);
    this.next = section.int32(`${name}-next`);
    this.numbers = section.int32(`${name}-numbers`);
    this.numbers.ensure(2);
    // Chunk 0 is never used, so that 0 can stand for none.
    this.numbers.values[USED] = 1;
    this.numbers.mark(0);
  }

  /** Stores the row's texts of the columns in place of the record `handle`, which is free then. */
  store(columns: readonly TextColumn[], row: number, handle = 0): number {
    let length = 0;
    for (const { start, end } of columns) length += 2 + (start[row] < 0 ? 0 : end[row] - start[row]);
    if (length > this.scratch.length) this.scratch = new Uint8Array(length * 2);
    let at = 0;
    for (const { bytes, start, end } of columns) {
      const size = start[row] < 0 ? NULL_LENGTH : end[row] - start[row];
      this.scratch[at++] = size & 255;
      this.scratch[at++] = size >>> 8;
      for (let i = start[row]; i >= 0 && i < end[row]; i++) this.scratch[at++] = bytes[i];
    }
    this.free(handle);
    return this.write(length);
  }

  /** The record's texts. */
  read(handle: number): (string | null)[] {
    const texts: (string | null)[] = [];
    let chunk = handle;
    let place = 0;
    const byte = (): number => {
      if (place === CHUNK) {
        chunk = this.next.values[chunk];
        place = 0;
      }
      return this.bytes.values[(chunk << CHUNK_SHIFT) + place++];
    };
    for (let field = 0; field < this.fields; field++) {
      const length = byte() | (byte() << 8);
      if (length === NULL_LENGTH) {
        texts.push(null);
        continue;
      }
      if (length > this.scratch.length) this.scratch = new Uint8Array(length * 2);
      for (let i = 0; i < length; i++) this.scratch[i] = byte();
      texts.push(utf8Decoder.decode(this.scratch.subarray(0, length)));
    }
    return texts;
  }

  free(handle: number): void {
    if (handle === 0) return;
    let last = handle;
    while (this.next.values[last] !== 0) last = this.next.values[last];
    this.next.values[last] = this.numbers.values[FREE];
    this.numbers.values[FREE] = handle;
    this.next.mark(last);
    this.numbers.mark(0);
  }

  private write(length: number): number {
    let first = 0;
    let before = 0;
    for (let from = 0; from < length; from += CHUNK) {
      const chunk = this.takeChunk();
      if (before === 0) first = chunk;
      else {
        this.next.values[before] = chunk;
        this.next.mark(before);
      }
      const at = chunk << CHUNK_SHIFT;
      const bytes = Math.min(length - from, CHUNK);
      this.bytes.values.set(this.scratch.subarray(from, from + bytes), at);
      this.bytes.markRange(at, at + bytes);
      before = chunk;
    }
    return first;
  }

  private takeChunk(): number {
    const numbers = this.numbers.values;
    this.numbers.mark(0);
    let chunk = numbers[FREE];
    if (chunk !== 0) numbers[FREE] = this.next.values[chunk];
    else {
      chunk = numbers[USED]++;
      this.next.ensure(chunk + 1);
      this.bytes.ensure((chunk + 1) << CHUNK_SHIFT);
    }
    this.next.values[chunk] = 0;
    this.next.mark(chunk);
    return chunk;
  }
}
