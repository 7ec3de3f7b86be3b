import { hash } from "node:crypto";
import { prepareChunks, stampChunk } from "./log-chunk.ts";
import { chunkKey } from "./log-keys.ts";
import type { LogStore, StoredTopic } from "./log-store.ts";
import type { PreparedBatch, UniqueEntry } from "./log-writes.ts";

/** Puts chunks at the end of a partition. Every method must run inside a write transaction. */
export class LogWriter {
  private readonly store: LogStore;
  private readonly clock: () => number;

  constructor(store: LogStore, clock: () => number) {
    this.store = store;
    this.clock = clock;
  }

  /** Returns the offset of the first record (the end, where there are no chunks). */
  append({ topic, partition, chunks, ingestedAt }: PreparedBatch): number {
    const { store } = this;
    const extent = store.extent(topic.id, partition);
    let { end, bytes } = extent;
    let sequence = store.sequence();
    const stamp = ingestedAt ?? this.clock();
    for (const chunk of chunks) {
      stampChunk(chunk.bytes, stamp, ++sequence);
      store.chunks.put(chunkKey(topic.id, partition, end), chunk.bytes);
      end += chunk.count;
      bytes += chunk.bytes.length;
    }
    if (chunks.length > 0) {
      store.putExtent(topic.id, partition, { begin: extent.begin, end, bytes });
      store.putSequence(sequence);
    }
    return extent.end;
  }

  /** Returns how many entries were new. */
  appendUnique(topic: StoredTopic, partition: number, entries: readonly UniqueEntry[]): number {
    const { store } = this;
    const fresh: Uint8Array[] = [];
    let { end } = store.extent(topic.id, partition);
    for (const { id, value } of entries) {
      const key = uniqueKey(topic.id, partition, id);
      if (store.unique.doesExist(key)) continue;
      const offsetKey = chunkKey(topic.id, partition, end++);
      store.unique.put(key, offsetKey);
      store.uniqueByOffset.put(offsetKey, key);
      fresh.push(value);
    }
    const chunks = prepareChunks(joinValues(topic.name, partition, fresh));
    if (fresh.length > 0) this.append({ topic, partition, chunks, ingestedAt: null });
    return fresh.length;
  }
}

/** Topic, partition and the id's SHA-256: LMDB's keys are short, ids need not be. */
function uniqueKey(topicId: number, partition: number, id: string): Buffer {
  const key = Buffer.alloc(40);
  key.writeUInt32BE(topicId, 0);
  key.writeUInt32BE(partition, 4);
  key.set(hash("sha256", id, "buffer"), 8);
  return key;
}

function joinValues(topic: string, partition: number, values: readonly Uint8Array[]) {
  const starts = new Int32Array(values.length);
  const ends = new Int32Array(values.length);
  let at = 0;
  values.forEach((value, i) => {
    starts[i] = at;
    at += value.length;
    ends[i] = at;
  });
  return { topic, partition, count: values.length, bytes: Buffer.concat(values), starts, ends };
}
