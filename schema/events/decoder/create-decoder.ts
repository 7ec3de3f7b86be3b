import {
  type EventBatch,
  type EventDecoder,
  type KeyDictionary,
  RECORD_PADDING,
  type RecordBatch,
  type Refusal,
} from "../../columns/index.ts";
import { MillraceError } from "../../errors.ts";
import type { EventContract } from "../contract.ts";
import { type BatchByContract, usualReaders } from "../generated/index.ts";
import type { EventProblem } from "../validate.ts";
import { ownSchemas, type WriterSchemas } from "../writer-schema.ts";
import { AvroReader } from "./avro-reader.ts";
import { BatchStore } from "./batch-store.ts";
import { readJsonByParsing } from "./json-fallback.ts";
import { JsonReader } from "./json-reader.ts";

export interface DecoderOptions {
  /** Dictionaries of the key fields, by field name; a key field without one gets its own. */
  readonly keys?: Readonly<Record<string, KeyDictionary>>;
  /** Most rows of one decode. */
  readonly capacity?: number;
  /** Larger records are refused as `too-large`. */
  readonly recordBytesMax?: number;
  /** Event times later than ingest time plus this are refused; null lets them pass. */
  readonly futureSkewMs?: number | null;
  /** Bytes of a refused record that its refusal keeps. */
  readonly refusalBytesMax?: number;
  /**
   * What an Avro record's schema id means; may grow between decodes. Without it, id i is element i - 1
   * of {@link contractVersions}.
   */
  readonly schemas?: WriterSchemas;
}

const DEFAULTS = {
  capacity: 4096,
  recordBytesMax: 1 << 20,
  refusalBytesMax: 1 << 16,
} as const;

/**
 * A decoder of JSON and Avro records (told apart by the first byte: 0 begins the Confluent wire
 * format) into the columns of the contract. It owns its batch; text columns point into the record
 * bytes where they can, so a batch is valid as long as those are, and until the next decode.
 */
export function createDecoder<N extends keyof BatchByContract>(
  contract: EventContract & { readonly name: N },
  options?: DecoderOptions,
): EventDecoder<BatchByContract[N]>;
export function createDecoder(contract: EventContract, options?: DecoderOptions): EventDecoder<EventBatch>;
export function createDecoder(
  contract: EventContract,
  options: DecoderOptions = {},
): EventDecoder<EventBatch> {
  return new ColumnDecoder(contract, options);
}

class ColumnDecoder implements EventDecoder<EventBatch> {
  readonly batch: EventBatch;
  readonly refusals: Refusal[] = [];
  private readonly store: BatchStore;
  private readonly json: JsonReader;
  private readonly avro: AvroReader;
  private readonly recordBytesMax: number;
  private readonly refusalBytesMax: number;
  private readonly futureSkewMs: number;
  private readonly timeBase: number;
  private avroProblem: EventProblem | null = null;

  constructor(contract: EventContract, options: DecoderOptions) {
    const capacity = options.capacity ?? DEFAULTS.capacity;
    this.store = new BatchStore(contract, capacity, options.keys ?? {});
    this.batch = this.store.batch;
    this.json = new JsonReader(this.store, usualReaders.get(contract) ?? null);
    this.avro = new AvroReader(this.store, options.schemas ?? ownSchemas);
    this.recordBytesMax = options.recordBytesMax ?? DEFAULTS.recordBytesMax;
    this.refusalBytesMax = options.refusalBytesMax ?? DEFAULTS.refusalBytesMax;
    this.futureSkewMs = options.futureSkewMs ?? Number.MAX_VALUE;
    this.timeBase = this.store.table.base[this.store.table.timeField];
  }

  decode(records: RecordBatch, from: number, to: number): EventBatch {
    const { store, batch } = this;
    if (to - from > store.capacity) {
      throw new MillraceError(
        `Decoder of ${batch.contract} was given ${to - from} records, but has room for ${store.capacity}: cut the range.`,
        { code: "batch-over-capacity", origin: "internal" },
      );
    }
    this.refusals.length = 0;
    batch.topic = records.topic;
    batch.partition = records.partition;
    const first = to > from ? records.starts[from] : 0;
    const last = to > from ? records.ends[to - 1] : 0;
    const bytes = plainBytes(records.bytes, last);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.json.use(bytes, view);
    this.avro.use(bytes, view);
    store.begin(to - from, last);
    batch.length = this.fillRows(records, bytes, from, to);
    store.finish(bytes, first, batch.length);
    fillIngestTimes(batch, records);
    batch.flags.fill(0, 0, batch.length);
    return batch;
  }

