import { mkdirSync } from "node:fs";
import { type Database, open, type RootDatabase, type TransactionFlags } from "lmdb";
import { MillraceError } from "../../schema/index.ts";
import type { TopicSpec } from "../ports/event-log.ts";
import { chunkKey, chunkKeyOffset, writeChunkKey } from "./log-keys.ts";
import { UnsyncedMarks } from "./unsynced-marks.ts";

export interface StoredTopic extends TopicSpec {
  readonly id: number;
}

/** Extent of a partition: offsets [begin, end), and the bytes of their chunks. */
export interface PartitionExtent {
  readonly begin: number;
  readonly end: number;
  readonly bytes: number;
}

const EMPTY_EXTENT: PartitionExtent = { begin: 0, end: 0, bytes: 0 };
/** ABORTABLE | SYNCHRONOUS_COMMIT of lmdb-js. */
const ABORTABLE_SYNC = 3 as TransactionFlags;

/**
 * The databases of the log in one LMDB environment; any number of threads and processes may have
 * it open at once.
 *
 * LMDB's own commit order is kept (`overlappingSync` off): a commit is synced to disk before any
 * reader sees it. So a reader never processes a record that a power loss could take back, and a
 * checkpoint never points past the end of the log. A crash at any moment, of the process or of the
 * machine, leaves the state of the last commit. A store with marks is not synced until it is closed: there a
 * crash of the process leaves that state, and one of the machine a mark. Writes run as synchronous transactions: the callback
 * of lmdb-js's asynchronous `transaction()` was never called here (lmdb 3.5.6, Node 24.21).
 */
export class LogStore {
  readonly root: RootDatabase<unknown, string>;
  readonly chunks: Database<Buffer, Buffer>;
  /**
   * `["topic", name]`, `["extent", topicId, partition]`, `["producer", id]`,
   * `["committed", topicId, partition, group]`, `["sequence"]`, `["topic-id"]`.
   */
  readonly meta: Database<unknown, (string | number)[]>;
  /** Topic, partition and hashed id of a unique record → its offset. */
  readonly unique: Database<Buffer, Buffer>;
  /** Chunk key of a unique record's offset → its key in `unique`, so that retention finds it. */
  readonly uniqueByOffset: Database<Buffer, Buffer>;
  /** Readers of this thread see the chunks up to this sequence. */
  seen = 0;
  private closed = false;
  private readonly marks: UnsyncedMarks | null;
  private readonly topicsByName = new Map<string, StoredTopic>();

  /** @param unsyncedInBoot the boot of the machine, for a store that is not synced */
  constructor(path: string, mapBytes: number, unsyncedInBoot: string | null = null) {
    this.marks = unsyncedInBoot === null ? null : new UnsyncedMarks(path, unsyncedInBoot);
    const noSync = this.marks !== null;
    this.root = open({
      path,
      mapSize: mapBytes,
      maxReaders: 1024,
      maxDbs: 8,
      overlappingSync: false,
      noSync,
    });
    const binary = { encoding: "binary", keyEncoding: "binary" } as const;
    this.chunks = this.root.openDB<Buffer, Buffer>({ name: "chunks", ...binary });
    this.meta = this.root.openDB<unknown, (string | number)[]>({ name: "meta", encoding: "json" });
    this.unique = this.root.openDB<Buffer, Buffer>({ name: "unique", ...binary });
    this.uniqueByOffset = this.root.openDB<Buffer, Buffer>({ name: "unique-by-offset", ...binary });
  }

  /**
   * Forgets readers of processes that were killed while they read: LMDB uses no page again that one of them might
   * still want, and the file would grow by all that is appended.
   */
  forgetDeadReaders(): void {
    this.root.readerCheck();
  }

  /** Whether a write is on the disk when it returns. */
  get syncs(): boolean {
    return this.marks === null;
  }

  /** Runs the body in one write transaction, visible to all when this returns; a throw leaves nothing behind. */
  write<T>(body: () => T): T {
    this.assertOpen();
    try {
      this.marks?.put();
      return this.root.transactionSync(body, ABORTABLE_SYNC);
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      throw new MillraceError(
        `the event log could not commit: ${error instanceof Error ? error.message : String(error)}; ` +
          "check that the log's disk has space and can be written",
        { code: "log-write-failed", origin: "external", retry: true, cause: error },
      );
    }
  }

  /** Lets the next read see what other threads and processes have committed. */
  refresh(): void {
    this.assertOpen();
    this.root.resetReadTxn();
  }

  /** Lets readers see what was appended so far. */
  look(): void {
    this.refresh();
    this.seen = this.sequence();
  }

  /** Copies what is committed now into a folder, which is made: one state of all, whatever others write meanwhile. */
  async copyTo(folder: string): Promise<void> {
    this.assertOpen();
    mkdirSync(folder, { recursive: true });
    await this.root.backup(folder, true);
  }

  assertOpen(): void {
    if (!this.closed) return;
    throw new MillraceError("the event log is closed", { code: "log-closed", origin: "internal" });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.root.close();
    this.marks?.settle();
  }

  topic(name: string): StoredTopic {
    const known = this.topicsByName.get(name) ?? this.loadTopic(name);
    if (known !== undefined) return known;
    throw new MillraceError(`topic ${name} is not in the event log; create it first`, {
      code: "unknown-topic",
      origin: "user",
    });
  }

