import { MillraceError } from "../../schema/index.ts";
import type { Catalog, LoadedTable } from "../ports/catalog.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { type RetryOptions, retryCommit } from "../table/commit-retry.ts";
import { readLoaded } from "../table/read-loaded.ts";

/** What every maintenance job takes. */
export interface MaintenanceOptions extends RetryOptions {
  readonly catalog: Catalog;
  readonly objectStore: ObjectStore;
  /** Current time, ms. */
  readonly clock: () => number;
}

/** The table's newest metadata; rejects with `table-not-found`. */
export async function loadTable(table: string, catalog: Catalog): Promise<LoadedTable> {
  const loaded = await catalog.load(table);
  if (loaded !== null) return loaded;
  throw new MillraceError(`there is no table ${table} in the lake`, {
    code: "table-not-found",
    origin: "user",
  });
}

/** Reads the table as it is now; again where other maintenance removes meanwhile what is being read. */
export function readTable<T>(
  table: string,
  options: MaintenanceOptions,
  read: (loaded: LoadedTable) => Promise<T>,
): Promise<T> {
  return retryCommit(table, options, async () => {
    const loaded = await loadTable(table, options.catalog);
    return readLoaded(table, loaded, options.catalog, () => read(loaded));
  });
}
