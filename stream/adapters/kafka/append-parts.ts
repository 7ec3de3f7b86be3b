import type { AppendBatch } from "../../ports/event-log.ts";
import { BATCH_SPAN_MS_MAX, type EncodedRecords, encodeEndOfInput, encodeValues } from "./encode-batch.ts";

/** Records of one partition that become one record batch. */
export interface AppendPart {
  readonly topic: string;
  readonly partition: number;
  readonly records: EncodedRecords;
}

/** What an append becomes. */
export interface AppendPlan {
  readonly parts: readonly AppendPart[];
  /** Of each batch, the part with its first record and the records of that part before it; null where it has none. */
  readonly firsts: readonly ({ readonly part: number; readonly before: number } | null)[];
}

/** Bytes of a record batch before compression: what brokers and topics take by default, with its head. */
export const BATCH_BYTES_MAX = 900_000;

/** A record batch that grows while the append is planned. */
interface Draft {
  readonly number: number;
  readonly slices: AppendBatch[];
  bytes: number;
  count: number;
}

/** Bytes of the values of an append. */
export function valueBytes({ count, starts, ends }: AppendBatch): number {
  let bytes = 0;
  for (let i = 0; i < count; i++) bytes += ends[i] - starts[i];
  return bytes;
}

/**
 * Cuts and joins an append into record batches: each within the bound, or of one record that is larger.
 * What follows in the same partition joins, because a request takes one record batch a partition.
 */
export function planAppend(batches: readonly AppendBatch[]): AppendPlan {
  const drafts: Draft[] = [];
  const open = new Map<string, Draft>();
  const firsts = batches.map((batch) => {
    const key = `${batch.topic}/${batch.partition}`;
    let first: { part: number; before: number } | null = null;
    for (const slice of slicesOf(batch)) {
      const bytes = valueBytes(slice);
      let draft = open.get(key);
      if (draft === undefined || !joins(draft, slice, bytes)) {
        draft = { number: drafts.length, slices: [], bytes: 0, count: 0 };
        drafts.push(draft);
        open.set(key, draft);
      }
      first ??= { part: draft.number, before: draft.count };
      draft.slices.push(slice);
      draft.bytes += bytes;
      draft.count += slice.count;
    }
    return first;
  });
  return { parts: drafts.map(({ slices }) => partOf(slices)), firsts };
}

/** Whether both can be encoded into one record batch: markers cannot, nor times that one batch cannot tell. */
export function areJoinable(first: AppendBatch, next: AppendBatch): boolean {
  if (first.control === "end-of-input" || next.control === "end-of-input") return false;
  if (first.ingestedAt === undefined || next.ingestedAt === undefined)
    return first.ingestedAt === next.ingestedAt;
  const span = next.ingestedAt - first.ingestedAt;
  return span >= 0 && span <= BATCH_SPAN_MS_MAX;
}

function joins({ slices, bytes }: Draft, slice: AppendBatch, more: number): boolean {
  return bytes + more <= BATCH_BYTES_MAX && areJoinable(slices[0], slice);
}

function partOf(slices: readonly AppendBatch[]): AppendPart {
  const [{ topic, partition, control }] = slices;
  const records = control === "end-of-input" ? encodeEndOfInput() : encodeValues(slices);
  return { topic, partition, records };
}

/** Pieces that a record batch takes. */
function* slicesOf(batch: AppendBatch): Generator<AppendBatch> {
  if (batch.control === "end-of-input") return yield batch;
  for (let from = 0; from < batch.count; ) {
    const to = sliceEnd(batch, from);
    const starts = batch.starts.subarray(from, to);
    const ends = batch.ends.subarray(from, to);
    yield { ...batch, count: to - from, starts, ends };
    from = to;
  }
}

function sliceEnd({ count, starts, ends }: AppendBatch, from: number): number {
  let bytes = ends[from] - starts[from];
  let to = from + 1;
  for (; to < count; to++) {
    bytes += ends[to] - starts[to];
    if (bytes > BATCH_BYTES_MAX) break;
  }
  return to;
}
