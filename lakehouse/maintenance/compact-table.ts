import { randomUUID } from "node:crypto";
import { MillraceError, type TableSpec, tableName } from "../../schema/index.ts";
import { FILES_LEFT, type FileRewriter } from "../ports/file-rewriter.ts";
import type { StagedFile } from "../ports/staged-file.ts";
import { retryCommit } from "../table/commit-retry.ts";
import { deletesUnsupported } from "../table/file-index.ts";
import { dataFileKey, TableLayout } from "../table/layout.ts";
import { type DataFile, EntryStatus, type ManifestEntry, type ManifestFile } from "../table/manifest.ts";
import { dataFile } from "../table/publisher.ts";
import {
  addedEntry,
  daySpec,
  newSnapshotId,
  prepareSnapshot,
  writeManifest,
} from "../table/snapshot-writer.ts";
import { hasLiveFiles, readEntries, readManifests } from "../table/table-files.ts";
import { currentSchema, currentSnapshot, snapshotById, type TableMetadata } from "../table/table-metadata.ts";
import { loadTable, type MaintenanceOptions } from "./maintenance-options.ts";
import { type CompactionBin, planCompaction } from "./plan-compaction.ts";

export interface CompactTableOptions extends MaintenanceOptions {
  readonly rewriter: FileRewriter;
  /** Size that files aim at, and from which they are left alone (default 128 MiB). */
  readonly targetBytes?: number;
  /** Files of one day and size class that are worth a rewrite (default 4). */
  readonly filesMin?: number;
  /** Bytes that one call rewrites at most (default 1 GiB); call again for more. */
  readonly runBytesMax?: number;
  /** Merge all small files of each day, whatever their sizes (default false). */
  readonly full?: boolean;
  /** Called at `before-compact:TABLE` (files rewritten, not committed) and `after-compact:TABLE`. */
  readonly onPoint?: (point: string) => void;
}

export interface CompactionReport {
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly rows: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** False where another writer had replaced the files in the meantime, or nothing was to do. */
  readonly committed: boolean;
  /** What was left as it was, why, and what to do; absent where nothing was. */
  readonly warning?: string;
}

interface Rewrite {
  readonly removed: readonly DataFile[];
  readonly added: readonly DataFile[];
  readonly addedKeys: readonly string[];
  readonly warning: string | null;
}

const FILES_LEFT_CODES = new Set<string>(Object.values(FILES_LEFT));

const NOTHING: CompactionReport = {
  filesBefore: 0,
  filesAfter: 0,
  rows: 0,
  bytesBefore: 0,
  bytesAfter: 0,
  committed: false,
};

/**
 * Rewrites small files of each partition day into few larger ones, sorted by the table's key, in one
 * `replace` snapshot. The rows stay the same. Files are left whose rows are too wide
 * for memory, or have columns of types that only other engines know. Safe beside writers and other compactions: before each
 * try to commit it looks whether the files that it replaces are still live, and gives up if not.
 * A crash before the commit leaves the new files as orphans; the old ones stay for older snapshots.
 */
export async function compactTable(spec: TableSpec, options: CompactTableOptions): Promise<CompactionReport> {
  const table = tableName(spec);
  const { metadata } = await loadTable(table, options.catalog);
  const bins = planCompaction(await compactableFiles(table, metadata, options), {
    targetBytes: options.targetBytes ?? 128 * 1024 * 1024,
    filesMin: options.filesMin ?? 4,
    runBytesMax: options.runBytesMax ?? 1024 * 1024 * 1024,
    isFull: options.full ?? false,
  });
  if (bins.length === 0) return NOTHING;
  const rewrite = await rewriteBins(spec, metadata, bins, options);
  if (rewrite.added.length === 0) return withWarning(NOTHING, rewrite.warning);
  options.onPoint?.(`before-compact:${table}`);
  const unanswered: number[] = [];
  const committed = await retryCommit(table, options, () =>
    commitRewrite(table, rewrite, unanswered, options),
  );
  options.onPoint?.(`after-compact:${table}`);
  // Behind a lost answer the new files may be in use, or were until others replaced some: orphan removal decides.
  if (!committed && unanswered.length === 0) await options.objectStore.delete(rewrite.addedKeys);
  return report(rewrite, committed);
}

async function compactableFiles(
  table: string,
  metadata: TableMetadata,
  { objectStore }: CompactTableOptions,
): Promise<DataFile[]> {
  const manifests = await liveManifests(table, metadata, objectStore);
  const specId = daySpec(metadata)["spec-id"];
  const own = manifests.filter((manifest) => manifest.partition_spec_id === specId);
  const entries = (await readEntries(table, metadata, own, objectStore)).flat();
  return entries
    .filter(
      (entry) =>
        entry.status !== EntryStatus.deleted && entry.data_file.file_format.toUpperCase() === "PARQUET",
    )
    .map((entry) => entry.data_file);
}

/** Manifests of live data. With row-level deletes around, a rewritten row could come back to life. */
async function liveManifests(
  table: string,
  metadata: TableMetadata,
  objectStore: CompactTableOptions["objectStore"],
): Promise<ManifestFile[]> {
  const manifests = await readManifests(table, metadata, currentSnapshot(metadata), objectStore);
  const live = manifests.filter(hasLiveFiles);
  if (live.some((manifest) => manifest.content !== 0)) throw deletesUnsupported(table);
  return live;
}

