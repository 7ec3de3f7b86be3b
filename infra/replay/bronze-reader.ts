import type { QueryEngine } from "../../lakehouse/index.ts";
import { type EventContract, RECORD_PADDING, type RecordBatch } from "../../schema/index.ts";
import type { LogReader } from "../../stream/index.ts";
import { type BronzeRecord, readBronzePage } from "./bronze-page.ts";

/** Log offsets of one query: bounds the memory of a reader, with one page on its way. */
const PAGE_OFFSETS = 20_000;

/** Offsets of one partition that are read: `[begin, end)`, then a marker at `end` that ends the input. */
export interface BronzeRange {
  readonly begin: number;
  readonly end: number;
}

export interface BronzeReaderOptions {
  readonly engine: QueryEngine;
  readonly contract: EventContract;
  readonly partition: number;
  readonly range: BronzeRange;
}

/**
 * Reads a range of a bronze table as a log is read: records with the offsets and ingest times that they
 * had, in the order of their offsets. What bronze does not have (refused records, ends of transactions)
 * is left out. The order over topics is that of ingest times.
 */
export class BronzeReader implements LogReader {
  position: number;
  private readonly options: BronzeReaderOptions;
  private batches: RecordBatch[] = [];
  private fetchedTo: number;
  private fetching: Promise<void> | null = null;
  private failure: unknown = null;
  private ended = false;
  private lastIngestedAt = 0;

  constructor(options: BronzeReaderOptions, offset: number) {
    this.options = options;
    this.position = offset;
    this.fetchedTo = offset;
  }

  get isBehind(): boolean {
    return this.batches.length > 0 || this.fetchedTo < this.options.range.end || this.fetching !== null;
  }

  read(): RecordBatch | null {
    if (this.failure !== null) throw this.failure;
    if (this.batches.length === 0) return this.readEnd();
    const batch = this.batches.shift() as RecordBatch;
    this.position = batch.baseOffset + batch.count;
    this.lastIngestedAt = batch.ingestedAt;
    // The next page comes while the last batches of this one are processed.
    if (this.batches.length <= 1) void this.fetch();
    return batch;
  }

  async wait(timeoutMs: number): Promise<void> {
    if (this.batches.length > 0 || this.failure !== null) return;
    if (this.fetchedTo < this.options.range.end || this.fetching !== null) await this.fetch();
    else await new Promise((resolve) => setTimeout(resolve, timeoutMs));
  }

  close(): void {
    this.batches = [];
  }

  /** The marker, once, when everything before it was read. */
  private readEnd(): RecordBatch | null {
    const { range, contract, partition } = this.options;
    if (this.fetchedTo < range.end || this.fetching !== null) {
      void this.fetch();
      return null;
    }
    if (this.ended || this.position > range.end) return null;
    this.ended = true;
    this.position = range.end + 1;
    return {
      topic: contract.topic,
      partition,
      baseOffset: range.end,
      count: 1,
      bytes: new Uint8Array(RECORD_PADDING),
      starts: new Int32Array(1),
      ends: new Int32Array(1),
      ingestedAt: this.lastIngestedAt,
      // Behind the records of every topic.
      sequence: Number.MAX_SAFE_INTEGER,
      control: "end-of-input",
    };
  }

  private fetch(): Promise<void> {
    if (this.fetching !== null || this.fetchedTo >= this.options.range.end)
      return this.fetching ?? Promise.resolve();
    const from = this.fetchedTo;
    const to = Math.min(this.options.range.end, from + PAGE_OFFSETS);
    this.fetching = this.fetchPage(from, to)
      .then((batches) => {
        this.batches.push(...batches);
        this.fetchedTo = to;
      })
      .catch((error: unknown) => {
        this.failure = error;
      })
      .finally(() => {
        this.fetching = null;
      });
    return this.fetching;
  }

  private async fetchPage(from: number, to: number): Promise<RecordBatch[]> {
    const { engine, contract, partition } = this.options;
    const records = await readBronzePage(engine, { contract, partition, from, to });
    const batches: RecordBatch[] = [];
    for (let start = 0; start < records.length; ) {
      let end = start + 1;
      // Offsets within a batch are dense, and it was taken at one time.
      while (
        end < records.length &&
        records[end].offset === records[end - 1].offset + 1 &&
        records[end].ingestedAt === records[start].ingestedAt
      )
        end++;
      batches.push(this.toBatch(records.slice(start, end)));
      start = end;
    }
    return batches;
  }

  private toBatch(records: readonly BronzeRecord[]): RecordBatch {
    const { contract, partition } = this.options;
    const values = records.map(({ text }) => Buffer.from(text));
    const starts = new Int32Array(values.length);
    const ends = new Int32Array(values.length);
    let at = 0;
    for (const [i, value] of values.entries()) {
      starts[i] = at;
      at += value.length;
      ends[i] = at;
    }
    const { offset, ingestedAt } = records[0];
    return {
      topic: contract.topic,
      partition,
      baseOffset: offset,
      count: values.length,
      bytes: Buffer.concat([...values, Buffer.alloc(RECORD_PADDING)]),
      starts,
      ends,
      ingestedAt,
      sequence: ingestedAt,
      control: "data",
    };
  }
}
