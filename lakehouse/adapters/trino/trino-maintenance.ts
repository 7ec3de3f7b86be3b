import { MillraceError, type TableSpec, tableName } from "../../../schema/index.ts";
import type { CompactionReport, MaintenanceReport, OrphanReport } from "../../maintenance/index.ts";
import { MaintenanceFailures } from "../../maintenance/maintenance-failures.ts";
import { mayDeleteFiles, tableLimit } from "../../maintenance/retention.ts";
import type { Catalog } from "../../ports/catalog.ts";
import type { StagedCommit } from "../../ports/staged-file.ts";
import { unpublishedCommits } from "../../table/publisher.ts";
import type { Snapshot, TableMetadata } from "../../table/table-metadata.ts";
import { StatementClient } from "./statement-client.ts";
import { TRINO_RETRY, type TrinoConnection, trinoTable } from "./trino-query-engine.ts";

export interface TrinoMaintenanceOptions extends TrinoConnection {
  /** The catalog that Trino writes: where the outcome is read. */
  readonly catalog: Catalog;
  /**
   * The newest checkpoint of every task, read before this is called: while a table lacks files of one, its orphans
   * stay, since Trino cannot be told which of them are none.
   */
  readonly prepared: readonly StagedCommit[];
  /** Size from which files are left alone (default 128 MiB). */
  readonly targetBytes?: number;
  /**
   * Snapshots younger than this stay (default one day): how far time travel reaches. The table's
   * `history.expire.max-snapshot-age-ms` comes before it.
   */
  readonly maxAgeMs?: number;
  /** Younger objects stay (default three days); must be longer than a checkpoint may wait to be published. */
  readonly orphanAgeMs?: number;
  /** Longest time of one statement, ms (default half an hour). */
  readonly statementMsMax?: number;
  /** Stops between two statements, and cancels the one that runs. */
  readonly signal?: AbortSignal;
}

const TARGET_BYTES = 128 * 1024 * 1024;
const MAX_AGE_MS = 86_400_000;
const ORPHAN_AGE_MS = 3 * 86_400_000;
const STATEMENT_MS_MAX = 30 * 60_000;

/**
 * Compacts, expires and cleans each table in turn by Trino's own procedures: the work of
 * `maintainTables` for a cluster. Tables that do not exist are left out; one that fails keeps no other from it. Safe beside running writers:
 * compaction is one `replace` snapshot that the catalog takes or refuses, task epochs are table
 * properties that Trino keeps, and files that are staged but not yet published are younger than
 * `orphanAgeMs` or named by a checkpoint. Nothing is deleted of a table whose `gc.enabled` is `false`. A crash leaves what Trino had not committed as orphans.
 *
 * Other than there: files are not sorted by the table's key, and objects that went are not counted.
 */
export async function maintainTablesByTrino(
  specs: readonly TableSpec[],
  options: TrinoMaintenanceOptions,
): Promise<readonly MaintenanceReport[]> {
  const maintenance = new TrinoMaintenance(options);
  const reports: MaintenanceReport[] = [];
  const failures = new MaintenanceFailures(options.signal);
  try {
    for (const table of specs.map(tableName)) {
      const report = await failures.noting(table, () => maintenance.maintain(table));
      if (report !== null) reports.push(report);
    }
  } finally {
    await maintenance.close();
  }
  failures.throwFirst();
  return reports;
}

class TrinoMaintenance {
  private readonly options: TrinoMaintenanceOptions;
  private readonly client: StatementClient;
  private readonly maxAgeMs: number;
  private readonly orphanAgeMs: number;

  constructor(options: TrinoMaintenanceOptions) {
    this.options = options;
    this.maxAgeMs = options.maxAgeMs ?? MAX_AGE_MS;
    this.orphanAgeMs = options.orphanAgeMs ?? ORPHAN_AGE_MS;
    const { trinoCatalog } = options;
    this.client = new StatementClient({
      ...options,
      retry: { ...TRINO_RETRY, sleep: options.sleep, random: options.random },
      session: {
        // Trino refuses less than these, a week unless told otherwise. A table may say how long its snapshots stay.
        [`${trinoCatalog}.expire_snapshots_min_retention`]: "0s",
        [`${trinoCatalog}.remove_orphan_files_min_retention`]: `${this.orphanAgeMs}ms`,
      },
    });
  }

