import type { LoadedTable } from "../ports/catalog.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { StagedCommit } from "../ports/staged-file.ts";
import { TableLayout, tableKey } from "../table/layout.ts";
import { unpublishedCommits } from "../table/publisher.ts";
import { reachableKeys } from "./reachable-keys.ts";

export interface KeysInUseOptions {
  readonly objectStore: ObjectStore;
  /** The newest checkpoint of every task. */
  readonly prepared: readonly StagedCommit[];
}

/**
 * Everything in a table's folder that a version of it refers to, or a checkpoint that is prepared and not yet
 * published in that version.
 */
export async function keysInUse(
  table: string,
  loaded: LoadedTable,
  { objectStore, prepared }: KeysInUseOptions,
): Promise<Set<string>> {
  const { metadata } = loaded;
  const layout = new TableLayout(table, metadata, objectStore);
  const keys = await reachableKeys(table, metadata, metadata.snapshots ?? [], objectStore);
  keys.add(`${tableKey(table)}/metadata/version-hint.text`);
  keys.add(layout.keyOf(loaded.metadataLocation));
  // Earlier metadata versions, and statistics files of other engines, whatever member names them.
  const folders = [`${metadata.location}/`, objectStore.uri(`${tableKey(table)}/`)];
  const visit = (value: unknown): void => {
    if (typeof value === "string") {
      if (folders.some((folder) => value.startsWith(folder))) keys.add(layout.keyOf(value));
    } else if (typeof value === "object" && value !== null) {
      for (const member of Object.values(value)) visit(member);
    }
  };
  visit(metadata);
  for (const { files } of unpublishedCommits(table, metadata, prepared))
    for (const { key } of files) keys.add(key);
  return keys;
}
