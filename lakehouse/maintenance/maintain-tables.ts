import { type TableSpec, tableName } from "../../schema/index.ts";
import { type CompactionReport, type CompactTableOptions, compactTable } from "./compact-table.ts";
import { type ExpireSnapshotsOptions, type ExpiryReport, expireSnapshots } from "./expire-snapshots.ts";
import { MaintenanceFailures } from "./maintenance-failures.ts";
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

/** What was left undone in a table, and what to do. */
export function maintenanceWarnings({ compaction, orphans }: MaintenanceReport): readonly string[] {
  return [compaction.warning, orphans.warning].filter((warning) => warning !== undefined);
}

/**
 * Compacts, expires and cleans each table in turn; tables that do not exist yet are left out. Made to
 * be called every few minutes: without expiry the metadata, which each commit writes anew, grows by
 * half a kilobyte a commit. What fails keeps nothing else from being done: a table with a file that cannot be read
 * would let all others grow, and a full disk, on which nothing can be compacted, would stay full.
 *
 * @throws MillraceError the first failure, once all tables were seen to; or at once where `signal` is aborted
 */
export async function maintainTables(
  specs: readonly TableSpec[],
  options: MaintainTablesOptions,
): Promise<readonly MaintenanceReport[]> {
  const { orphanAgeMs, signal, ...rest } = options;
  const orphanOptions = orphanAgeMs === undefined ? rest : { ...rest, minAgeMs: orphanAgeMs };
  const reports: MaintenanceReport[] = [];
  const failures = new MaintenanceFailures(signal);
  for (const spec of specs) {
    const table = tableName(spec);
    await failures.noting(table, async () => {
      if ((await options.catalog.load(table)) === null) return;
      const compaction = await failures.noting(table, () => compactTable(spec, options));
      const expiry = await failures.noting(table, () => expireSnapshots(table, options));
      const orphans = await failures.noting(table, () => removeOrphans(table, orphanOptions));
      if (compaction && expiry && orphans) reports.push({ table, compaction, expiry, orphans });
    });
  }
  failures.throwFirst();
  return reports;
}
