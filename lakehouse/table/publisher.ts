import { MillraceError, type TableSpec, tableName } from "../../schema/index.ts";
import type { Catalog, TableCommit } from "../ports/catalog.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { LakePublisher, StagedCommit, StagedFile } from "../ports/staged-file.ts";
import { type RetryOptions, retryCommit } from "./commit-retry.ts";
import { ensureTable } from "./ensure-tables.ts";
import { TableLayout } from "./layout.ts";
import { type DataFile, dayPartition, type ManifestFile } from "./manifest.ts";
import { mergeManifests } from "./merge-manifests.ts";
import { readLoaded } from "./read-loaded.ts";
import { addedEntry, newSnapshotId, prepareSnapshot, writeManifest } from "./snapshot-writer.ts";
import { hasLiveFiles, readManifests } from "./table-files.ts";
import { currentSnapshot, type TableMetadata } from "./table-metadata.ts";

/** Table property that holds the last epoch of a task that the table has. */
export function taskProperty(taskId: string): string {
  return `millrace.task.${taskId}`;
}

export interface LakePublisherOptions extends RetryOptions {
  readonly catalog: Catalog;
  readonly objectStore: ObjectStore;
  /** Hears of each table that was missing, and was created for the files that came. */
  readonly onCreated?: (table: string) => void;
  /** Every table that staged files may name; created when the first file comes. */
  readonly tables: readonly TableSpec[];
  /** Current time, ms. */
  readonly clock: () => number;
  /** Tables that are committed at the same time (default 4). */
  readonly tablesAtOnce?: number;
  /** Called at `before-publish:TABLE` and `after-publish:TABLE`: where crash tests kill the process. */
  readonly onPoint?: (point: string) => void;
}

const TABLES_AT_ONCE = 4;

/** The step "publish" of the checkpoint protocol: staged files become part of the tables. */
export function createLakePublisher(options: LakePublisherOptions): LakePublisher {
  const specs = new Map(options.tables.map((spec) => [tableName(spec), spec]));
  // Manifests of the snapshots that this publisher made last: saves reading its own list again.
  const lists = new Map<
    string,
    { readonly snapshotId: number; readonly manifests: readonly ManifestFile[] }
  >();

  async function publish(commits: readonly StagedCommit[]): Promise<void> {
    const tables = [...new Set(commits.flatMap((commit) => commit.files.map((file) => file.table)))].sort();
    for (const table of tables) specOf(table);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < tables.length) {
        const table = tables[next++];
        options.onPoint?.(`before-publish:${table}`);
        await retryCommit(table, options, () => publishTo(table, commits));
        options.onPoint?.(`after-publish:${table}`);
      }
    };
    // All workers end before an error is passed on, so that nothing runs on behind the caller's back.
    const results = await Promise.allSettled(
      Array.from({ length: options.tablesAtOnce ?? TABLES_AT_ONCE }, work),
    );
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** One attempt: looks what the table has, and adds the rest in one snapshot. */
  async function publishTo(table: string, commits: readonly StagedCommit[]): Promise<void> {
    const loaded = (await options.catalog.load(table)) ?? (await ensureTable(specOf(table), options));
    await readLoaded(table, loaded, options.catalog, () => addPending(table, loaded.metadata, commits));
  }

  async function addPending(
    table: string,
    metadata: TableMetadata,
    commits: readonly StagedCommit[],
  ): Promise<void> {
    const pending = unpublishedCommits(table, metadata, commits);
    if (pending.length === 0) return;
    const layout = new TableLayout(table, metadata, options.objectStore);
    const files = pending.flatMap((commit) => commit.files);
    requireDistinct(table, files);
    const added = files.map((file) => dataFile(file, layout));
    const snapshotId = newSnapshotId();
    const [manifest, existing] = await Promise.all([
      writeManifest(table, metadata, added.map(addedEntry), snapshotId, options.objectStore),
      existingManifests(table, metadata),
    ]);
    const manifests = await mergeManifests(
      table,
      metadata,
      [manifest, ...existing],
      snapshotId,
      options.objectStore,
    );
    const epochs = epochProperties(pending);
    const plan = {
      table,
      metadata,
      operation: "append" as const,
      manifests,
      added,
      removed: [],
      snapshotId,
      nowMs: options.clock(),
      summary: epochs,
    };
    const { commit, manifestListKey } = await prepareSnapshot(plan, options.objectStore);
    const written = manifests.filter((candidate) => !existing.includes(candidate));
    const abandoned = [manifestListKey, ...written.map((file) => layout.keyOf(file.manifest_path))];
    await commitOrClean(table, withProperties(commit, epochs), abandoned);
    lists.set(table, { snapshotId, manifests });
  }

  async function existingManifests(table: string, metadata: TableMetadata): Promise<readonly ManifestFile[]> {
    const head = currentSnapshot(metadata);
    const known = lists.get(table);
    if (head !== null && known !== undefined && String(head["snapshot-id"]) === String(known.snapshotId)) {
      return known.manifests.filter(hasLiveFiles);
    }
    return (await readManifests(table, metadata, head, options.objectStore)).filter(hasLiveFiles);
  }

  /** Deletes what a commit wrote if it certainly failed; after an unknown outcome it may be in use. */
  async function commitOrClean(table: string, commit: TableCommit, keys: readonly string[]): Promise<void> {
    try {
      await options.catalog.commit(table, commit);
    } catch (error) {
      if (error instanceof MillraceError && error.code === "commit-conflict") {
        await options.objectStore.delete(keys).catch(() => {});
      }
      throw error;
    }
  }

  function specOf(table: string): TableSpec {
    const spec = specs.get(table);
    if (spec !== undefined) return spec;
    throw new MillraceError(`a file was staged for ${table}, which is no table of this lake`, {
      code: "table-unknown",
      origin: "internal",
    });
  }

  return { publish };
}