  async maintain(table: string): Promise<MaintenanceReport | null> {
    const before = await this.load(table);
    if (before === null) return null;
    const isCompacted = await this.optimize(table);
    const compacted = (await this.load(table)) ?? before;
    const came = without(snapshotsOf(compacted), snapshotsOf(before));
    const compaction = compactionReport(isCompacted ? came : []);
    // Trino takes either for an error.
    if (!mayDeleteFiles(compacted)) return { table, compaction, ...NOTHING_DELETED };
    const expired = await this.expire(table, compacted);
    return {
      table,
      compaction,
      expiry: { snapshots: expired, objects: null },
      orphans: await this.removeOrphans(table),
    };
  }

  /** Resolves to the number of snapshots. */
  private async expire(table: string, before: TableMetadata): Promise<number> {
    // How many stay in any case Trino reads from the table by itself.
    const maxAgeMs = tableLimit(before, "max-snapshot-age-ms") ?? this.maxAgeMs;
    await this.execute(table, `expire_snapshots(retention_threshold => '${maxAgeMs}ms')`);
    const after = await this.load(table);
    return without(snapshotsOf(before), after === null ? [] : snapshotsOf(after)).length;
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** False where another writer had replaced the files in the meantime. */
  private async optimize(table: string): Promise<boolean> {
    const threshold = `${this.options.targetBytes ?? TARGET_BYTES}B`;
    try {
      await this.execute(table, `optimize(file_size_threshold => '${threshold}')`);
      return true;
    } catch (error) {
      if (error instanceof MillraceError && error.code === "commit-conflict") return false;
      throw error;
    }
  }

  private async removeOrphans(table: string): Promise<OrphanReport> {
    const unknown = { objects: null, bytes: null };
    const loaded = await this.options.catalog.load(table);
    if (loaded === null) return unknown;
    const [lacking] = unpublishedCommits(table, loaded.metadata, this.options.prepared);
    if (lacking !== undefined) return { ...unknown, warning: orphansStay(table, lacking) };
    await this.execute(table, `remove_orphan_files(retention_threshold => '${this.orphanAgeMs}ms')`);
    return unknown;
  }

  private async execute(table: string, procedure: string): Promise<void> {
    const timeout = AbortSignal.timeout(this.options.statementMsMax ?? STATEMENT_MS_MAX);
    const { signal } = this.options;
    const statement = `ALTER TABLE ${trinoTable(this.options, table)} EXECUTE ${procedure}`;
    const pages = this.client.run(statement, signal ? AbortSignal.any([signal, timeout]) : timeout);
    while (!(await pages.next()).done);
  }

  private async load(table: string): Promise<TableMetadata | null> {
    return (await this.options.catalog.load(table))?.metadata ?? null;
  }
}

const NOTHING_DELETED = { expiry: { snapshots: 0, objects: 0 }, orphans: { objects: 0, bytes: 0 } };

function snapshotsOf({ snapshots = [] }: TableMetadata): readonly Snapshot[] {
  return snapshots;
}

function orphansStay(table: string, { taskId, epoch, files }: StagedCommit): string {
  return (
    `${table}: orphans were left where they are: checkpoint ${epoch} of task ${taskId} has prepared ${files.length} ` +
    "of its files that the table does not have yet, and Trino would remove them too; they are published as soon as " +
    "a worker runs the task"
  );
}

function without(snapshots: readonly Snapshot[], others: readonly Snapshot[]): readonly Snapshot[] {
  const ids = new Set(others.map((snapshot) => String(snapshot["snapshot-id"])));
  return snapshots.filter((snapshot) => !ids.has(String(snapshot["snapshot-id"])));
}

/** What the `replace` snapshots among those that came say of themselves; writers only append. */
function compactionReport(snapshots: readonly Snapshot[]): CompactionReport {
  const replaced = snapshots.filter(({ summary }) => summary.operation === "replace");
  const sum = (key: string): number =>
    replaced.reduce((total, { summary }) => total + Number(summary[key] ?? 0), 0);
  return {
    filesBefore: sum("deleted-data-files"),
    filesAfter: sum("added-data-files"),
    rows: sum("added-records"),
    bytesBefore: sum("removed-files-size"),
    bytesAfter: sum("added-files-size"),
    committed: replaced.length > 0,
  };
}
