import type { AppendResult, ProducerMark } from "../ports/event-log.ts";
import { CommitQueue } from "./commit-queue.ts";
import type { PreparedChunk } from "./log-chunk.ts";
import type { LogStore, StoredTopic } from "./log-store.ts";
import type { LogWakeup } from "./log-wakeup.ts";
import { LogWriter } from "./log-writer.ts";

/** One record of `appendUnique`. */
export interface UniqueEntry {
  /** Records of a topic and partition with the same id are stored once. */
  readonly id: string;
  readonly value: Uint8Array;
}

/** Chunks of one partition, with everything but their place. */
export interface PreparedBatch {
  readonly topic: StoredTopic;
  readonly partition: number;
  readonly chunks: readonly PreparedChunk[];
  /** Ms; null takes the clock's. */
  readonly ingestedAt: number | null;
}

/** What a consumer group has processed of a partition. */
export interface GroupOffset {
  readonly topic: StoredTopic;
  readonly partition: number;
  readonly offset: number;
}

/** The writes of the event log: each resolves when it is on the disk, if the log is synced, and is there whole or not at all. */
export interface LogWrites {
  append(batches: readonly PreparedBatch[], producer?: ProducerMark): Promise<AppendResult>;
  /** Resolves with the number of entries whose id was new. */
  appendUnique(topic: StoredTopic, partition: number, entries: readonly UniqueEntry[]): Promise<number>;
  commitOffsets(group: string, offsets: readonly GroupOffset[]): Promise<void>;
  /** Commits what waits; nothing can be written afterwards. */
  close(): Promise<void>;
}

/**
 * Writes on the calling thread: those of one turn of the event loop share a transaction and a sync of the disk. Where the
 * log is not synced, a write takes some 30 µs, and each is committed at once: the caller may go on computing.
 */
export class OwnLogWrites implements LogWrites {
  private readonly store: LogStore;
  private readonly commits: CommitQueue;
  private readonly writer: LogWriter;

  constructor(store: LogStore, wakeup: Pick<LogWakeup, "appended">, clock: () => number) {
    this.store = store;
    this.writer = new LogWriter(store, clock);
    const commit = (body: () => void): void => {
      store.write(body);
      wakeup.appended();
    };
    this.commits = new CommitQueue(commit, { gathers: store.syncs });
  }

  append(batches: readonly PreparedBatch[], producer?: ProducerMark): Promise<AppendResult> {
    const { store, writer } = this;
    const bytes = batches.reduce((sum, batch) => sum + bytesOf(batch.chunks), 0);
    return this.commits.run(bytes, () => {
      if (producer !== undefined && producer.sequence <= store.producerSequence(producer.id)) {
        return { appended: false, baseOffsets: [] };
      }
      const baseOffsets = batches.map((batch) => writer.append(batch));
      if (producer !== undefined) store.putProducerSequence(producer.id, producer.sequence);
      return { appended: true, baseOffsets };
    });
  }

  appendUnique(topic: StoredTopic, partition: number, entries: readonly UniqueEntry[]): Promise<number> {
    const bytes = entries.reduce((sum, entry) => sum + entry.value.length, 0);
    return this.commits.run(bytes, () => this.writer.appendUnique(topic, partition, entries));
  }

  commitOffsets(group: string, offsets: readonly GroupOffset[]): Promise<void> {
    return this.commits.run(0, () => {
      for (const { topic, partition, offset } of offsets) {
        this.store.putCommittedOffset(group, topic.id, partition, offset);
      }
    });
  }

  async close(): Promise<void> {
    this.commits.close();
  }
}

function bytesOf(chunks: readonly PreparedChunk[]): number {
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.bytes.length;
  return bytes;
}
