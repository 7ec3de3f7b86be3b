import { avroType, decodeAvroFile, encodeAvroFile } from "./avro-file.ts";
import { type JsonInteger, jsonInteger } from "./lossless-json.ts";
import {
  adaptSchema,
  MANIFEST_FILE_SCHEMA,
  manifestEntrySchema,
  manifestHeader,
  partitionFieldName,
} from "./manifest-schemas.ts";
import { DAY_FIELD_ID } from "./schema.ts";
import type { IcebergSchema, PartitionSpec } from "./table-metadata.ts";

export const EntryStatus = { existing: 0, added: 1, deleted: 2 } as const;

type LongByColumn = readonly { readonly key: number; readonly value: bigint }[];
type BytesByColumn = readonly { readonly key: number; readonly value: Uint8Array }[];

/** A `data_file` of a manifest, in the names of the specification. */
export interface DataFile {
  /** 0 data, 1 position deletes, 2 equality deletes. */
  readonly content: number;
  readonly file_path: string;
  readonly file_format: string;
  readonly partition: Readonly<Record<string, number | null>>;
  readonly record_count: bigint;
  readonly file_size_in_bytes: bigint;
  readonly column_sizes: LongByColumn | null;
  readonly value_counts: LongByColumn | null;
  readonly null_value_counts: LongByColumn | null;
  readonly nan_value_counts: LongByColumn | null;
  readonly lower_bounds: BytesByColumn | null;
  readonly upper_bounds: BytesByColumn | null;
  readonly key_metadata: Uint8Array | null;
  readonly split_offsets: readonly bigint[] | null;
  readonly equality_ids: readonly number[] | null;
  readonly sort_order_id: number | null;
}

/** A null id or sequence number is inherited from the manifest's entry in the manifest list. */
export interface ManifestEntry {
  readonly status: number;
  readonly snapshot_id: bigint | null;
  readonly sequence_number: bigint | null;
  readonly file_sequence_number: bigint | null;
  readonly data_file: DataFile;
}

export interface PartitionSummary {
  readonly contains_null: boolean;
  readonly contains_nan: boolean | null;
  readonly lower_bound: Uint8Array | null;
  readonly upper_bound: Uint8Array | null;
}

/** An entry of a manifest list. */
export interface ManifestFile {
  readonly manifest_path: string;
  readonly manifest_length: bigint;
  readonly partition_spec_id: number;
  /** 0 data, 1 deletes. */
  readonly content: number;
  readonly sequence_number: bigint;
  readonly min_sequence_number: bigint;
  readonly added_snapshot_id: bigint;
  readonly added_files_count: number;
  readonly existing_files_count: number;
  readonly deleted_files_count: number;
  readonly added_rows_count: bigint;
  readonly existing_rows_count: bigint;
  readonly deleted_rows_count: bigint;
  readonly partitions: readonly PartitionSummary[] | null;
  readonly key_metadata: Uint8Array | null;
}

const manifestFileType = avroType(MANIFEST_FILE_SCHEMA);

/** Bytes of a manifest of data files. */
export function encodeManifest(
  entries: readonly ManifestEntry[],
  schema: IcebergSchema,
  spec: PartitionSpec,
): Buffer {
  const avroSchema = manifestEntrySchema(spec);
  const rows = entries.map((entry) => ({ ...entry, data_file: withPartitionNames(entry.data_file, spec) }));
  return encodeAvroFile(avroSchema, avroType(avroSchema), rows, manifestHeader(schema, spec));
}

function withPartitionNames(file: DataFile, spec: PartitionSpec): unknown {
  const partition = spec.fields.map((field) => [
    field.name,
    file.partition[partitionFieldName(field["field-id"])] ?? null,
  ]);
  return { ...buffersOf(file), partition: Object.fromEntries(partition) };
}

/** avsc takes bytes only as `Buffer`. */
function buffersOf(file: DataFile): DataFile {
  const convert = (bounds: BytesByColumn | null): BytesByColumn | null =>
    bounds?.map(({ key, value }) => ({ key, value: Buffer.from(value) })) ?? null;
  return { ...file, lower_bounds: convert(file.lower_bounds), upper_bounds: convert(file.upper_bounds) };
}