/** The epoch that a table has of a task, or -1. */
export function publishedEpoch(metadata: TableMetadata, taskId: string): number {
  const text = metadata.properties?.[taskProperty(taskId)];
  return text === undefined ? -1 : Number(text);
}

/** By task, the newest epoch that a table has of it. */
export function publishedEpochs(metadata: TableMetadata): ReadonlyMap<string, number> {
  const prefix = taskProperty("");
  const epochs = new Map<string, number>();
  for (const [name, value] of Object.entries(metadata.properties ?? {}))
    if (name.startsWith(prefix)) epochs.set(name.slice(prefix.length), Number(value));
  return epochs;
}

/**
 * What of the commits a table does not have yet, each with this table's files alone. Of prepared checkpoints
 * these files are the only copy of their rows, and nothing in the table refers to them.
 */
export function unpublishedCommits(
  table: string,
  metadata: TableMetadata,
  commits: readonly StagedCommit[],
): StagedCommit[] {
  return commits
    .filter(({ taskId, epoch }) => epoch > publishedEpoch(metadata, taskId))
    .map(({ taskId, epoch, files }) => ({
      taskId,
      epoch,
      files: files.filter((file) => file.table === table),
    }))
    .filter(({ files }) => files.length > 0);
}

/** The last guard of "no row twice": a file that two commits name is a bug of whoever staged it. */
function requireDistinct(table: string, files: readonly StagedFile[]): void {
  const keys = new Set<string>();
  for (const { key } of files) {
    if (keys.has(key)) {
      throw new MillraceError(`${table}: the data file ${key} was staged twice; nothing was published`, {
        code: "file-staged-twice",
        origin: "internal",
      });
    }
    keys.add(key);
  }
}

function epochProperties(commits: readonly StagedCommit[]): Record<string, string> {
  const epochs = new Map<string, number>();
  for (const { taskId, epoch } of commits) epochs.set(taskId, Math.max(epoch, epochs.get(taskId) ?? epoch));
  return Object.fromEntries([...epochs].map(([taskId, epoch]) => [taskProperty(taskId), String(epoch)]));
}

/** Snapshots expire, properties stay: these decide what was published. */
function withProperties(commit: TableCommit, updates: Readonly<Record<string, string>>): TableCommit {
  return { ...commit, updates: [...commit.updates, { action: "set-properties", updates }] };
}

/** The manifest's form of a staged file. */
export function dataFile(file: StagedFile, layout: TableLayout): DataFile {
  const bounds = (name: "lower" | "upper") =>
    file.columns.flatMap((column) => {
      const text = column[name];
      return text === null ? [] : [{ key: column.id, value: Buffer.from(text, "base64") }];
    });
  const counts = (name: "values" | "nulls" | "bytes") =>
    file.columns.map((column) => ({ key: column.id, value: BigInt(column[name]) }));
  return {
    content: 0,
    file_path: layout.uri(file.key),
    file_format: "PARQUET",
    partition: dayPartition(file.day),
    record_count: BigInt(file.rows),
    file_size_in_bytes: BigInt(file.bytes),
    column_sizes: counts("bytes"),
    value_counts: counts("values"),
    null_value_counts: counts("nulls"),
    nan_value_counts: null,
    lower_bounds: bounds("lower"),
    upper_bounds: bounds("upper"),
    key_metadata: null,
    split_offsets: file.splitOffsets.map(BigInt),
    equality_ids: null,
    sort_order_id: 0,
  };
}
