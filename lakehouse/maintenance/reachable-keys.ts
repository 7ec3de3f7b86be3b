import type { ObjectStore } from "../ports/object-store.ts";
import { TableLayout } from "../table/layout.ts";
import { decodeManifestList, EntryStatus, type ManifestFile } from "../table/manifest.ts";
import { readEntries } from "../table/table-files.ts";
import type { Snapshot, TableMetadata } from "../table/table-metadata.ts";

/** Object keys of the manifest lists, manifests, data and delete files that snapshots read. */
export async function reachableKeys(
  table: string,
  metadata: TableMetadata,
  snapshots: readonly Snapshot[],
  objectStore: ObjectStore,
): Promise<Set<string>> {
  const layout = new TableLayout(table, metadata, objectStore);
  const keys = new Set<string>();
  // Neighbouring snapshots share almost all manifests: each is read once.
  const manifests = new Map<string, ManifestFile>();
  for (const snapshot of snapshots) {
    const path = snapshot["manifest-list"];
    keys.add(layout.keyOf(path));
    for (const manifest of decodeManifestList(await objectStore.get(layout.keyOf(path)), path)) {
      manifests.set(manifest.manifest_path, manifest);
    }
  }
  for (const path of manifests.keys()) keys.add(layout.keyOf(path));
  for (const entry of (await readEntries(table, metadata, [...manifests.values()], objectStore)).flat()) {
    if (entry.status !== EntryStatus.deleted) keys.add(layout.keyOf(entry.data_file.file_path));
  }
  return keys;
}
