import type { RecordBatch } from "../../schema/index.ts";

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Records older than this may be dropped; null keeps all. */
  readonly retentionMs: number | null;
  /** Oldest records are dropped while a partition holds more; null keeps all. */
  readonly retentionBytes: number | null;
}

/** Record values to append to one partition: value i is `bytes[starts[i], ends[i])`. */
export interface AppendBatch {
  readonly topic: string;
  readonly partition: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /**
   * `end-of-input` appends a marker: one record with an empty value, which takes an offset, so that
   * positions pass it; `count` and the bytes are not looked at.
   */
  readonly control?: "data" | "end-of-input";
  /**
   * When the records came, ms, for history that keeps its times; default is the log's clock. Brokers that
   * stamp a topic's records themselves put their own time over it.
   */
  readonly ingestedAt?: number;
}

/**
 * Idempotent producer: the log remembers the last sequence of each id, in the transaction of the
 * append, and answers a repeat (sequence not above the last) without appending.
 */
export interface ProducerMark {
  readonly id: string;
  readonly sequence: number;
}

export interface AppendResult {
  /** False for a repeat of the producer's sequence. */
  readonly appended: boolean;
  readonly baseOffsets: readonly number[];
}

export interface ReadOnLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
  readonly sequenceBelow: number;
}

/**
 * Reads one partition. All readers of a log on one thread see the same beginning of it, up to what it had
 * taken last when it was looked at, so that a merge over topics misses nothing. Opening a reader,
 * waiting with one and {@link look} look anew; what comes over a network may be seen between turns, too.
 */
export interface LogReader {
  /**
   * Next offset to read; behind what was read it also passes what is no record, such as the end of a
   * transaction.
   */
  readonly position: number;
  /**
   * For a log that is read over a network: whether it has, or may have, records that `read` does not
   * give yet. A merge over topics waits for them; without it, what `read` lacks is not in the log.
   */
  readonly isBehind?: boolean;
  /** The next records, at most so many and so many bytes (at least one record), or null where none is seen. */
  read(limits: { readonly recordsMax: number; readonly bytesMax: number }): RecordBatch | null;
  /** Sees what the log has taken since; a log that is read over a network brings it by itself. */
  look?(): void;
  /**
   * For a log with small batches: the batch that was read last, and what follows it without a gap below
   * the sequence, as one batch within the limits. Like any that is read, it is valid until the next read.
   */
  readOn?(last: RecordBatch, limits: ReadOnLimits): RecordBatch;
  /** Resolves when records may be there, or after the time-out. */
  wait(timeoutMs: number): Promise<void>;
  close(): void;
}

/** The consumer groups that have to process a partition, whether or not they have begun. */
export type GroupsOf = (topic: string, partition: number) => readonly string[];

/**
 * Durable, partitioned, append-only log of records. Offsets of a partition rise and are never used
 * again. Within a batch that is read they are dense; between batches a log may leave some out.
 */
export interface EventLog {
  /** Creates what is missing; rejects with code `topic-mismatch` where the partition count differs. */
  createTopics(specs: readonly TopicSpec[]): Promise<void>;
  topics(): Promise<readonly TopicSpec[]>;
  /** All batches in one transaction: after a crash all or none are there. Resolves when durable. */
  append(batches: readonly AppendBatch[], producer?: ProducerMark): Promise<AppendResult>;
  /**
   * Last sequence of a producer, or -1. Asking takes the producer over: in a log that processes share,
   * one that had it before may append under it no more (code `producer-fenced`).
   */
  producerSequence(id: string): Promise<number>;
  /** Oldest offset kept, and the offset after the newest, also where that cannot be read yet. */
  offsets(topic: string, partition: number): Promise<{ readonly begin: number; readonly end: number }>;
  /**
   * Which topic it is, for a log whose topics others can delete and make again under the same name: offsets
   * then begin anew. Rejects as {@link offsets} does; left out where that cannot be.
   */
  topicId?(topic: string): Promise<string>;
  /** A reader from the offset on; an offset that is not in the log rejects with code `offset-out-of-range`. */
  reader(topic: string, partition: number, offset: number): Promise<LogReader>;
  /**
   * Notes how far a consumer group has come: for lag monitors, and so that retention spares what is
   * not processed yet. Recovery never reads it (checkpoints hold the truth), so it may lag behind.
   */
  commitOffsets(
    group: string,
    offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[],
  ): Promise<void>;
  /** The group's committed offset, or null. */
  committedOffset(group: string, topic: string, partition: number): Promise<number | null>;
  /**
   * Drops what the topics' retention allows, at the given time. Spared are records that a group of
   * `groupsOf`, or any other with a committed offset, has not processed; one of `groupsOf` without a
   * committed offset has processed none. A partition without any group goes by age and bytes alone.
   * A log whose servers do this by themselves drops nothing here, and spares nothing.
   */
  enforceRetention(nowMs: number, groupsOf: GroupsOf): Promise<{ readonly recordsDropped: number }>;
  close(): Promise<void>;
}
