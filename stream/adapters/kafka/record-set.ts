import { RECORD_PADDING, type RecordBatch } from "../../../schema/index.ts";
import {
  BATCH_CHECKED_FROM,
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  BROKER_TIME,
  CODEC_MASK,
  CONTROL,
  MAGIC,
  readInt16,
  readInt32,
  readInt64,
  TRANSACTIONAL,
} from "./batch-header.ts";
import { corruptError, decompress } from "./codecs.ts";
import { crc32c } from "./crc32c.ts";
import { RecordScanner } from "./record-scanner.ts";

/** A transaction that was rolled back: the producer's records from the offset on, to its abort marker. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** Records with dense offsets: record i is at `baseOffset + i` and `bytes[starts[i], ends[i])`. */
export interface RecordRun
  extends Pick<RecordBatch, "baseOffset" | "count" | "bytes" | "starts" | "ends" | "ingestedAt" | "control"> {
  /**
   * Number of the time span of {@link SPAN_MS} in which the broker took the records. Runs never cross
   * one, so however fetches were cut, an order by it is the same in a replay.
   */
  readonly sequence: number;
  /** Where to go on behind the run: past markers, too, that nobody reads. */
  readonly nextOffset: number;
}

interface BatchHead {
  readonly at: number;
  /** Behind the batch's last byte. */
  readonly to: number;
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly attributes: number;
  /** Of the first record, and of the last; one time with a broker's. */
  readonly timestamp: number;
  readonly timestampMax: number;
  readonly producerId: number;
  readonly count: number;
}

/** Batches whose times fall into one span may be handed out as one: small ones would cost a step each. */
export const SPAN_MS = 10;
/** A run takes in no further batch beyond so many bytes. */
const RUN_BYTES_MAX = 1 << 20;
/** Type of a control record's key: a transaction's abort. */
const ABORT_MARKER = 0;

/**
 * The record batches that a fetch returned for one partition, read run by run: checked, decompressed
 * and scanned when asked for, so that what waits is small and the work is spread.
 *
 * Records of one uncompressed batch stay where the network put them. Left out are records before the
 * position (a fetch begins with the whole batch that holds it), markers of transactions, and records
 * of rolled back ones. A batch that the answer's size cut off is not looked at.
 */
export class RecordSet {
  /** Offset behind everything that was handed out or passed over. */
  position: number;
  private readonly bytes: Uint8Array;
  private readonly to: number;
  private at: number;
  private readonly aborted: readonly AbortedTransaction[];
  private abortedSeen = 0;
  private readonly abortedProducers = new Set<number>();
  private readonly scanner = new RecordScanner();
  private runs: RecordRun[] = [];

