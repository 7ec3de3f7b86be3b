import type { RecordBatch } from "../../columns/index.ts";

/** Confluent wire format: a zero byte, the schema id (32 bits, big-endian), the Avro body. */
export const HEADER_BYTES = 5;

/**
 * Schema ids of the batch's Avro records that `known` lacks, those of the most records first. A batch
 * without any costs one look at the first byte of each record.
 */
export function unknownSchemaIds(records: RecordBatch, known: { has(id: number): boolean }): number[] {
  const { bytes, starts, ends, count } = records;
  const counts = new Map<number, number>();
  let last: number | null = null;
  for (let i = 0; i < count; i++) {
    const start = starts[i];
    if (bytes[start] !== 0 || ends[i] - start < HEADER_BYTES) continue;
    const id = schemaIdAt(bytes, start);
    if (id === last) continue;
    if (known.has(id)) last = id;
    else counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([id]) => id);
}

/** The id of the record that begins at `start` and is not shorter than the header. */
export function schemaIdAt(bytes: Uint8Array, start: number): number {
  return (bytes[start + 1] << 24) | (bytes[start + 2] << 16) | (bytes[start + 3] << 8) | bytes[start + 4];
}