  private fillRows(records: RecordBatch, bytes: Uint8Array, from: number, to: number): number {
    const { store, recordBytesMax, timeBase } = this;
    const { starts, ends, ingestedAt, ingestTimes } = records;
    const { offset } = this.batch;
    const { float64 } = store;
    let row = 0;
    for (let i = from; i < to; i++) {
      const start = starts[i];
      const end = ends[i];
      const timeMax = (ingestTimes === undefined ? ingestedAt : ingestTimes[i]) + this.futureSkewMs;
      const arenaLength = store.arenaLength;
      const extraLength = store.extraLength;
      const fits = end > start && end - start <= recordBytesMax;
      if (fits && this.readRecord(bytes, start, end, row) && float64[timeBase + row] <= timeMax) {
        offset[row++] = records.baseOffset + i;
        continue;
      }
      store.resetRow(row, arenaLength, extraLength);
      const problem = this.decide(bytes, [start, end], row, timeMax);
      if (problem === null) {
        offset[row++] = records.baseOffset + i;
        continue;
      }
      store.resetRow(row, arenaLength, extraLength);
      this.refuse(records, bytes, i, problem);
    }
    return row;
  }

  private readRecord(bytes: Uint8Array, start: number, end: number, row: number): boolean {
    if (bytes[start] !== 0) return this.json.read(start, end, row);
    this.avroProblem = this.avro.read(start, end, row);
    return this.avroProblem === null;
  }

  /** What is wrong with a record that was not taken; null (and the row filled) where nothing is. */
  private decide(
    bytes: Uint8Array,
    range: readonly [number, number],
    row: number,
    timeMax: number,
  ): EventProblem | null {
    const [start, end] = range;
    const { table, float64 } = this.store;
    if (start === end) return { reason: "empty", field: null, detail: "the record has no bytes" };
    if (end - start > this.recordBytesMax) {
      const detail = `${end - start} bytes, at most ${this.recordBytesMax} are allowed`;
      return { reason: "too-large", field: null, detail };
    }
    const problem =
      bytes[start] === 0
        ? (this.avroProblem ?? this.avro.read(start, end, row))
        : readJsonByParsing(this.store, bytes, range, row);
    if (problem !== null) return problem;
    const time = float64[this.timeBase + row];
    if (time <= timeMax) return null;
    const detail = `${time} is later than ingest time plus the allowed skew, ${timeMax}`;
    return { reason: "time-in-future", field: table.contract.timeField, detail };
  }

  private refuse(records: RecordBatch, bytes: Uint8Array, index: number, problem: EventProblem): void {
    const start = records.starts[index];
    this.refusals.push({
      ...problem,
      topic: records.topic,
      partition: records.partition,
      offset: records.baseOffset + index,
      ingestedAt: records.ingestTimes?.[index] ?? records.ingestedAt,
      recordBytes: records.ends[index] - start,
      bytes: bytes.slice(start, Math.min(records.ends[index], start + this.refusalBytesMax)),
    });
  }
}

/** For the rows of a batch, which are all of the records but those that were refused. */
function fillIngestTimes({ ingestedAt, offset, length }: EventBatch, records: RecordBatch): void {
  const { ingestTimes, baseOffset } = records;
  if (ingestTimes === undefined) ingestedAt.fill(records.ingestedAt, 0, length);
  else for (let row = 0; row < length; row++) ingestedAt[row] = ingestTimes[offset[row] - baseOffset];
}

/**
 * The bytes as a plain Uint8Array: a Buffer in its place would make every byte access of the
 * readers slower for good. A batch without its padding is copied rather than read out of bounds.
 */
function plainBytes(bytes: Uint8Array, last: number): Uint8Array {
  if (bytes.length < last + RECORD_PADDING) {
    const padded = new Uint8Array(last + RECORD_PADDING);
    padded.set(bytes);
    return padded;
  }
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
