import { type TableSpec, tableName } from "../../schema/index.ts";
import { type CompactionReport, type CompactTableOptions, compactTable } from "./compact-table.ts";
import { type ExpireSnapshotsOptions, type ExpiryReport, expireSnapshots } from "./expire-snapshots.ts";
import { type OrphanReport, type RemoveOrphansOptions, removeOrphans } from "./remove-orphans.ts";

export interface MaintainTablesOptions
  extends CompactTableOptions,
    ExpireSnapshotsOptions,
    Omit<RemoveOrphansOptions, "minAgeMs"> {
  /** As `minAgeMs` of {@link removeOrphans}. */
  readonly orphanAgeMs?: number;
  /** Stops between two steps. */
  readonly signal?: AbortSignal;
}

export interface MaintenanceReport {
  readonly table: string;
  readonly compaction: CompactionReport;
  readonly expiry: ExpiryReport;
  readonly orphans: OrphanReport;
}

/**
 * Compacts, expires and cleans each table in turn; tables that do not exist yet are left out. Made to
 * be called every few minutes: without expiry the metadata, which each commit writes anew, grows by
 * half a kilobyte a commit.
 */
export async function maintainTables(
  specs: readonly TableSpec[],
  options: MaintainTablesOptions,
): Promise<readonly MaintenanceReport[]> {
  const { orphanAgeMs, ...rest } = options;
  const orphanOptions = orphanAgeMs === undefined ? rest : { ...rest, minAgeMs: orphanAgeMs };
  const reports: MaintenanceReport[] = [];
  for (const spec of specs) {
    const table = tableName(spec);
    if ((await options.catalog.load(table)) === null) continue;
    options.signal?.throwIfAborted();
    const compaction = await compactTable(spec, options);
    options.signal?.throwIfAborted();
    const expiry = await expireSnapshots(table, options);
    options.signal?.throwIfAborted();
    reports.push({ table, compaction, expiry, orphans: await removeOrphans(table, orphanOptions) });
  }
  return reports;
}
