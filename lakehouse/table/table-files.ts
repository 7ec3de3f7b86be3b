import type { ObjectStore } from "../ports/object-store.ts";
import { someAtOnce } from "../some-at-once.ts";
import { TableLayout } from "./layout.ts";
import { decodeManifest, decodeManifestList, type ManifestEntry, type ManifestFile } from "./manifest.ts";
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
  return someAtOnce(manifests, READS_AT_ONCE, async (manifest) =>
    decodeManifest(await objectStore.get(layout.keyOf(manifest.manifest_path)), manifest),
  );
}

/** Whether a snapshot reads any file of the manifest; others only tell its history. */
export function hasLiveFiles(manifest: ManifestFile): boolean {
  return manifest.added_files_count + manifest.existing_files_count > 0;
}
