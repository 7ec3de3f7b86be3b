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
  return new Set((await reachableObjects(table, metadata, snapshots, objectStore)).keys());
}

/** As {@link reachableKeys}, with the sizes in bytes that something tells of them: those of data and delete files. */
export async function reachableObjects(
  table: string,
  metadata: TableMetadata,
  snapshots: readonly Snapshot[],
  objectStore: ObjectStore,
): Promise<Map<string, number | null>> {
  const layout = new TableLayout(table, metadata, objectStore);
  const objects = new Map<string, number | null>();
  // Neighbouring snapshots share almost all manifests: each is read once.
  const manifests = new Map<string, ManifestFile>();
  for (const snapshot of snapshots) {
    const path = snapshot["manifest-list"];
    objects.set(layout.keyOf(path), null);
    for (const manifest of decodeManifestList(await objectStore.get(layout.keyOf(path)), path)) {
      manifests.set(manifest.manifest_path, manifest);
    }
  }
  for (const path of manifests.keys()) objects.set(layout.keyOf(path), null);
  for (const { status, data_file } of (
    await readEntries(table, metadata, [...manifests.values()], objectStore)
  ).flat()) {
    if (status === EntryStatus.deleted) continue;
    objects.set(layout.keyOf(data_file.file_path), Number(data_file.file_size_in_bytes));
  }
  return objects;
}
