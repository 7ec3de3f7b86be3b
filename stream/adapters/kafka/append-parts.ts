import type { AppendBatch } from "../../ports/event-log.ts";
import { type EncodedRecords, encodeEndOfInput, encodeValues } from "./encode-batch.ts";

/** Records of one partition that become one record batch. */
export interface AppendPart {
  readonly topic: string;
  readonly partition: number;
  readonly records: EncodedRecords;
}

/** Bytes of a record batch before compression: what brokers and topics take by default, with its head. */
export const BATCH_BYTES_MAX = 900_000;

/** Bytes of the values of an append. */
export function valueBytes({ count, starts, ends }: AppendBatch): number {
  let bytes = 0;
  for (let i = 0; i < count; i++) bytes += ends[i] - starts[i];
  return bytes;
}

/** Cuts an append into record batches: each within the bound, or of one record that is larger. */
export function appendParts(batch: AppendBatch): AppendPart[] {
  const { topic, partition } = batch;
  if (batch.control === "end-of-input") return [{ topic, partition, records: encodeEndOfInput() }];
  const parts: AppendPart[] = [];
  for (let from = 0; from < batch.count; ) {
    const to = partEnd(batch, from);
    const { bytes } = batch;
    const starts = batch.starts.subarray(from, to);
    const ends = batch.ends.subarray(from, to);
    const records = encodeValues([{ topic, partition, count: to - from, bytes, starts, ends }]);
    parts.push({ topic, partition, records });
    from = to;
  }
  return parts;
}

function partEnd({ count, starts, ends }: AppendBatch, from: number): number {
  let bytes = ends[from] - starts[from];
  let to = from + 1;
  for (; to < count; to++) {
    bytes += ends[to] - starts[to];
    if (bytes > BATCH_BYTES_MAX) break;
  }
  return to;
}
