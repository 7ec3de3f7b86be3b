import type { Column, TextColumn } from "./column.ts";
import type { RecordBatch } from "./record-batch.ts";

/**
 * Decoded events of one partition, in log order: what every step of the stream works on. The
 * contracts' generated batches add one named column per field (`CustomerEventBatch.userId`);
 * `columns` lists the same objects in the contract's field order.
 */
export interface EventBatch {
  /** The contract's name, for example `customer-event`. */
  readonly contract: string;
  topic: string;
  partition: number;
  /** Number of rows in use. */
  length: number;
  /** Log offset of each row (refused records leave holes). */
  readonly offset: Float64Array;
  /** Ingest time of each row, ms. */
  readonly ingestedAt: Float64Array;
  readonly columns: readonly Column[];
  /** Bits of {@link RowFlag}, set by the runtime (lateness) and by dedupe. */
  readonly flags: Uint8Array;
  /** Members that the contract does not know, as one JSON object; null where there are none. */
  readonly extra: TextColumn;
}

/**
 * The batch with each of its columns under the name of its field, too. In one go: with more than a dozen names assigned
 * one by one, V8 makes a hash table of the object, and each operator would look a column up in it for each row.
 */
export function nameColumns(batch: EventBatch, fields: readonly { readonly name: string }[]): EventBatch {
  return { ...Object.fromEntries(fields.map(({ name }, i) => [name, batch.columns[i]])), ...batch };
}

/** Why a record was refused. The codes are stable: dashboards and the dead-letter API name them. */
export const refusalReasons = [
  "empty",
  "too-large",
  "invalid-utf8",
  "invalid-json",
  "invalid-avro",
  "unknown-schema",
  "missing-field",
  "wrong-type",
  "unknown-symbol",
  "out-of-range",
  "time-in-future",
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/** One refused record; goes to `bronze.dead_letters` with its bytes. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** The field concerned, or null where the whole record is. */
  readonly field: string | null;
  /** What was found and what was expected, for a person. */
  readonly detail: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly ingestedAt: number;
  /** The record as received (cut to the configured maximum); a copy. */
  readonly bytes: Uint8Array;
  /** Size of the record as received. */
  readonly recordBytes: number;
}

/** A decoder turns log records into columns; it owns the batch that it fills. */
export interface EventDecoder<B extends EventBatch> {
  readonly batch: B;
  /** Refusals of the last decode, in offset order. */
  readonly refusals: readonly Refusal[];
  /** Replaces the batch's content with the decoded records [from, to). Never throws for bad data. */
  decode(records: RecordBatch, from: number, to: number): B;
}

/** Bits of {@link EventBatch.flags}. */
export const RowFlag = {
  /** The event id was seen before: only bronze keeps the row. */
  duplicate: 1,
  /** Behind the watermark when it came, within the allowed lateness: windows correct themselves. */
  late: 2,
  /** Behind watermark − allowed lateness: reaches bronze and silver, no window or session. */
  tooLate: 4,
} as const;
