import type { ObjectStore } from "../ports/object-store.ts";
import { EntryStatus, type ManifestEntry, type ManifestFile } from "./manifest.ts";
import { addedEntry, daySpec, writeManifest } from "./snapshot-writer.ts";
import { readEntries } from "./table-files.ts";
import type { TableMetadata } from "./table-metadata.ts";

/** Manifests of one size class that are merged into one. */
export const MERGE_COUNT = 100;
/** Manifests with more files are large enough: rewriting them would cost more than opening them. */
const FILES_MAX = 10_000;

/**
 * Keeps the number of manifests small. Manifests are merged by size class (below 100 files, below
 * 10,000), a hundred at a time, so each entry is rewritten at most twice and a commit costs O(1) on
 * average, however long the table lives. What the snapshot itself adds or deletes stays told as that: readers
 * of changes go by such entries.
 *
 * @param snapshotId of the snapshot that is being made
 * @returns the manifests that replace `manifests`
 */
export async function mergeManifests(
  table: string,
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
  snapshotId: number,
  objectStore: ObjectStore,
): Promise<readonly ManifestFile[]> {
  const specId = daySpec(metadata)["spec-id"];
  const classes = [new Set<ManifestFile>(), new Set<ManifestFile>()];
  for (const manifest of manifests) {
    if (manifest.content !== 0 || manifest.partition_spec_id !== specId) continue;
    const files = manifest.added_files_count + manifest.existing_files_count;
    if (files < FILES_MAX) classes[files < MERGE_COUNT ? 0 : 1].add(manifest);
  }
  let result = manifests;
  for (const group of classes) {
    if (group.size < MERGE_COUNT) continue;
    const entries = (await readEntries(table, metadata, [...group], objectStore)).flat();
    const merged = entries.flatMap((entry) => mergedEntry(entry, snapshotId));
    const kept = result.filter((manifest) => !group.has(manifest));
    result =
      merged.length === 0
        ? kept
        : [...kept, await writeManifest(table, metadata, merged, snapshotId, objectStore)];
  }
  return result;
}

function mergedEntry(entry: ManifestEntry, snapshotId: number): readonly ManifestEntry[] {
  const isOwn = entry.snapshot_id === BigInt(snapshotId);
  // Deleted by an earlier snapshot: that one's manifest tells of it.
  if (entry.status === EntryStatus.deleted) return isOwn ? [entry] : [];
  if (entry.status === EntryStatus.added && isOwn) return [addedEntry(entry.data_file)];
  return [{ ...entry, status: EntryStatus.existing }];
}