/**
 * Entries with the inherited ids and sequence numbers filled in from `manifest`, the manifest's own
 * entry in the list.
 */
export function decodeManifest(bytes: Uint8Array, manifest: ManifestFile): ManifestEntry[] {
  const { rows } = decodeAvroFile(bytes, manifest.manifest_path, adaptSchema);
  return (rows as ManifestEntry[]).map((entry) => ({
    ...entry,
    snapshot_id: entry.snapshot_id ?? manifest.added_snapshot_id,
    sequence_number: entry.sequence_number ?? manifest.sequence_number,
    file_sequence_number: entry.file_sequence_number ?? manifest.sequence_number,
  }));
}

export interface ManifestListHeader {
  readonly snapshotId: JsonInteger;
  readonly parentSnapshotId: JsonInteger | null;
  readonly sequenceNumber: number;
}

export function encodeManifestList(manifests: readonly ManifestFile[], header: ManifestListHeader): Buffer {
  return encodeAvroFile(MANIFEST_FILE_SCHEMA, manifestFileType, manifests, {
    "snapshot-id": String(header.snapshotId),
    "parent-snapshot-id": String(header.parentSnapshotId),
    "sequence-number": String(header.sequenceNumber),
    "format-version": "2",
  });
}

export function decodeManifestList(bytes: Uint8Array, name: string): ManifestFile[] {
  return decodeAvroFile(bytes, name, adaptSchema).rows as ManifestFile[];
}

/** Counts, rows and day range of a manifest, for its entry in the manifest list. */
export function describeManifest(
  entries: readonly ManifestEntry[],
  place: { readonly path: string; readonly bytes: number; readonly specId: number },
  snapshotId: JsonInteger,
  sequenceNumber: number,
): ManifestFile {
  const count = (status: number): number => entries.filter((entry) => entry.status === status).length;
  const rows = (status: number): bigint =>
    entries.reduce((sum, e) => (e.status === status ? sum + e.data_file.record_count : sum), 0n);
  let minSequence = BigInt(sequenceNumber);
  for (const entry of entries) {
    if (entry.status === EntryStatus.deleted || entry.sequence_number === null) continue;
    if (entry.sequence_number < minSequence) minSequence = entry.sequence_number;
  }
  return {
    manifest_path: place.path,
    manifest_length: BigInt(place.bytes),
    partition_spec_id: place.specId,
    content: 0,
    sequence_number: BigInt(sequenceNumber),
    min_sequence_number: minSequence,
    added_snapshot_id: BigInt(snapshotId),
    added_files_count: count(EntryStatus.added),
    existing_files_count: count(EntryStatus.existing),
    deleted_files_count: count(EntryStatus.deleted),
    added_rows_count: rows(EntryStatus.added),
    existing_rows_count: rows(EntryStatus.existing),
    deleted_rows_count: rows(EntryStatus.deleted),
    partitions: [daySummary(entries.map((entry) => dayOf(entry.data_file)))],
    key_metadata: null,
  };
}

/** UTC day of a file's partition; null where the table is not partitioned by day. */
export function dayOf(file: DataFile): number | null {
  return file.partition[partitionFieldName(DAY_FIELD_ID)] ?? null;
}

/** The partition value that {@link dayOf} reads. */
export function dayPartition(day: number): Readonly<Record<string, number>> {
  return { [partitionFieldName(DAY_FIELD_ID)]: day };
}

function daySummary(days: readonly (number | null)[]): PartitionSummary {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const day of days) {
    if (day === null) continue;
    low = Math.min(low, day);
    high = Math.max(high, day);
  }
  const isKnown = low <= high;
  return {
    contains_null: days.includes(null),
    contains_nan: false,
    lower_bound: isKnown ? int32Bytes(low) : null,
    upper_bound: isKnown ? int32Bytes(high) : null,
  };
}

function int32Bytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** Snapshot id of an entry, in the form that metadata uses. */
export function entrySnapshotId(entry: ManifestEntry): JsonInteger | null {
  return entry.snapshot_id === null ? null : jsonInteger(entry.snapshot_id);
}
