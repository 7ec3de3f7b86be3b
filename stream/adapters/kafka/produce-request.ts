import { readInt16, readInt32, readInt64 } from "./batch-header.ts";
import type { RawRequest } from "./kafka-client.ts";
import { createEncoder, protocolError } from "./kafkajs-internals.ts";

export interface ProducePart {
  readonly topic: string;
  readonly partition: number;
  /** One record batch. */
  readonly batch: Buffer;
}

const PRODUCE = { apiKey: 0, apiName: "Produce", apiVersion: 7 } as const;
const ALL_REPLICAS = -1;
const PRODUCE_TIMEOUT_MS = 30_000;

/**
 * Produce, version 7, to partitions that one node leads; resolves with the base offset of each part
 * once all replicas in sync have them.
 *
 * @throws the protocol's error of the first part that was refused
 */
export function produceRequest(
  transactionalId: string | null,
  parts: readonly ProducePart[],
): RawRequest<readonly number[]> {
  const size = parts.reduce((sum, part) => sum + part.batch.length + part.topic.length * 3 + 32, 256);
  const body = createEncoder(size)
    .writeString(transactionalId)
    .writeInt16(ALL_REPLICAS)
    .writeInt32(PRODUCE_TIMEOUT_MS)
    .writeInt32(parts.length);
  for (const { topic, partition, batch } of parts)
    body.writeString(topic).writeInt32(1).writeInt32(partition).writeBytes(batch);
  const decode = (payload: Buffer): number[] => decodeProduce(payload, parts);
  return { ...PRODUCE, body, throttleAt: -4, decode, timeoutMs: PRODUCE_TIMEOUT_MS };
}

/** By topic: name, and by partition: partition, error, base offset, append time, log start. */
function decodeProduce(bytes: Buffer, parts: readonly ProducePart[]): number[] {
  const offsets = new Map<string, number>();
  let at = 4;
  for (let topics = readInt32(bytes, 0); topics > 0; topics--) {
    const nameEnd = at + 2 + readInt16(bytes, at);
    const topic = bytes.toString("utf8", at + 2, nameEnd);
    at = nameEnd + 4;
    for (let count = readInt32(bytes, nameEnd); count > 0; count--, at += 30) {
      const errorCode = readInt16(bytes, at + 4);
      if (errorCode !== 0) throw protocolError(errorCode);
      offsets.set(`${topic}/${readInt32(bytes, at)}`, readInt64(bytes, at + 6));
    }
  }
  return parts.map(({ topic, partition }) => offsets.get(`${topic}/${partition}`) ?? -1);
}
