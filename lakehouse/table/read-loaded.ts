import type { Catalog, LoadedTable } from "../ports/catalog.ts";
import { isMissingObject } from "../ports/object-store.ts";
import { commitConflict } from "./apply-updates.ts";

/**
 * Runs what reads a table's files. Where it misses one that other maintenance has removed since the table was
 * loaded, this rejects with `commit-conflict`: `retryCommit` then loads it again.
 */
export async function readLoaded<T>(
  table: string,
  loaded: LoadedTable,
  catalog: Catalog,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isMissingObject(error)) throw error;
    const now = await catalog.load(table);
    if (now?.metadataLocation === loaded.metadataLocation) throw error;
    throw commitConflict(table, "files of the version before were removed");
  }
}
