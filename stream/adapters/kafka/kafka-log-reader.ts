import { MillraceError, RECORD_PADDING, type RecordBatch } from "../../../schema/index.ts";
import type { LogReader, ReadOnLimits } from "../../ports/event-log.ts";
import { joinFollowing, type NextBatch, spanBytes } from "../join-batches.ts";
import { outOfRangeError } from "../lmdb-log-reader.ts";
import type { FetchedPartition } from "./fetch-request.ts";
import type { FetchTarget } from "./fetcher.ts";
import { KafkaError } from "./kafka-errors.ts";
import { endOfBatches, type RecordRun, RecordSet } from "./record-set.ts";

/** No further fetch while so many bytes, as they came, wait to be read: a reader holds three times as many at most. */
const BUFFERED_BYTES_ENOUGH = 4 << 20;
/**
 * A share that is smaller than one in so many of its answer is copied where it has to wait. More than the four
 * partitions that fill an answer when all are behind: these are never copied.
 */
const SHARES_IN_PLACE_MAX = 6;

interface Fetched {
  readonly set: RecordSet;
  /** Bytes that count as waiting. */
  readonly size: number;
}

/** Reads one partition from what the fetcher brings ahead. */
export class KafkaLogReader implements LogReader, FetchTarget {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string | null;
  position: number;
  fetchOffset: number;
  isBehind = true;
  private readonly changed: {
    readonly wanted: () => void;
    readonly closed: (reader: KafkaLogReader) => void;
  };
  private buffered: Fetched[] = [];
  private bufferedBytes = 0;
  private run: RecordRun | null = null;
  /** Records of the run that were read. */
  private taken = 0;
  private error: unknown = null;
  private closed = false;
  private readonly waiters = new Set<() => void>();

  constructor(
    at: {
      readonly topic: string;
      readonly partition: number;
      readonly offset: number;
      readonly topicId?: string;
    },
    changed: { readonly wanted: () => void; readonly closed: (reader: KafkaLogReader) => void },
  ) {
    this.topic = at.topic;
    this.partition = at.partition;
    this.topicId = at.topicId ?? null;
    this.position = at.offset;
    this.fetchOffset = at.offset;
    this.changed = changed;
  }

  get wantsRecords(): boolean {
    return !this.closed && this.error === null && this.bufferedBytes < BUFFERED_BYTES_ENOUGH;
  }

  accept(bytes: Buffer, { from, to, aborted, stableOffset }: FetchedPartition): void {
    const end = endOfBatches(bytes, from, to);
    if (end !== null) {
      // The answer begins with the whole batch that holds the offset, and may end within one.
      const share = { bytes, from, to };
      // The first one is read at once where the reader keeps up: no copy, and it does not end the fetching ahead.
      // Those that wait behind it count with all that they keep from being freed: what an answer has for others, too.
      const waits = this.buffered.length > 0;
      const records = waits && (to - from) * SHARES_IN_PLACE_MAX < bytes.length ? copyOf(share) : share;
      const size = waits ? records.bytes.length : to - from;
      this.buffered.push({ set: new RecordSet(records, this.fetchOffset, aborted), size });
      this.bufferedBytes += size;
      this.fetchOffset = Math.max(this.fetchOffset, end);
    }
    this.isBehind = this.fetchOffset < stableOffset;
    if (this.isReady()) this.endWaits();
  }

  fail(error: unknown): void {
    this.error = this.asOutOfRange(error);
    this.endWaits();
  }

  read(limits: { readonly recordsMax: number; readonly bytesMax: number }): RecordBatch | null {
    if (this.closed) throw this.closedError();
    const run = this.nextRun();
    if (run === null) {
      if (this.error !== null) throw this.error;
      return null;
    }
    const from = this.taken;
    const to = sliceEnd(run, from, limits);
    this.taken = to;
    const { topic, partition } = this;
    const { bytes, ingestedAt, sequence, control } = run;
    this.position = to === run.count ? run.nextOffset : run.baseOffset + to;
    return {
      topic,
      partition,
      baseOffset: run.baseOffset + from,
      count: to - from,
      bytes,
      starts: run.starts.subarray(from, to),
      ends: run.ends.subarray(from, to),
      ingestedAt,
      sequence,
      control,
    };
  }