  constructor(
    records: { readonly bytes: Uint8Array; readonly from: number; readonly to: number },
    position: number,
    aborted: readonly AbortedTransaction[] = [],
  ) {
    this.bytes = records.bytes;
    this.at = records.from;
    this.to = records.to;
    this.position = position;
    this.aborted = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /**
   * The next run, or null at the set's end.
   *
   * @throws MillraceError `record-batch-corrupt`
   */
  next(): RecordRun | null {
    while (this.runs.length === 0) {
      const group = this.nextGroup();
      if (group.length === 0) return null;
      this.runs = this.decode(group);
    }
    const run = this.runs.shift() as RecordRun;
    this.position = run.nextOffset;
    return run;
  }

  /** Batches that are read as one: dense, of one time span, and nothing between them that is left out. */
  private nextGroup(): BatchHead[] {
    this.position = Math.max(this.position, this.skipInvisible());
    const first = this.headAt(this.at);
    if (first === null) return [];
    const group: BatchHead[] = [];
    for (let head: BatchHead | null = first; head !== null; head = this.headAt(this.at)) {
      if (group.length > 0 && !(areTogether(first, group[group.length - 1], head) && this.isVisible(head)))
        break;
      group.push(head);
      this.at = head.to;
    }
    return group;
  }

  /** Goes past markers and rolled back batches, and those before the position; the offset behind them. */
  private skipInvisible(): number {
    let end = 0;
    for (let head = this.headAt(this.at); head !== null; head = this.headAt(this.at)) {
      if (this.isVisible(head)) break;
      this.at = head.to;
      end = head.nextOffset;
    }
    return end;
  }

  private headAt(at: number): BatchHead | null {
    const { bytes } = this;
    if (this.to - at < BATCH_HEADER_BYTES) return null;
    const to = at + BATCH_PREFIX_BYTES + readInt32(bytes, at + 8);
    if (to < at + BATCH_HEADER_BYTES) throw corruptError(`its length is ${readInt32(bytes, at + 8)}`);
    if (to > this.to) return null;
    if (bytes[at + 16] !== MAGIC)
      throw corruptError(`its format is version ${bytes[at + 16]}, older than Kafka 0.11`);
    const baseOffset = readInt64(bytes, at);
    const attributes = readInt16(bytes, at + 21);
    const timestampMax = readInt64(bytes, at + 35);
    return {
      at,
      to,
      baseOffset,
      nextOffset: baseOffset + readInt32(bytes, at + 23) + 1,
      attributes,
      timestamp: (attributes & BROKER_TIME) === 0 ? readInt64(bytes, at + 27) : timestampMax,
      timestampMax,
      producerId: readInt64(bytes, at + 43),
      count: readInt32(bytes, at + 57),
    };
  }

  /** Keeps book of rolled back transactions, so every batch has to pass here, in order (twice does no harm). */
  private isVisible(head: BatchHead): boolean {
    const { aborted, abortedProducers } = this;
    for (; this.abortedSeen < aborted.length; this.abortedSeen++) {
      if (aborted[this.abortedSeen].firstOffset >= head.nextOffset) break;
      abortedProducers.add(aborted[this.abortedSeen].producerId);
    }
    const isControl = (head.attributes & CONTROL) !== 0;
    const isAborted = (head.attributes & TRANSACTIONAL) !== 0 && abortedProducers.has(head.producerId);
    const isOld = head.nextOffset <= this.position;
    if (!isControl && !isAborted && !isOld && head.count !== 0) return true;
    // What is left out has to say so itself, not a damaged bit.
    this.verify(head);
    if (isControl && this.controlType(head) === ABORT_MARKER) abortedProducers.delete(head.producerId);
    return false;
  }

  /** A control record's key is int16 version, int16 type. */
  private controlType(head: BatchHead): number {
    const { keyStart } = this.scanner.single(this.bytes, head.at + BATCH_HEADER_BYTES, head.to);
    return readInt16(this.bytes, keyStart + 2);
  }

  private decode(group: readonly BatchHead[]): RecordRun[] {
    for (const head of group) this.verify(head);
    const count = group.reduce((sum, head) => sum + head.count, 0);
    const { bytes, parts } = this.recordBytes(group);
    // Records take seven bytes at least, so a count that lies cannot ask for more memory than this.
    if (count > bytes.length || group.some((head) => head.count < 0))
      throw corruptError(`it says that it holds ${count} records`);
    const { scanner } = this;
    scanner.begin(count);
    parts.forEach(({ from, to }, i) => {
      const head = group[i];
      scanner.scan(bytes, {
        from,
        to,
        count: head.count,
        baseOffset: head.baseOffset,
        timestamp: head.timestamp,
        hasTimes: head.timestampMax !== head.timestamp,
        skipTo: this.position,
      });
    });
    const nextOffset = Math.max(group[group.length - 1].nextOffset, this.skipInvisible());
    const runs = scanner.runs(bytes, nextOffset);
    if (runs.length === 0) this.position = Math.max(this.position, nextOffset);
    return runs;
  }

  private verify(head: BatchHead): void {
    const sealed = readInt32(this.bytes, head.at + 17) >>> 0;
    const actual = crc32c(this.bytes, head.at + BATCH_CHECKED_FROM, head.to);
    if (sealed !== actual)
      throw corruptError(
        `at offset ${head.baseOffset}, checksum ${actual.toString(16)} is not ${sealed.toString(16)}`,
      );
  }

  /** One buffer with the records of all batches and the padding behind them. */
  private recordBytes(group: readonly BatchHead[]) {
    const first = group[0];
    const last = group[group.length - 1];
    if ((first.attributes & CODEC_MASK) === 0) {
      // The memory behind an answer belongs to it (FrameAssembler), beyond what its view shows.
      const { buffer, byteOffset } = this.bytes;
      const inPlace = byteOffset + last.to + RECORD_PADDING <= buffer.byteLength;
      const bytes = inPlace
        ? new Uint8Array(buffer, byteOffset, last.to + RECORD_PADDING)
        : padded([this.bytes.subarray(first.at, last.to)]);
      const shift = inPlace ? 0 : first.at;
      const parts = group.map((head) => ({
        from: head.at + BATCH_HEADER_BYTES - shift,
        to: head.to - shift,
      }));
      return { bytes, parts };
    }
    const pieces = group.map((head) =>
      decompress(head.attributes & CODEC_MASK, this.bytes.subarray(head.at + BATCH_HEADER_BYTES, head.to)),
    );
    let to = 0;
    const parts = pieces.map(({ length }) => {
      to += length;
      return { from: to - length, to };
    });
    return { bytes: padded(pieces), parts };
  }
}

/** Number of the span that a time falls into. */
export function spanOf(timestamp: number): number {
  return Math.floor(timestamp / SPAN_MS);
}

function areTogether(first: BatchHead, last: BatchHead, next: BatchHead): boolean {
  return (
    next.baseOffset === last.nextOffset &&
    (next.attributes & CODEC_MASK) === (first.attributes & CODEC_MASK) &&
    // One whose records have times of their own may reach over several spans.
    spanOf(last.timestampMax) === spanOf(first.timestamp) &&
    spanOf(next.timestampMax) === spanOf(first.timestamp) &&
    next.to - first.at <= RUN_BYTES_MAX
  );
}

function padded(pieces: readonly Uint8Array[]): Uint8Array {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const bytes = new Uint8Array(size + RECORD_PADDING);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The offset behind the last whole batch of `bytes[from, to)`, or null where there is none. */
export function endOfBatches(bytes: Uint8Array, from: number, to: number): number | null {
  let end: number | null = null;
  for (let at = from; to - at >= BATCH_HEADER_BYTES; ) {
    const next = at + BATCH_PREFIX_BYTES + readInt32(bytes, at + 8);
    if (next > to || next < at + BATCH_HEADER_BYTES) break;
    end = readInt64(bytes, at) + readInt32(bytes, at + 23) + 1;
    at = next;
  }
  return end;
}
