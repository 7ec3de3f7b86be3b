import type { AppendBatch } from "../ports/event-log.ts";
import { partitionOf } from "./partitioner.ts";

const POWERS = Array.from({ length: 16 }, (_, i) => 10 ** i);

/** Record values of one partition, written byte by byte, with room that grows. */
export class RecordWriter {
  bytes: Buffer;
  length = 0;
  count = 0;
  #starts = new Int32Array(1024);
  #ends = new Int32Array(1024);
  #recordStart = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  /** Starts a record; the caller writes at most `bytesMax` bytes before {@link end}. */
  begin(bytesMax: number): void {
    if (this.length + bytesMax > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + bytesMax));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    this.#recordStart = this.length;
  }

  end(): void {
    if (this.count === this.#starts.length) {
      const starts = new Int32Array(this.count * 2);
      const ends = new Int32Array(this.count * 2);
      starts.set(this.#starts);
      ends.set(this.#ends);
      this.#starts = starts;
      this.#ends = ends;
    }
    this.#starts[this.count] = this.#recordStart;
    this.#ends[this.count++] = this.length;
  }

  /** Start of the record being written. */
  get recordStart(): number {
    return this.#recordStart;
  }

  /** Copies bytes as they are; loops, because most pieces are shorter than a call of `set` is worth. */
  raw(piece: Uint8Array): void {
    const bytes = this.bytes;
    let at = this.length;
    const size = piece.length;
    if (size > 48) {
      bytes.set(piece, at);
      at += size;
    } else {
      for (let i = 0; i < size; i++) bytes[at++] = piece[i];
    }
    this.length = at;
  }

  /** UTF-8 text; room of three bytes a character must have been asked for. */
  text(text: string): void {
    this.length += this.bytes.write(text, this.length, "utf8");
  }

  /** Text of ASCII characters only; room of a byte a character must have been asked for. */
  ascii(text: string): void {
    this.length += this.bytes.write(text, this.length, "latin1");
  }

  /** A non-negative integer below 10^15, in decimal, filled with zeros up to `width`. */
  digits(value: number, width = 1): void {
    let size = width;
    while (size < 15 && value >= POWERS[size]) size++;
    const bytes = this.bytes;
    let at = this.length + size;
    this.length = at;
    let rest = value;
    // Above 2^31 a division of doubles; below, integer arithmetic.
    while (rest > 0x7fffffff) {
      const high = Math.floor(rest / 10);
      bytes[--at] = 48 + (rest - high * 10);
      rest = high;
      size--;
    }
    let small = rest | 0;
    for (; size > 0; size--) {
      const high = (small / 10) | 0;
      bytes[--at] = 48 + (small - high * 10);
      small = high;
    }
  }

  /** The records so far as an append; the writer goes on with fresh memory. */
  take(topic: string, partition: number): AppendBatch {
    const batch: AppendBatch = {
      topic,
      partition,
      count: this.count,
      bytes: this.bytes.subarray(0, this.length),
      starts: this.#starts.slice(0, this.count),
      ends: this.#ends.slice(0, this.count),
      control: "data",
    };
    this.bytes = Buffer.allocUnsafe(this.bytes.length);
    this.length = 0;
    this.count = 0;
    return batch;
  }
}

/** The writers of all partitions of one topic. */
export class TopicWriter {
  readonly topic: string;
  readonly partitions: readonly RecordWriter[];

  constructor(topic: string, partitions: number, capacity = 1 << 16) {
    this.topic = topic;
    this.partitions = Array.from({ length: partitions }, () => new RecordWriter(capacity));
  }

  /** The writer of the partition that the key belongs to. */
  at(key: Uint8Array, start = 0, end = key.length): RecordWriter {
    return this.partitions[partitionOf(key, this.partitions.length, start, end)];
  }

  /** Writes one record whole. */
  put(key: string, value: string): void {
    this.putAt(partitionOf(Buffer.from(key), this.partitions.length), value);
  }

  /** Writes one record whole, as bytes. */
  putRecord(key: string, value: Uint8Array): void {
    this.putBytes(partitionOf(Buffer.from(key), this.partitions.length), value);
  }

  putAt(partition: number, value: string): void {
    const writer = this.partitions[partition];
    writer.begin(value.length * 3);
    writer.text(value);
    writer.end();
  }

  putBytes(partition: number, value: Uint8Array): void {
    const writer = this.partitions[partition];
    writer.begin(value.length);
    writer.raw(value);
    writer.end();
  }

  /** Moves what was written to `into`, one batch for each partition that has records. */
  drain(into: AppendBatch[]): void {
    for (let p = 0; p < this.partitions.length; p++) {
      if (this.partitions[p].count > 0) into.push(this.partitions[p].take(this.topic, p));
    }
  }
}

/** The producer's mark that no more input comes: closes every open window of the partition. */
export function endOfInput(topic: string, partition: number): AppendBatch {
  return {
    topic,
    partition,
    count: 0,
    bytes: new Uint8Array(0),
    starts: new Int32Array(0),
    ends: new Int32Array(0),
    control: "end-of-input",
  };
}
