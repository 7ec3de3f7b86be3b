import type { LoadedTable } from "../ports/catalog.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { TableLayout } from "./layout.ts";
import { parseLossless } from "./lossless-json.ts";
import { publishedEpochs } from "./publisher.ts";
import type { TableMetadata } from "./table-metadata.ts";

/**
 * The newest version of a table that has no later epoch of any task than `epochOf` it: the version that belongs to such
 * checkpoints. Null where none of those that the table still names is so old. Rejects with
 * `object-not-found` where maintenance removes them meanwhile.
 */
export async function versionUpTo(
  table: string,
  newest: LoadedTable,
  epochOf: (taskId: string) => number,
  objectStore: ObjectStore,
): Promise<LoadedTable | null> {
  if (isUpTo(newest.metadata, epochOf)) return newest;
  const layout = new TableLayout(table, newest.metadata, objectStore);
  for (const entry of (newest.metadata["metadata-log"] ?? []).toReversed()) {
    const metadataLocation = entry["metadata-file"];
    const bytes = await objectStore.get(layout.keyOf(metadataLocation));
    const metadata = parseLossless(Buffer.from(bytes).toString("utf8")) as TableMetadata;
    if (isUpTo(metadata, epochOf)) return { metadata, metadataLocation };
  }
  return null;
}

function isUpTo(metadata: TableMetadata, epochOf: (taskId: string) => number): boolean {
  for (const [taskId, epoch] of publishedEpochs(metadata)) if (epoch > epochOf(taskId)) return false;
  return true;
}
