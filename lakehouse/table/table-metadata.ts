import { type JsonInteger, sameId } from "./lossless-json.ts";

/**
 * Iceberg table metadata, format version 2, in the member names of its JSON form
 * (https://iceberg.apache.org/spec/#table-metadata-fields). Members that are not listed here are
 * kept through parse and write. Values are immutable: a commit builds a new object.
 */
export interface TableMetadata {
  readonly "format-version": number;
  readonly "table-uuid": string;
  readonly location: string;
  readonly "last-sequence-number": number;
  readonly "last-updated-ms": number;
  readonly "last-column-id": number;
  readonly "current-schema-id": number;
  readonly schemas: readonly IcebergSchema[];
  readonly "default-spec-id": number;
  readonly "partition-specs": readonly PartitionSpec[];
  readonly "last-partition-id": number;
  readonly "default-sort-order-id": number;
  readonly "sort-orders": readonly SortOrder[];
  readonly properties?: Readonly<Record<string, string>>;
  readonly "current-snapshot-id"?: JsonInteger | null;
  readonly snapshots?: readonly Snapshot[];
  readonly "snapshot-log"?: readonly SnapshotLogEntry[];
  readonly "metadata-log"?: readonly MetadataLogEntry[];
  readonly refs?: Readonly<Record<string, SnapshotRef>>;
}

export interface IcebergSchema {
  readonly type: "struct";
  readonly "schema-id": number;
  readonly fields: readonly SchemaField[];
  readonly "identifier-field-ids"?: readonly number[];
}

export interface SchemaField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  /** A primitive's name, or a nested type of another engine's making. */
  readonly type: unknown;
  readonly doc?: string;
}

export interface PartitionSpec {
  readonly "spec-id": number;
  readonly fields: readonly {
    readonly name: string;
    readonly transform: string;
    readonly "source-id": number;
    readonly "field-id": number;
  }[];
}

export interface SortOrder {
  readonly "order-id": number;
  readonly fields: readonly unknown[];
}

export interface Snapshot {
  readonly "snapshot-id": JsonInteger;
  readonly "parent-snapshot-id"?: JsonInteger;
  readonly "sequence-number": number;
  readonly "timestamp-ms": number;
  readonly "manifest-list": string;
  readonly summary: Readonly<Record<string, string>>;
  readonly "schema-id"?: number;
}

export interface SnapshotLogEntry {
  readonly "snapshot-id": JsonInteger;
  readonly "timestamp-ms": number;
}

export interface MetadataLogEntry {
  readonly "metadata-file": string;
  readonly "timestamp-ms": number;
}

export interface SnapshotRef {
  readonly "snapshot-id": JsonInteger;
  readonly type: "branch" | "tag";
  readonly "min-snapshots-to-keep"?: number;
  readonly "max-snapshot-age-ms"?: number;
  readonly "max-ref-age-ms"?: number;
}

/** Table properties of Iceberg: whether a commit deletes the metadata files that leave the log, and how many it has. */
export const DELETE_AFTER_COMMIT = "write.metadata.delete-after-commit.enabled";
export const PREVIOUS_VERSIONS = "write.metadata.previous-versions-max";

/** The branch that everyone reads. */
export const MAIN_BRANCH = "main";

export function currentSchema(metadata: TableMetadata): IcebergSchema {
  const id = metadata["current-schema-id"];
  const schema = metadata.schemas.find((candidate) => candidate["schema-id"] === id);
  if (schema === undefined) throw new Error(`table ${metadata.location} has no schema ${id}`);
  return schema;
}

/** Head of the main branch, or null while the table is empty. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | null {
  const id = metadata.refs?.[MAIN_BRANCH]?.["snapshot-id"] ?? metadata["current-snapshot-id"];
  // Older writers say -1 for "none".
  return id === undefined || id === null || sameId(id, -1) ? null : snapshotById(metadata, id);
}

export function snapshotById(metadata: TableMetadata, id: JsonInteger | string): Snapshot | null {
  const text = String(id);
  return metadata.snapshots?.find((snapshot) => String(snapshot["snapshot-id"]) === text) ?? null;
}

/** The snapshot that was current at a time (ms), by the snapshot log; null if there was none. */
export function snapshotAt(metadata: TableMetadata, timeMs: number): Snapshot | null {
  const entry = metadata["snapshot-log"]?.findLast((candidate) => candidate["timestamp-ms"] <= timeMs);
  return entry === undefined ? null : snapshotById(metadata, entry["snapshot-id"]);
}
