import { randomBytes, randomUUID } from "node:crypto";
import { MillraceError } from "../../schema/index.ts";
import type { TableCommit } from "../ports/catalog.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { TableLayout, tableKey } from "./layout.ts";
import {
  type DataFile,
  dayOf,
  describeManifest,
  EntryStatus,
  encodeManifest,
  encodeManifestList,
  type ManifestEntry,
  type ManifestFile,
} from "./manifest.ts";
import { DAY_FIELD_ID } from "./schema.ts";
import type { PartitionSpec, Snapshot, TableMetadata } from "./table-metadata.ts";
import { currentSchema, currentSnapshot, MAIN_BRANCH } from "./table-metadata.ts";

export interface SnapshotPlan {
  readonly table: string;
  /** The metadata that the snapshot goes on top of. */
  readonly metadata: TableMetadata;
  readonly operation: "append" | "replace";
  /** Complete list of manifests of the new snapshot. */
  readonly manifests: readonly ManifestFile[];
  readonly added: readonly DataFile[];
  readonly removed: readonly DataFile[];
  readonly snapshotId: number;
  readonly nowMs: number;
  /** Into the snapshot's summary, beside Iceberg's own members. */
  readonly summary?: Readonly<Record<string, string>>;
}

/** A random positive id that a double holds exactly, as ids of others need not be. */
export function newSnapshotId(): number {
  const bytes = randomBytes(7);
  // 52 random bits; 0 would read as "none" somewhere.
  return bytes.readUIntLE(0, 6) + (bytes[6] & 15) * 2 ** 48 || 1;
}

export function nextSequenceNumber(metadata: TableMetadata): number {
  return metadata["last-sequence-number"] + 1;
}

/**
 * The partitioning of the files that Millrace writes: by day and nothing else. The table's default is another
 * one where another engine has set one for its own files; each manifest says which its files have.
 */
export function daySpec(metadata: TableMetadata): PartitionSpec {
  const isOurs = ({ fields: [first, ...more] }: PartitionSpec): boolean =>
    first?.["field-id"] === DAY_FIELD_ID && first.transform === "day" && more.length === 0;
  const spec = metadata["partition-specs"].find(isOurs);
  if (spec !== undefined) return spec;
  throw new MillraceError(
    `the table at ${metadata.location} is not partitioned by day any more; let the engine that changed it set ` +
      "the partitioning by day again (in Trino: ALTER TABLE … SET PROPERTIES partitioning)",
    { code: "partitioning-foreign", origin: "user" },
  );
}

/**
 * Writes a manifest under a new name. Unreferenced until a commit names it: a crash leaves an orphan.
 */
export async function writeManifest(
  table: string,
  metadata: TableMetadata,
  entries: readonly ManifestEntry[],
  snapshotId: number,
  objectStore: ObjectStore,
): Promise<ManifestFile> {
  const spec = daySpec(metadata);
  const bytes = encodeManifest(entries, currentSchema(metadata), spec);
  const key = `${tableKey(table)}/metadata/${randomUUID()}-m0.avro`;
  await objectStore.put(key, bytes, { ifAbsent: true });
  const path = new TableLayout(table, metadata, objectStore).uri(key);
  const place = { path, bytes: bytes.length, specId: spec["spec-id"] };
  return describeManifest(entries, place, snapshotId, nextSequenceNumber(metadata));
}

/** An entry for a file that this snapshot adds; it inherits the snapshot's id and sequence number. */
export function addedEntry(file: DataFile): ManifestEntry {
  return {
    status: EntryStatus.added,
    snapshot_id: null,
    sequence_number: null,
    file_sequence_number: null,
    data_file: file,
  };
}

/**
 * Writes the manifest list and resolves to the commit that makes it the head of main, provided that
 * the table is still as in `metadata`. Nothing is visible before the catalog took the commit; until
 * then a crash leaves an orphan list.
 */
export async function prepareSnapshot(
  plan: SnapshotPlan,
  objectStore: ObjectStore,
): Promise<{ readonly commit: TableCommit; readonly manifestListKey: string }> {
  const { metadata, snapshotId } = plan;
  const parent = currentSnapshot(metadata);
  const sequenceNumber = nextSequenceNumber(metadata);
  // Setting a ref replaces it as a whole: how long the branch keeps its snapshots would be forgotten.
  const branch = { ...metadata.refs?.[MAIN_BRANCH], type: "branch", "snapshot-id": snapshotId } as const;
  const list = encodeManifestList(plan.manifests, {
    snapshotId,
    parentSnapshotId: parent?.["snapshot-id"] ?? null,
    sequenceNumber,
  });
  const manifestListKey = `${tableKey(plan.table)}/metadata/snap-${snapshotId}-1-${randomUUID()}.avro`;
  await objectStore.put(manifestListKey, list, { ifAbsent: true });
  const snapshot: Snapshot = {
    "snapshot-id": snapshotId,
    ...(parent === null ? {} : { "parent-snapshot-id": parent["snapshot-id"] }),
    "sequence-number": sequenceNumber,
    // Time travel by time needs a log in time order, whatever the clocks of several writers say.
    "timestamp-ms": Math.max(plan.nowMs, metadata["last-updated-ms"]),
    "manifest-list": new TableLayout(plan.table, metadata, objectStore).uri(manifestListKey),
    summary: { operation: plan.operation, ...plan.summary, ...countChanges(plan, parent) },
    "schema-id": metadata["current-schema-id"],
  };
  const commit: TableCommit = {
    requirements: [
      { type: "assert-table-uuid", uuid: metadata["table-uuid"] },
      {
        type: "assert-ref-snapshot-id",
        ref: MAIN_BRANCH,
        "snapshot-id": parent?.["snapshot-id"] ?? null,
      },
    ],
    updates: [
      { action: "add-snapshot", snapshot },
      { action: "set-snapshot-ref", "ref-name": MAIN_BRANCH, ...branch },
    ],
  };
  return { commit, manifestListKey };
}

function countChanges(plan: SnapshotPlan, parent: Snapshot | null): Record<string, string> {
  const added = measure(plan.added);
  const removed = measure(plan.removed);
  const days = new Set([...plan.added, ...plan.removed].map(dayOf));
  const summary: Record<string, string> = {
    "added-data-files": String(added.files),
    "added-records": String(added.records),
    "added-files-size": String(added.bytes),
    "changed-partition-count": String(days.size),
  };
  if (removed.files > 0) {
    summary["deleted-data-files"] = String(removed.files);
    summary["deleted-records"] = String(removed.records);
    summary["removed-files-size"] = String(removed.bytes);
  }
  const carry = (name: string, change: number): void => {
    const before = parent === null ? "0" : parent.summary[name];
    // Totals are optional: where the parent has none, none can be known.
    if (before !== undefined) summary[name] = String(Number(before) + change);
  };
  carry("total-data-files", added.files - removed.files);
  carry("total-records", added.records - removed.records);
  carry("total-files-size", added.bytes - removed.bytes);
  carry("total-delete-files", 0);
  carry("total-position-deletes", 0);
  carry("total-equality-deletes", 0);
  return summary;
}

function measure(files: readonly DataFile[]): { files: number; records: number; bytes: number } {
  let records = 0;
  let bytes = 0;
  for (const file of files) {
    records += Number(file.record_count);
    bytes += Number(file.file_size_in_bytes);
  }
  return { files: files.length, records, bytes };
}
