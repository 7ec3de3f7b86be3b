import { chunkCount, chunkIngestedAt } from "./log-chunk.ts";
import { chunkKey } from "./log-keys.ts";
import type { LogStore, StoredTopic } from "./log-store.ts";

/** Chunks dropped in one transaction: it bounds how long appends have to wait. */
const CHUNKS_PER_TRANSACTION = 256;

export interface PartitionRetention {
  readonly topic: StoredTopic;
  readonly partition: number;
  readonly nowMs: number;
  /** Consumer groups that have to process the partition, whether or not they have begun. */
  readonly groups: readonly string[];
}

/**
 * Drops the oldest chunks of a partition that are past the topic's age, or that its bytes do not
 * allow; a chunk leaves as a whole, and stays while a consumer group has not processed it. Returns
 * the number of records dropped. A crash between two transactions leaves a shorter log, never a
 * hole: `begin` moves in the transaction of the removal.
 */
export async function dropBeforeRetention(store: LogStore, retention: PartitionRetention): Promise<number> {
  const { topic } = retention;
  if (topic.retentionMs === null && topic.retentionBytes === null) return 0;
  let dropped = 0;
  for (;;) {
    const records = store.write(() => dropOldest(store, retention));
    dropped += records;
    if (records === 0) return dropped;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function dropOldest(store: LogStore, { topic, partition, nowMs, groups }: PartitionRetention): number {
  const extent = store.extent(topic.id, partition);
  const processed = store.processedByAll(topic.id, partition, groups);
  let { begin, bytes } = extent;
  for (let chunks = 0; chunks < CHUNKS_PER_TRANSACTION && begin < extent.end; chunks++) {
    const key = chunkKey(topic.id, partition, begin);
    const chunk = store.chunks.getBinaryFast(key);
    if (chunk === undefined) throw new Error(`no chunk at ${topic.name}[${partition}]@${begin}`);
    const size = chunk.length;
    const count = chunkCount(chunk);
    const tooOld = topic.retentionMs !== null && chunkIngestedAt(chunk) < nowMs - topic.retentionMs;
    const tooMuch = topic.retentionBytes !== null && bytes > topic.retentionBytes;
    if ((!tooOld && !tooMuch) || begin + count > processed) break;
    store.chunks.remove(key);
    dropUniqueIds(store, topic.id, partition, begin, begin + count);
    begin += count;
    bytes -= size;
  }
  if (begin > extent.begin) store.putExtent(topic.id, partition, { begin, end: extent.end, bytes });
  return begin - extent.begin;
}

/** An id may come again once its record is gone, so that the index is as bounded as the log. */
function dropUniqueIds(store: LogStore, topicId: number, partition: number, from: number, to: number): void {
  const range = store.uniqueByOffset.getRange({
    start: chunkKey(topicId, partition, from),
    end: chunkKey(topicId, partition, to),
  });
  for (const { key, value } of [...range]) {
    store.unique.remove(value);
    store.uniqueByOffset.remove(key);
  }
}
