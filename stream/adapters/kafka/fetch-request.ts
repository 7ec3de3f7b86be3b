import { readInt16, readInt32, readInt64 } from "./batch-header.ts";
import type { RawRequest } from "./kafka-client.ts";
import { createEncoder } from "./kafkajs-internals.ts";
import type { AbortedTransaction } from "./record-set.ts";

export interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Readers see records before it: behind it is what no transaction has settled. */
  readonly stableOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  /** The records' place in `bytes`. */
  readonly from: number;
  readonly to: number;
}

export interface FetchAnswer {
  readonly bytes: Buffer;
  readonly partitions: readonly FetchedPartition[];
}

const FETCH = { apiKey: 1, apiName: "Fetch", apiVersion: 11 } as const;
const READ_COMMITTED = 1;

/**
 * Fetch, version 11, outside of a session. The broker answers as soon as any partition has a record,
 * or after `waitMs`; the records come back as they lie on its disk.
 */
export function fetchRequest(
  positions: readonly FetchPosition[],
  limits: { readonly waitMs: number; readonly bytesMax: number; readonly partitionBytesMax: number },
): RawRequest<FetchAnswer> {
  const body = createEncoder(512 + positions.length * 96)
    .writeInt32(-1)
    .writeInt32(limits.waitMs)
    .writeInt32(1)
    .writeInt32(limits.bytesMax)
    .writeInt8(READ_COMMITTED)
    .writeInt32(0)
    .writeInt32(-1)
    .writeInt32(positions.length);
  for (const { topic, partition, offset } of positions) {
    body.writeString(topic).writeInt32(1).writeInt32(partition).writeInt32(-1).writeInt64(offset);
    body.writeInt64(-1).writeInt32(limits.partitionBytesMax);
  }
  body.writeInt32(0).writeString("");
  return { ...FETCH, body, throttleAt: 0, decode: decodeFetch, timeoutMs: limits.waitMs };
}

/** Throttle time, error, session, then by topic: name, and by partition its head, rolled back transactions, records. */
function decodeFetch(bytes: Buffer): FetchAnswer {
  const partitions: FetchedPartition[] = [];
  let at = 14;
  for (let topics = readInt32(bytes, 10); topics > 0; topics--) {
    const nameEnd = at + 2 + readInt16(bytes, at);
    const topic = bytes.toString("utf8", at + 2, nameEnd);
    at = nameEnd + 4;
    for (let count = readInt32(bytes, nameEnd); count > 0; count--) {
      const partition = readInt32(bytes, at);
      const errorCode = readInt16(bytes, at + 4);
      const stableOffset = readInt64(bytes, at + 14);
      const aborted: AbortedTransaction[] = [];
      const abortedCount = readInt32(bytes, at + 30);
      at += 34;
      for (let i = 0; i < abortedCount; i++, at += 16)
        aborted.push({ producerId: readInt64(bytes, at), firstOffset: readInt64(bytes, at + 8) });
      // The preferred replica, four bytes, is not followed.
      const from = at + 8;
      const to = from + Math.max(0, readInt32(bytes, at + 4));
      partitions.push({ topic, partition, errorCode, stableOffset, aborted, from, to });
      at = to;
    }
  }
  return { bytes, partitions };
}
