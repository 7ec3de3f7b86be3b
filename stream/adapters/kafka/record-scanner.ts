import { corruptError } from "./codecs.ts";
import { isEndOfInputHeader } from "./control-header.ts";
import { type RecordRun, spanOf } from "./record-set.ts";

interface Cut {
  /** Index of the run's first record in `starts`. */
  readonly from: number;
  readonly baseOffset: number;
  readonly ingestedAt: number;
  readonly control: "data" | "end-of-input";
}

/**
 * Finds the values of a batch's records, without an object for any of them. A record (version 2) is,
 * in varints with zigzag: length, int8 attributes, time - base time, offset - base offset, key
 * length, key, value length, value, number of headers, headers.
 */
export class RecordScanner {
  private at = 0;
  private filled = 0;
  private starts = new Int32Array(0);
  private ends = new Int32Array(0);
  private cuts: Cut[] = [];

  /** Begins a group of so many records at most. */
  begin(count: number): void {
    this.filled = 0;
    this.cuts = [];
    this.starts = new Int32Array(count);
    this.ends = new Int32Array(count);
  }

  /** Takes the values of records `bytes[from, to)` whose offset is `skipTo` or above. */
  scan(
    bytes: Uint8Array,
    batch: {
      readonly from: number;
      readonly to: number;
      readonly count: number;
      readonly baseOffset: number;
      readonly timestamp: number;
      /** Whether records have times of their own, counted from the batch's. */
      readonly hasTimes: boolean;
      readonly skipTo: number;
    },
  ): void {
    const { to, count, baseOffset, timestamp, hasTimes, skipTo } = batch;
    let expected = this.nextOffset();
    let time = timestamp;
    let span = spanOf(timestamp);
    this.at = batch.from;
    for (let i = 0; i < count; i++) {
      const size = this.varint(bytes);
      const next = this.at + size;
      if (size < 6 || next > to) throw corruptError("a record is longer than its batch");
      this.at++;
      if (hasTimes) time = timestamp + this.longVarint(bytes);
      else this.skipVarint(bytes);
      const offset = baseOffset + this.varint(bytes);
      const keySize = this.varint(bytes);
      if (keySize > 0) this.at += keySize;
      const valueSize = this.varint(bytes);
      const start = this.at;
      const end = valueSize > 0 ? start + valueSize : start;
      if (end >= next) throw corruptError("a value is longer than its record");
      this.at = next;
      if (offset < skipTo) continue;
      const marked = bytes[end] !== 0 && isEndOfInputHeader(bytes, end, next);
      const turned = hasTimes && spanOf(time) !== span;
      if (offset !== expected || marked || turned) {
        this.cuts.push({
          from: this.filled,
          baseOffset: offset,
          ingestedAt: time,
          control: marked ? "end-of-input" : "data",
        });
        span = spanOf(time);
      }
      this.starts[this.filled] = start;
      this.ends[this.filled++] = end;
      // What follows a marker begins a run of its own.
      expected = marked ? -1 : offset + 1;
    }
    if (this.at !== to) throw corruptError("bytes follow its last record");
  }

  /** The runs of all records that were scanned since `begin`. */
  runs(bytes: Uint8Array, nextOffset: number): RecordRun[] {
    return this.cuts.map(({ from, baseOffset, ingestedAt, control }, i) => {
      const after = this.cuts[i + 1];
      const to = after?.from ?? this.filled;
      return {
        baseOffset,
        count: to - from,
        bytes,
        starts: this.starts.subarray(from, to),
        ends: this.ends.subarray(from, to),
        ingestedAt,
        sequence: spanOf(ingestedAt),
        control,
        nextOffset: after === undefined ? nextOffset : baseOffset + to - from,
      };
    });
  }

  /** Where the key of the batch's only record is. */
  single(bytes: Uint8Array, from: number, to: number): { readonly keyStart: number } {
    this.at = from;
    this.varint(bytes);
    this.at++;
    this.skipVarint(bytes);
    this.varint(bytes);
    const keySize = this.varint(bytes);
    if (keySize < 4 || this.at + keySize > to) throw corruptError("a control record has no type");
    return { keyStart: this.at };
  }

  private nextOffset(): number {
    const last = this.cuts.at(-1);
    if (last === undefined || last.control === "end-of-input") return -1;
    return last.baseOffset + this.filled - last.from;
  }

  private varint(bytes: Uint8Array): number {
    let byte = bytes[this.at++];
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = bytes[this.at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw corruptError("a length or offset is more than 32 bits");
  }

  /** A 64-bit one, exact up to 2^53. */
  private longVarint(bytes: Uint8Array): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[this.at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      if (scale > 2 ** 56) throw corruptError("a time is more than 64 bits");
    }
  }

  private skipVarint(bytes: Uint8Array): void {
    while (bytes[this.at++] >= 0x80);
  }
}
