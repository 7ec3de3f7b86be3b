import { columnValue, type EventBatch, RECORD_PADDING, type RecordBatch } from "../../columns/index.ts";

/**
 * Lays records back to back as a log does, from offset 1000. The bytes behind the last one are
 * garbage, as in a log, where another record lies there.
 */
export function recordBatch(records: readonly Uint8Array[], ingestedAt = 1_800_000_000_000): RecordBatch {
  const length = records.reduce((sum, record) => sum + record.length, 0);
  const bytes = new Uint8Array(length + RECORD_PADDING).fill(0x39);
  const starts = new Int32Array(records.length);
  const ends = new Int32Array(records.length);
  let at = 0;
  for (const [index, record] of records.entries()) {
    bytes.set(record, at);
    starts[index] = at;
    at += record.length;
    ends[index] = at;
  }
  const place = { topic: "test", partition: 3, baseOffset: 1000, sequence: 0 };
  return { ...place, count: records.length, bytes, starts, ends, ingestedAt, control: "data" };
}

/** The rows of a batch as objects. */
export function rows(batch: EventBatch): Record<string, unknown>[] {
  return Array.from({ length: batch.length }, (_, row) =>
    Object.fromEntries(
      Object.entries(batch).flatMap(([name, column]) =>
        batch.columns.includes(column) ? [[name, columnValue(column, row)]] : [],
      ),
    ),
  );
}