  /** A backlog of small batches would cost a step of the task each; see {@link LogReader.readOn}. */
  readOn(last: RecordBatch, limits: ReadOnLimits): RecordBatch {
    const following = (): NextBatch | null => {
      const run = this.nextRun();
      if (run === null) return null;
      const { sequence, control } = run;
      const baseOffset = run.baseOffset + this.taken;
      return {
        baseOffset,
        count: run.count - this.taken,
        bytes: spanBytes(run, this.taken),
        sequence,
        control,
      };
    };
    return joinFollowing(last, limits, following, () => this.read(limits) as RecordBatch);
  }

  wait(timeoutMs: number): Promise<void> {
    if (this.isReady() || timeoutMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(timeoutMs, 0x7fffffff));
      this.waiters.add(done);
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.buffered = [];
    this.run = null;
    this.changed.closed(this);
    this.endWaits();
  }

  private isReady(): boolean {
    const inHand = this.run !== null && this.taken < this.run.count;
    return inHand || this.buffered.length > 0 || this.error !== null || this.closed;
  }

  private nextRun(): RecordRun | null {
    if (this.run !== null && this.taken < this.run.count) return this.run;
    this.run = null;
    this.taken = 0;
    for (let fetched = this.buffered[0]; fetched !== undefined; fetched = this.buffered[0]) {
      this.run = this.nextOf(fetched.set);
      if (this.run !== null) break;
      this.position = Math.max(this.position, fetched.set.position);
      this.buffered.shift();
      this.bufferedBytes -= fetched.size;
      this.changed.wanted();
    }
    return this.run;
  }

  private nextOf(set: RecordSet): RecordRun | null {
    try {
      return set.next();
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      this.error = new MillraceError(
        `${this.topic}[${this.partition}] cannot be read behind offset ${this.position}: ${error.message}; ` +
          "read it on another replica, or go on behind the damage",
        { code: error.code, origin: error.origin, cause: error },
      );
      // What lies behind the damage is never read: every further read ends here.
      this.buffered = [];
      this.bufferedBytes = 0;
      throw this.error;
    }
  }

  private endWaits(): void {
    for (const done of [...this.waiters]) done();
  }

  /** Retention has overtaken the reader. */
  private asOutOfRange(error: unknown): unknown {
    const overtaken = error instanceof KafkaError && error.kind === "OFFSET_OUT_OF_RANGE";
    return overtaken
      ? outOfRangeError(this.topic, this.partition, this.fetchOffset, { begin: "a later offset" })
      : error;
  }

  private closedError(): MillraceError {
    return new MillraceError(`the reader of ${this.topic}[${this.partition}] is closed`, {
      code: "reader-closed",
      origin: "internal",
    });
  }
}

/** With the padding that readers of records need behind them. */
function copyOf({ bytes, from, to }: { readonly bytes: Buffer; readonly from: number; readonly to: number }) {
  const copy = Buffer.allocUnsafeSlow(to - from + RECORD_PADDING);
  bytes.copy(copy, 0, from, to);
  return { bytes: copy, from: 0, to: to - from };
}

function sliceEnd(
  run: RecordRun,
  from: number,
  limits: { readonly recordsMax: number; readonly bytesMax: number },
): number {
  let to = Math.min(run.count, from + Math.max(1, limits.recordsMax));
  const limit = run.starts[from] + limits.bytesMax;
  if (run.ends[to - 1] <= limit) return to;
  let fits = from + 1;
  while (fits < to) {
    const middle = (fits + to + 1) >>> 1;
    if (run.ends[middle - 1] <= limit) fits = middle;
    else to = middle - 1;
  }
  return fits;
}
