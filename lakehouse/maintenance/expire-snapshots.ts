import { isMissingObject, type ObjectStore } from "../ports/object-store.ts";
import { retryCommit } from "../table/commit-retry.ts";
import type { Snapshot, TableMetadata } from "../table/table-metadata.ts";
import { loadTable, type MaintenanceOptions, readTable } from "./maintenance-options.ts";
import { reachableKeys } from "./reachable-keys.ts";
import { mayDeleteFiles, outdated, timesOfFuture } from "./retention.ts";

export interface ExpireSnapshotsOptions extends MaintenanceOptions {
  /**
   * Snapshots that were current within this time stay (default one day): how far time travel reaches, and how
   * long who reads one may take. The table's `history.expire.max-snapshot-age-ms` comes before it.
   */
  readonly maxAgeMs?: number;
  /** So many of the newest stay, however old (default 10). `history.expire.min-snapshots-to-keep` comes before it. */
  readonly keepLast?: number;
  /**
   * No more than so many of a branch stay, however young (default 10,000: a day of commits every ten seconds), unless
   * the table says how old they may become: each commit writes all of them anew.
   */
  readonly keepMost?: number;
}

export interface ExpiryReport {
  readonly snapshots: number;
  /** Objects that only expired snapshots used; null where the engine that did it does not say. */
  readonly objects: number | null;
}

interface Expired {
  /** As it was before. */
  readonly metadata: TableMetadata;
  readonly expired: readonly Snapshot[];
}

const MAX_AGE_MS = 86_400_000;
const KEEP_LAST = 10;
const KEEP_MOST = 10_000;

/**
 * Forgets old snapshots, and deletes the files that no other snapshot reads; see {@link outdated} for which. None of a
 * table whose `gc.enabled` is `false`. Task epochs are table properties and so outlive their snapshots.
 */
export async function expireSnapshots(table: string, options: ExpireSnapshotsOptions): Promise<ExpiryReport> {
  const { objectStore } = options;
  const before = await retryCommit(table, options, () => removeExpired(table, options));
  if (before === null) return { snapshots: 0, objects: 0 };
  // The commit is done. A crash from here on leaves files that nothing refers to: orphans.
  const once = await expiredKeys(table, before, objectStore);
  // Read last: what was committed in the meantime counts as in use.
  const inUse = await readTable(table, options, ({ metadata }) =>
    reachableKeys(table, metadata, metadata.snapshots ?? [], objectStore),
  );
  const unused = [...once].filter((key) => !inUse.has(key));
  await objectStore.delete(unused);
  return { snapshots: before.expired.length, objects: unused.length };
}

/** None where other maintenance has expired the same at the same time: it deletes what they used. */
async function expiredKeys(
  table: string,
  { metadata, expired }: Expired,
  objectStore: ObjectStore,
): Promise<ReadonlySet<string>> {
  try {
    return await reachableKeys(table, metadata, expired, objectStore);
  } catch (error) {
    if (isMissingObject(error)) return new Set();
    throw error;
  }
}

async function removeExpired(table: string, options: ExpireSnapshotsOptions): Promise<Expired | null> {
  const { metadata } = await loadTable(table, options.catalog);
  if (!mayDeleteFiles(metadata)) return null;
  const { maxAgeMs = MAX_AGE_MS, keepLast = KEEP_LAST, keepMost = KEEP_MOST } = options;
  const limits = { maxAgeMs, keepLast, keepMost };
  const nowMs = options.clock();
  const times = await timesOfFuture(table, metadata, nowMs, options.objectStore);
  const { snapshots: expired, refs } = outdated(metadata, limits, nowMs, times);
  if (expired.length === 0 && refs.length === 0) return null;
  await options.catalog.commit(table, {
    requirements: [
      { type: "assert-table-uuid", uuid: metadata["table-uuid"] },
      // A catalog that removes the snapshot which a ref has gone back to since removes the ref, too, be it main.
      ...Object.entries(metadata.refs ?? {}).map(
        ([ref, { "snapshot-id": id }]) =>
          ({ type: "assert-ref-snapshot-id", ref, "snapshot-id": id }) as const,
      ),
    ],
    updates: [
      ...refs.map((ref) => ({ action: "remove-snapshot-ref", "ref-name": ref }) as const),
      { action: "remove-snapshots", "snapshot-ids": expired.map((snapshot) => snapshot["snapshot-id"]) },
    ],
  });
  return { metadata, expired };
}
