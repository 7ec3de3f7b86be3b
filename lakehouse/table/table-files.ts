import { MillraceError } from "../../schema/index.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { TableLayout } from "./layout.ts";
import {
  type DataFile,
  decodeManifest,
  decodeManifestList,
  EntryStatus,
  type ManifestEntry,
  type ManifestFile,
} from "./manifest.ts";
import type { Snapshot, TableMetadata } from "./table-metadata.ts";

const READS_AT_ONCE = 8;

/** The manifests of a snapshot, in the order of its list; none for an empty table. */
export async function readManifests(
  table: string,
  metadata: TableMetadata,
  snapshot: Snapshot | null,
  objectStore: ObjectStore,
): Promise<ManifestFile[]> {
  if (snapshot === null) return [];
  const path = snapshot["manifest-list"];
  const key = new TableLayout(table, metadata, objectStore).keyOf(path);
  return decodeManifestList(await objectStore.get(key), path);
}

/** Entries of manifests, each list in its manifest's order. */
export async function readEntries(
  table: string,
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
  objectStore: ObjectStore,
): Promise<ManifestEntry[][]> {
  const layout = new TableLayout(table, metadata, objectStore);
  const results: ManifestEntry[][] = new Array(manifests.length);
  let next = 0;
  const read = async (): Promise<void> => {
    while (next < manifests.length) {
      const index = next++;
      const manifest = manifests[index];
      results[index] = decodeManifest(await objectStore.get(layout.keyOf(manifest.manifest_path)), manifest);
    }
  };
  await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE, manifests.length) }, read));
  return results;
}

/**
 * The data files that a snapshot reads. Rejects with `lake-deletes-unsupported` where another engine
 * deleted single rows: to leave the delete files out would bring those rows back.
 */
export async function readLiveFiles(
  table: string,
  metadata: TableMetadata,
  snapshot: Snapshot | null,
  objectStore: ObjectStore,
): Promise<DataFile[]> {
  const manifests = await readManifests(table, metadata, snapshot, objectStore);
  const live = manifests.filter((manifest) => manifest.added_files_count + manifest.existing_files_count > 0);
  if (live.some((manifest) => manifest.content !== 0)) {
    throw new MillraceError(
      `${table} has row-level deletes of another engine, which Millrace does not read; ` +
        "let that engine rewrite the data files (in Trino: ALTER TABLE … EXECUTE optimize)",
      { code: "lake-deletes-unsupported", origin: "user" },
    );
  }
  const entries = await readEntries(table, metadata, live, objectStore);
  return entries.flat().flatMap((entry) => (entry.status === EntryStatus.deleted ? [] : [entry.data_file]));
}