async function rewriteBins(
  spec: TableSpec,
  metadata: TableMetadata,
  bins: readonly CompactionBin[],
  { objectStore, rewriter }: CompactTableOptions,
): Promise<Rewrite> {
  const table = tableName(spec);
  const layout = new TableLayout(table, metadata, objectStore);
  const field = daySpec(metadata).fields[0].name;
  const added: DataFile[] = [];
  const addedKeys: string[] = [];
  const removed: DataFile[] = [];
  let warning: string | null = null;
  for (const { day, files } of bins) {
    const key = dataFileKey(table, { field, day }, `compacted-${randomUUID()}`);
    const inputs = files.map((file) => objectStore.uri(layout.keyOf(file.file_path)));
    const { fields } = currentSchema(metadata);
    let staged: StagedFile;
    try {
      staged = await rewriter.rewrite({ table, fields, inputs, key, day, sortBy: spec.key });
    } catch (error) {
      if (!(error instanceof MillraceError && FILES_LEFT_CODES.has(error.code))) throw error;
      // Rows of other days may be narrower.
      warning ??= `${error.message}; until then files stay as they are`;
      continue;
    }
    const rows = files.reduce((sum, file) => sum + Number(file.record_count), 0);
    if (staged.rows !== rows) throw rowsDiffer(table, rows, staged.rows);
    added.push(dataFile(staged, layout));
    addedKeys.push(key);
    removed.push(...files);
  }
  return { removed, added, addedKeys, warning };
}

/**
 * One attempt; false when the replaced files are no longer all live.
 *
 * @param unanswered ids of the snapshots whose commits got no answer, in which this one's comes where it gets none
 */
async function commitRewrite(
  table: string,
  rewrite: Rewrite,
  unanswered: number[],
  options: CompactTableOptions,
): Promise<boolean> {
  const { catalog, objectStore } = options;
  const { metadata } = await loadTable(table, catalog);
  // Not by the live files: another compaction may have replaced the new ones already.
  if (unanswered.some((id) => snapshotById(metadata, id) !== null)) return true;
  const manifests = await liveManifests(table, metadata, objectStore);
  const entries = await readEntries(table, metadata, manifests, objectStore);
  const livePaths = new Set(
    entries
      .flat()
      .flatMap((entry) => (entry.status === EntryStatus.deleted ? [] : [entry.data_file.file_path])),
  );
  if (!rewrite.removed.every((file) => livePaths.has(file.file_path))) return false;
  const snapshotId = newSnapshotId();
  const next = await replaceManifests(table, metadata, { manifests, entries }, rewrite, snapshotId, options);
  const { commit, manifestListKey } = await prepareSnapshot(
    {
      table,
      metadata,
      operation: "replace",
      manifests: next.all,
      added: rewrite.added,
      removed: rewrite.removed,
      snapshotId,
      nowMs: options.clock(),
    },
    objectStore,
  );
  try {
    await catalog.commit(table, commit);
  } catch (error) {
    const code = error instanceof MillraceError ? error.code : null;
    if (code === "commit-unknown") unanswered.push(snapshotId);
    if (code === "commit-conflict") {
      const layout = new TableLayout(table, metadata, objectStore);
      const keys = next.written.map((manifest) => layout.keyOf(manifest.manifest_path));
      await objectStore.delete([manifestListKey, ...keys]).catch(() => {});
    }
    throw error;
  }
  return true;
}

/** A manifest that names a replaced file is written anew, with that file marked as deleted. */
async function replaceManifests(
  table: string,
  metadata: TableMetadata,
  current: {
    readonly manifests: readonly ManifestFile[];
    readonly entries: readonly (readonly ManifestEntry[])[];
  },
  rewrite: Rewrite,
  snapshotId: number,
  { objectStore }: CompactTableOptions,
): Promise<{ readonly all: readonly ManifestFile[]; readonly written: readonly ManifestFile[] }> {
  const removed = new Set(rewrite.removed.map((file) => file.file_path));
  const kept: ManifestFile[] = [];
  const rest: ManifestEntry[] = [];
  for (const [index, manifest] of current.manifests.entries()) {
    const entries = current.entries[index];
    const isTouched = entries.some((entry) => removed.has(entry.data_file.file_path));
    if (!isTouched) kept.push(manifest);
    else rest.push(...entries.flatMap((entry) => carried(entry, removed, snapshotId)));
  }
  const written = [
    await writeManifest(table, metadata, rewrite.added.map(addedEntry), snapshotId, objectStore),
    await writeManifest(table, metadata, rest, snapshotId, objectStore),
  ];
  return { all: [...written, ...kept], written };
}

function carried(entry: ManifestEntry, removed: ReadonlySet<string>, snapshotId: number): ManifestEntry[] {
  // Deleted by an earlier snapshot: that one's manifest tells of it.
  if (entry.status === EntryStatus.deleted) return [];
  return removed.has(entry.data_file.file_path)
    ? [{ ...entry, status: EntryStatus.deleted, snapshot_id: BigInt(snapshotId) }]
    : [{ ...entry, status: EntryStatus.existing }];
}

function report(rewrite: Rewrite, committed: boolean): CompactionReport {
  const bytes = (files: readonly DataFile[]): number =>
    files.reduce((sum, file) => sum + Number(file.file_size_in_bytes), 0);
  const done = {
    filesBefore: rewrite.removed.length,
    filesAfter: rewrite.added.length,
    rows: rewrite.added.reduce((sum, file) => sum + Number(file.record_count), 0),
    bytesBefore: bytes(rewrite.removed),
    bytesAfter: bytes(rewrite.added),
    committed,
  };
  return withWarning(done, rewrite.warning);
}

function withWarning(report: CompactionReport, warning: string | null): CompactionReport {
  return warning === null ? report : { ...report, warning };
}

function rowsDiffer(table: string, expected: number, found: number): MillraceError {
  return new MillraceError(
    `${table}: compaction read ${expected} rows and wrote ${found}; nothing was changed`,
    { code: "compaction-rows-differ", origin: "internal" },
  );
}
