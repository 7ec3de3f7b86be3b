import type { StagedCommit } from "../ports/staged-file.ts";
import { tableKey } from "../table/layout.ts";
import { keysInUse } from "./keys-in-use.ts";
import { loadTable, type MaintenanceOptions, readTable } from "./maintenance-options.ts";
import { mayDeleteFiles } from "./retention.ts";

export interface RemoveOrphansOptions extends MaintenanceOptions {
  /**
   * Younger objects stay (default three days): they may be staged by a running task or belong to a
   * commit that is under way. Must be longer than any checkpoint or compaction takes.
   */
  readonly minAgeMs?: number;
  /**
   * The newest checkpoint of every task, read before this is called: after a crash, files that a checkpoint has and
   * the table has not stay, however old they are.
   */
  readonly prepared: readonly StagedCommit[];
}

/** Null where the engine that did it does not say. */
export interface OrphanReport {
  readonly objects: number | null;
  readonly bytes: number | null;
  /** Why none were removed, and what to do; absent where they were. */
  readonly warning?: string;
}

const MIN_AGE_MS = 3 * 86_400_000;

/**
 * Deletes the objects in a table's folder that neither the table nor an unpublished checkpoint refers to. None of a table
 * whose `gc.enabled` is `false`: other tables may refer to them.
 */
export async function removeOrphans(table: string, options: RemoveOrphansOptions): Promise<OrphanReport> {
  const { metadata } = await loadTable(table, options.catalog);
  if (!mayDeleteFiles(metadata)) return { objects: 0, bytes: 0 };
  const youngest = options.clock() - (options.minAgeMs ?? MIN_AGE_MS);
  const old = new Map<string, number>();
  for await (const object of options.objectStore.list(`${tableKey(table)}/`)) {
    if (object.modifiedAt <= youngest) old.set(object.key, object.bytes);
  }
  // Loaded after the listing: whatever was committed in the meantime counts as in use.
  const inUse = await readTable(table, options, (loaded) => keysInUse(table, loaded, options));
  const orphans = [...old.keys()].filter((key) => !inUse.has(key));
  await options.objectStore.delete(orphans);
  return { objects: orphans.length, bytes: orphans.reduce((sum, key) => sum + (old.get(key) ?? 0), 0) };
}
