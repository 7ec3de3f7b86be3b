import { MillraceError, RECORD_PADDING, type RecordBatch } from "../../schema/index.ts";
import type { LogReader, ReadOnLimits } from "../ports/event-log.ts";
import { joinFollowing, type NextBatch } from "./join-batches.ts";
import { CHUNK_HEADER_BYTES, chunkControl, chunkCount, chunkIngestedAt, chunkSequence } from "./log-chunk.ts";
import { CHUNK_KEY_BYTES, writeChunkKey } from "./log-keys.ts";
import type { LogStore, StoredTopic } from "./log-store.ts";
import type { LogWakeup } from "./log-wakeup.ts";

const EMPTY = Buffer.alloc(0);

/**
 * Reads one partition chunk by chunk: the next chunk's key follows from the position, so a read is
 * one look-up. A chunk is copied once into the reader's own buffer (LMDB's memory is only valid
 * within its read transaction) and handed out from there, in parts where the limits ask for it.
 */
export class LmdbLogReader implements LogReader {
  position: number;
  private readonly store: LogStore;
  private readonly wakeup: LogWakeup;
  private readonly topic: StoredTopic;
  private readonly partition: number;
  private readonly key = Buffer.alloc(CHUNK_KEY_BYTES);
  private closed = false;
  /** The chunk in hand; records from `position` to `chunkBase + chunkCount` are still to be read. */
  private chunkBase: number;
  private chunkCount = 0;
  /** What the log was seen to hold when the reader found its end there. */
  private endSeen = -1;
  /** Whether retention has dropped what is to be read next. */
  private overtaken = false;
  private bytes: Buffer = EMPTY;
  private starts = new Int32Array(0);
  private ends = new Int32Array(0);

  constructor(
    store: LogStore,
    wakeup: LogWakeup,
    at: {
      readonly topic: StoredTopic;
      readonly partition: number;
      readonly position: number;
      /** Base offset of the chunk that holds the position, or the position itself at the log's end. */
      readonly chunkBase: number;
    },
  ) {
    this.store = store;
    this.wakeup = wakeup;
    this.topic = at.topic;
    this.partition = at.partition;
    this.position = at.position;
    this.chunkBase = at.chunkBase;
  }

  read(limits: { readonly recordsMax: number; readonly bytesMax: number }): RecordBatch | null {
    if (this.closed) throw closedError(this.topic.name, this.partition);
    if (this.position >= this.nextChunkBase() && !this.loadChunk()) return null;
    const from = this.position - this.chunkBase;
    const to = this.sliceEnd(from, limits.recordsMax, limits.bytesMax);
    this.position = this.chunkBase + to;
    return {
      topic: this.topic.name,
      partition: this.partition,
      baseOffset: this.chunkBase + from,
      count: to - from,
      bytes: this.bytes,
      starts: this.starts.subarray(from, to),
      ends: this.ends.subarray(from, to),
      ingestedAt: chunkIngestedAt(this.bytes),
      sequence: chunkSequence(this.bytes),
      control: chunkControl(this.bytes),
    };
  }

  look(): void {
    this.store.look();
  }

  readOn(last: RecordBatch, limits: ReadOnLimits): RecordBatch {
    const following = (): NextBatch | null => {
      if (this.position < this.nextChunkBase()) return null;
      const chunk = this.nextChunk();
      if (chunk === null) return null;
      const count = chunkCount(chunk);
      const bytes = chunk.length - CHUNK_HEADER_BYTES - 4 * count;
      const [sequence, control] = [chunkSequence(chunk), chunkControl(chunk)];
      return { baseOffset: this.nextChunkBase(), count, bytes, sequence, control };
    };
    return joinFollowing(last, limits, following, () => this.read(limits) as RecordBatch);
  }

  wait(timeoutMs: number): Promise<void> {
    return this.wakeup.wait(() => this.isReady(), timeoutMs);
  }

  close(): void {
    this.closed = true;
    this.bytes = EMPTY;
    // Ends a wait of this reader: a closed one is always ready.
    this.wakeup.wake();
  }

  /** Before the first load `chunkCount` is 0 and the base is that of the chunk with the position. */
  private nextChunkBase(): number {
    return this.chunkBase + this.chunkCount;
  }

  private isReady(): boolean {
    if (this.closed || this.position < this.nextChunkBase()) return true;
    const { begin, end } = this.store.extent(this.topic.id, this.partition);
    this.overtaken ||= begin > this.position;
    return end > this.position || begin > this.position;
  }

  private loadChunk(): boolean {
    const stored = this.nextChunk();
    if (stored === null) return false;
    const base = this.nextChunkBase();
    this.copyChunk(stored);
    this.chunkBase = base;
    return true;
  }

  /** The chunk behind the one in hand, where it lies in the log; null where none is seen. */
  private nextChunk(): Buffer | null {
    const { store, key } = this;
    store.assertOpen();
    if (this.overtaken) {
      const { begin } = store.extent(this.topic.id, this.partition);
      throw outOfRangeError(this.topic.name, this.partition, this.position, { begin });
    }
    if (this.endSeen === store.seen) return null;
    writeChunkKey(key, this.topic.id, this.partition, this.nextChunkBase());
    const stored = store.chunks.getBinaryFast(key);
    if (stored !== undefined && chunkSequence(stored) <= store.seen) return stored;
    this.endSeen = store.seen;
    return null;
  }

  private copyChunk(stored: Buffer): void {
    const size = stored.length;
    if (this.bytes.length < size + RECORD_PADDING || this.bytes.length > 8 * size + (1 << 22)) {
      // A chunk of one huge record must not keep its memory for good.
      this.bytes = Buffer.alloc(Math.ceil((size + RECORD_PADDING) * 1.25));
    }
    // lmdb-js hands out its whole shared buffer with the value's length put over the real one.
    this.bytes.set(stored.subarray(0, size));
    const count = chunkCount(this.bytes);
    if (this.ends.length < count) {
      this.ends = new Int32Array(Math.ceil(count * 1.25));
      this.starts = new Int32Array(this.ends.length);
    }
    const { ends, starts } = this;
    ends.set(new Int32Array(this.bytes.buffer, this.bytes.byteOffset + CHUNK_HEADER_BYTES, count));
    starts[0] = CHUNK_HEADER_BYTES + count * 4;
    starts.set(ends.subarray(0, count - 1), 1);
    this.chunkCount = count;
  }

  private sliceEnd(from: number, recordsMax: number, bytesMax: number): number {
    let to = Math.min(this.chunkCount, from + Math.max(1, recordsMax));
    const limit = this.starts[from] + bytesMax;
    while (to > from + 1 && this.ends[to - 1] > limit) to--;
    return to;
  }
}

export function outOfRangeError(
  topic: string,
  partition: number,
  offset: number,
  kept: { readonly begin: number | string; readonly end?: number },
): MillraceError {
  return new MillraceError(
    `offset ${offset} of ${topic}[${partition}] is not in the log: it keeps ${kept.begin} ` +
      `to ${kept.end ?? "its end"}; begin at a kept offset, or rebuild from the lake`,
    { code: "offset-out-of-range", origin: "user" },
  );
}

function closedError(topic: string, partition: number): MillraceError {
  return new MillraceError(`the reader of ${topic}[${partition}] is closed`, {
    code: "reader-closed",
    origin: "internal",
  });
}
