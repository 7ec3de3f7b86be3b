import type {
  AppendBatch,
  AppendResult,
  EventLog,
  GroupsOf,
  LogReader,
  ProducerMark,
  TopicSpec,
} from "../ports/event-log.ts";
import { LmdbLogReader, outOfRangeError } from "./lmdb-log-reader.ts";
import { prepareChunks } from "./log-chunk.ts";
import { dropBeforeRetention } from "./log-retention.ts";
import { assertPartition, LogStore, type StoredTopic } from "./log-store.ts";
import { LogWakeup } from "./log-wakeup.ts";
import { type LogWrites, OwnLogWrites, type PreparedBatch, type UniqueEntry } from "./log-writes.ts";
import { ThreadLogWrites } from "./thread-log-writes.ts";

export interface LmdbEventLogOptions {
  /** Folder of the LMDB environment; made when missing. */
  readonly path: string;
  /** Ingest time of appends, ms since the epoch. */
  readonly clock: () => number;
  /**
   * Address space set aside at the start, default 256 GiB; it costs no memory or disk. LMDB maps anew
   * where a log outgrows it, so the size is bounded by retention and the disk.
   */
  readonly mapBytes?: number;
  /** Poll for appends of other processes, while a reader waits; default 1 ms when active, 20 ms idle. */
  readonly pollMs?: { readonly min: number; readonly max: number };
  /**
   * Where writes are committed: by default on the thread that asks for them, which then stands still for
   * the sync; `thread` takes one of their own, for a thread that has other things to do.
   */
  readonly writesOn?: "caller" | "thread";
  /**
   * The boot of the machine, for a log that is not synced to disk: what is appended is there at once, SIGKILL takes none of it
   * back, and a power loss leaves a log that must not be opened (see {@link UnsyncedMarks}). Null for one that is synced.
   */
  readonly unsyncedInBoot?: string | null;
}

/**
 * EventLog on LMDB. A resolved append is on the disk: neither SIGKILL nor a power loss takes it
 * back. An append that was not resolved is there whole or not at all. Appends of one turn of the
 * event loop share one transaction and so one sync of the disk.
 */
export class LmdbEventLog implements EventLog {
  private readonly store: LogStore;
  private readonly wakeup: LogWakeup;
  private readonly writes: LogWrites;

  constructor(options: LmdbEventLogOptions) {
    const { path, clock, mapBytes = 2 ** 38, unsyncedInBoot = null } = options;
    this.store = new LogStore(path, mapBytes, unsyncedInBoot);
    this.wakeup = new LogWakeup({
      path,
      look: () => {
        this.store.look();
        return this.store.seen;
      },
      pollMsMin: options.pollMs?.min ?? 1,
      pollMsMax: options.pollMs?.max ?? 20,
    });
    this.writes =
      options.writesOn === "thread" && this.store.syncs
        ? new ThreadLogWrites({ path, mapBytes }, clock)
        : new OwnLogWrites(this.store, this.wakeup, clock);
  }

  /** @param firstOffset of the partitions of topics that are not there yet */
  async createTopics(specs: readonly TopicSpec[], firstOffset = 0): Promise<void> {
    this.store.assertOpen();
    // Each command that opens a log asks for its topics, which are there but once.
    if (specs.every((spec) => this.store.hasTopic(spec))) return;
    this.store.write(() => {
      for (const spec of specs) this.store.createTopic(spec, firstOffset);
    });
  }

  async topics(): Promise<readonly TopicSpec[]> {
    return this.store.allTopics().map(({ name, partitions, retentionMs, retentionBytes }) => ({
      name,
      partitions,
      retentionMs,
      retentionBytes,
    }));
  }

  async append(batches: readonly AppendBatch[], producer?: ProducerMark): Promise<AppendResult> {
    return this.writes.append(
      batches.map((batch) => this.prepare(batch)),
      producer,
    );
  }

  /**
   * Appends the entries whose id the partition does not hold yet, in one transaction with the index
   * of ids. An id is forgotten when retention drops its record. Resolves when durable, with the
   * number of entries that were new.
   */
  async appendUnique(topicName: string, partition: number, entries: readonly UniqueEntry[]): Promise<number> {
    return this.writes.appendUnique(this.topicOf(topicName, partition), partition, entries);
  }

  async producerSequence(id: string): Promise<number> {
    this.store.refresh();
    return this.store.producerSequence(id);
  }

  async offsets(topicName: string, partition: number): Promise<{ begin: number; end: number }> {
    const topic = this.topicOf(topicName, partition);
    this.store.refresh();
    const { begin, end } = this.store.extent(topic.id, partition);
    return { begin, end };
  }

  async reader(topicName: string, partition: number, offset: number): Promise<LogReader> {
    const topic = this.topicOf(topicName, partition);
    this.store.look();
    const { begin, end } = this.store.extent(topic.id, partition);
    if (offset < begin || offset > end) throw outOfRangeError(topicName, partition, offset, { begin, end });
    const chunkBase = offset === end ? end : this.store.chunkBaseOf(topic.id, partition, offset);
    return new LmdbLogReader(this.store, this.wakeup, { topic, partition, position: offset, chunkBase });
  }

  async commitOffsets(
    group: string,
    offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    const found = offsets.map((entry) => ({ ...entry, topic: this.topicOf(entry.topic, entry.partition) }));
    await this.writes.commitOffsets(group, found);
  }

  async committedOffset(group: string, topicName: string, partition: number): Promise<number | null> {
    const topic = this.topicOf(topicName, partition);
    this.store.refresh();
    return this.store.committedOffset(group, topic.id, partition);
  }

  async enforceRetention(nowMs: number, groupsOf: GroupsOf): Promise<{ readonly recordsDropped: number }> {
    this.store.forgetDeadReaders();
    let recordsDropped = 0;
    for (const topic of this.store.allTopics()) {
      for (let partition = 0; partition < topic.partitions; partition++) {
        recordsDropped += await dropBeforeRetention(this.store, {
          topic,
          partition,
          nowMs,
          groups: groupsOf(topic.name, partition),
        });
      }
    }
    return { recordsDropped };
  }

  /** Copies the log as it is now into a folder, beside whoever appends. */
  copyTo(folder: string): Promise<void> {
    return this.store.copyTo(folder);
  }

  async close(): Promise<void> {
    await this.writes.close();
    this.wakeup.close();
    await this.store.close();
  }

  private prepare(batch: AppendBatch): PreparedBatch {
    const topic = this.topicOf(batch.topic, batch.partition);
    const { partition, ingestedAt = null } = batch;
    return { topic, partition, chunks: prepareChunks(batch), ingestedAt };
  }

  private topicOf(name: string, partition: number): StoredTopic {
    const topic = this.store.topic(name);
    assertPartition(topic, partition);
    return topic;
  }
}