  private loadTopic(name: string): StoredTopic | undefined {
    this.refresh();
    const stored = this.meta.get(["topic", name]) as StoredTopic | undefined;
    if (stored !== undefined) this.topicsByName.set(name, stored);
    return stored;
  }

  allTopics(): StoredTopic[] {
    this.refresh();
    const topics: StoredTopic[] = [];
    const range = this.meta.getRange({ start: ["topic", ""], end: ["topic", "\uffff"] });
    for (const { value } of range) topics.push(value as StoredTopic);
    return topics;
  }

  extent(topicId: number, partition: number): PartitionExtent {
    return (this.meta.get(["extent", topicId, partition]) as PartitionExtent | undefined) ?? EMPTY_EXTENT;
  }

  putExtent(topicId: number, partition: number, extent: PartitionExtent): void {
    this.meta.put(["extent", topicId, partition], extent);
  }

  /** Sequence of the chunk that was appended last, 0 before the first. */
  sequence(): number {
    return (this.meta.get(["sequence"]) as number | undefined) ?? 0;
  }

  putSequence(sequence: number): void {
    this.meta.put(["sequence"], sequence);
  }

  producerSequence(id: string): number {
    return (this.meta.get(["producer", id]) as number | undefined) ?? -1;
  }

  putProducerSequence(id: string, sequence: number): void {
    this.meta.put(["producer", id], sequence);
  }

  committedOffset(group: string, topicId: number, partition: number): number | null {
    return (this.meta.get(["committed", topicId, partition, group]) as number | undefined) ?? null;
  }

  putCommittedOffset(group: string, topicId: number, partition: number, offset: number): void {
    this.meta.put(["committed", topicId, partition, group], offset);
  }

  /**
   * The offset from which a group has not processed the partition yet, of the given ones and of all
   * that have committed; Infinity where there is no group.
   */
  processedByAll(topicId: number, partition: number, groups: readonly string[]): number {
    let offset = Number.POSITIVE_INFINITY;
    for (const group of groups)
      offset = Math.min(offset, this.committedOffset(group, topicId, partition) ?? 0);
    const start = ["committed", topicId, partition, ""];
    const end = ["committed", topicId, partition, "\uffff"];
    for (const { value } of this.meta.getRange({ start, end })) offset = Math.min(offset, value as number);
    return offset;
  }

  /** Whether the topic is there as it is asked for. */
  hasTopic({ name, partitions, retentionMs, retentionBytes }: TopicSpec): boolean {
    const stored = this.loadTopic(name);
    return (
      stored?.partitions === partitions &&
      stored.retentionMs === retentionMs &&
      stored.retentionBytes === retentionBytes
    );
  }

  /**
   * Inside a write transaction: adds the topic, whose offsets begin with that one, or checks the one that is there and
   * gives it this retention.
   */
  createTopic(spec: TopicSpec, firstOffset: number): void {
    assertTopicSpec(spec);
    const stored = this.meta.get(["topic", spec.name]) as StoredTopic | undefined;
    if (stored === undefined) {
      const id = ((this.meta.get(["topic-id"]) as number | undefined) ?? 0) + 1;
      this.meta.put(["topic-id"], id);
      this.meta.put(["topic", spec.name], { ...spec, id });
      for (let partition = 0; partition < spec.partitions && firstOffset > 0; partition++)
        this.putExtent(id, partition, { begin: firstOffset, end: firstOffset, bytes: 0 });
    } else if (stored.partitions !== spec.partitions) {
      throw new MillraceError(
        `topic ${spec.name} has ${stored.partitions} partitions, not ${spec.partitions}; ` +
          `say so by the setting partitions (MILLRACE_PARTITIONS=${stored.partitions}), begin with a new home folder, or spread the records by millrace rescale`,
        { code: "topic-mismatch", origin: "user" },
      );
    } else if (stored.retentionMs !== spec.retentionMs || stored.retentionBytes !== spec.retentionBytes) {
      this.meta.put(["topic", spec.name], { ...spec, id: stored.id });
      this.topicsByName.delete(spec.name);
    }
  }

  /** Base offset of the chunk that holds the offset, or -1. */
  chunkBaseOf(topicId: number, partition: number, offset: number): number {
    const range = this.chunks.getKeys({
      start: chunkKey(topicId, partition, offset),
      end: writeChunkKey(Buffer.alloc(16), topicId, partition, 0),
      inclusiveEnd: true,
      reverse: true,
      limit: 1,
    });
    for (const key of range) return chunkKeyOffset(key);
    return -1;
  }
}

/** @throws MillraceError `unknown-partition` */
export function assertPartition(topic: StoredTopic, partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < topic.partitions) return;
  throw new MillraceError(
    `topic ${topic.name} has partitions 0 to ${topic.partitions - 1}, not ${partition}`,
    { code: "unknown-partition", origin: "user" },
  );
}

function assertTopicSpec(spec: TopicSpec): void {
  const named = /^[a-z0-9][a-z0-9._-]{0,248}$/i.test(spec.name);
  if (named && Number.isInteger(spec.partitions) && spec.partitions >= 1 && spec.partitions <= 4096) return;
  throw new MillraceError(
    `topic ${JSON.stringify(spec.name)} with ${spec.partitions} partitions is not possible; ` +
      "a name has 1 to 249 letters, digits, dots, dashes or underscores, partitions are 1 to 4096",
    { code: "topic-invalid", origin: "user" },
  );
}
