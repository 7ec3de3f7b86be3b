import { MillraceError } from "../../schema/index.ts";
import type { Catalog, LoadedTable } from "../ports/catalog.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { RetryOptions } from "../table/commit-retry.ts";

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
