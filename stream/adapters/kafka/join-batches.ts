import { RECORD_PADDING, type RecordBatch } from "../../../schema/index.ts";

/** Batches of one partition that follow one another without a gap, as one: with the first one's times. */
export function joinBatches(batches: readonly RecordBatch[]): RecordBatch {
  const [first] = batches;
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  const bytes = new Uint8Array(batches.reduce((sum, batch) => sum + spanBytes(batch), 0) + RECORD_PADDING);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  let filled = 0;
  let at = 0;
  for (const batch of batches) {
    const from = batch.starts[0];
    bytes.set(batch.bytes.subarray(from, from + spanBytes(batch)), at);
    for (let i = 0; i < batch.count; i++, filled++) {
      starts[filled] = batch.starts[i] - from + at;
      ends[filled] = batch.ends[i] - from + at;
    }
    at += spanBytes(batch);
  }
  return { ...first, count, bytes, starts, ends };
}

/** Bytes from the value `from` to the end of the last, with what lies between them. */
export function spanBytes(
  { starts, ends, count }: Pick<RecordBatch, "starts" | "ends" | "count">,
  from = 0,
): number {
  return ends[count - 1] - starts[from];
}
