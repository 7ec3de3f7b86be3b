import { MillraceError } from "../../schema/index.ts";
import type { Catalog, LoadedTable, TableCommit } from "../ports/catalog.ts";
import { isMissingObject, type ObjectStore } from "../ports/object-store.ts";
import { applyUpdates, commitConflict, failedRequirement } from "../table/apply-updates.ts";
import { LAKE_PREFIX, TableLayout, tableKey } from "../table/layout.ts";
import { parseLossless, stringifyLossless } from "../table/lossless-json.ts";
import {
  DELETE_AFTER_COMMIT,
  type MetadataLogEntry,
  PREVIOUS_VERSIONS,
  type TableMetadata,
} from "../table/table-metadata.ts";

/** Earlier versions that stay where the table does not say how many. */
const PREVIOUS_VERSIONS_MAX = 100;
/** As long as they are small: each has all snapshots, and those of a busy day are megabytes. */
const PREVIOUS_BYTES_MAX = 64 * 1024 * 1024;
/** So many stay in any case: a backup goes back by some, and readers that have just read the hint read theirs. */
const PREVIOUS_VERSIONS_MIN = 20;
/** Races for one version that a commit enters before it reports a conflict. */
const ATTEMPTS_MAX = 10;

interface Version {
  readonly number: number;
  /** Size of its file. */
  readonly bytes: number;
  readonly loaded: LoadedTable;
}

interface NextVersion extends Version {
  readonly text: Buffer;
  /** Addresses of the versions that it no longer names. */
  readonly left: readonly string[];
}

export interface FileCatalogOptions {
  readonly objectStore: ObjectStore;
  /** Current time, ms. */
  readonly clock: () => number;
}

/**
 * Iceberg catalog without a server: `lake/NAMESPACE/TABLE/metadata/vN.metadata.json`, as Hadoop
 * tables have it, so any Iceberg reader opens a table by its folder.
 *
 * The commit point is the create-if-absent of version N+1: of racing writers exactly one makes it.
 * A crash before it leaves unreferenced manifests (orphans); a crash after it leaves a
 * `version-hint.text` that is behind. Readers of ours probe forward from it, but other engines take
 * it as it is: whoever opens the table next brings it up to date.
 *
 * A commit deletes the versions that leave its log, unless the table's `write.metadata.delete-after-commit.enabled` is
 * `false`; those that a crash left behind are orphans.
 */
export class FileCatalog implements Catalog {
  private readonly objectStore: ObjectStore;
  private readonly clock: () => number;
  /** Newest version seen of each table: versions are immutable, so a cache and never stale content. */
  private readonly newest = new Map<string, Version>();

  constructor(options: FileCatalogOptions) {
    this.objectStore = options.objectStore;
    this.clock = options.clock;
  }

  async load(table: string): Promise<LoadedTable | null> {
    return (await this.newestVersion(table))?.loaded ?? null;
  }

  async commit(table: string, commit: TableCommit): Promise<LoadedTable> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const base = await this.newestVersion(table);
      this.checkRequirements(table, base, commit);
      const next = this.nextVersion(table, base, commit);
      if (await this.create(table, base, next)) {
        const { number, bytes, loaded } = next;
        this.newest.set(table, { number, bytes, loaded });
        // Not those that a hint which stayed behind may name.
        if (await this.writeHint(table, number)) await this.deleteLeft(table, next);
        return loaded;
      }
    }
    throw commitConflict(table, `${ATTEMPTS_MAX} lost races for the next version`);
  }

  async list(namespace: string): Promise<readonly string[]> {
    const prefix = `${LAKE_PREFIX}/${namespace}/`;
    const tables = new Set<string>();
    for await (const { key } of this.objectStore.list(prefix)) {
      const match = /^([^/]+)\/metadata\/v\d+\.metadata\.json$/.exec(key.slice(prefix.length));
      if (match !== null) tables.add(`${namespace}.${match[1]}`);
    }
    return [...tables].sort();
  }

  private checkRequirements(table: string, base: Version | null, commit: TableCommit): void {
    const creates = commit.requirements.some((requirement) => requirement.type === "assert-create");
    if (base === null && !creates) {
      throw new MillraceError(`there is no table ${table}; create it first (ensureTables)`, {
        code: "table-not-found",
        origin: "user",
      });
    }
    const failure = failedRequirement(base?.loaded.metadata ?? null, commit.requirements);
    if (failure !== null) throw commitConflict(table, failure);
  }

  private nextVersion(table: string, base: Version | null, commit: TableCommit): NextVersion {
    const previous = base?.loaded ?? null;
    const applied = applyUpdates(previous?.metadata ?? null, commit.updates, this.clock());
    const log: readonly MetadataLogEntry[] = previous?.metadata["metadata-log"] ?? [];
    const entries =
      previous === null
        ? []
        : [
            ...log,
            {
              "metadata-file": previous.metadataLocation,
              "timestamp-ms": previous.metadata["last-updated-ms"],
            },
          ];
    const kept = entries.slice(-previousMax(applied, base?.bytes ?? 0));
    const metadata = { ...applied, "metadata-log": kept };
    const text = Buffer.from(stringifyLossless(metadata));
    const left = entries.slice(0, entries.length - kept.length).map((entry) => entry["metadata-file"]);
    return { ...this.version(table, (base?.number ?? 0) + 1, metadata, text.length), text, left };
  }

  /** Whether this call made the version: false when another commit has it. */
  private async create(table: string, base: Version | null, version: NextVersion): Promise<boolean> {
    // A writer that slept while others went on and version N+1 was removed again must not create it
    // anew: it would believe in a commit that no reader ever sees.
    if ((await this.hint(table)) >= version.number) {
      this.newest.delete(table);
      return false;
    }
    try {
      await this.objectStore.put(metadataKey(table, version.number), version.text, { ifAbsent: true });
    } catch (error) {
      if (error instanceof MillraceError && error.code === "precondition-failed") return false;
      throw commitUnknown(`${table}: writing metadata version ${version.number} failed`, error);
    }
    // It slept between the look and the put, or behind the put: only who loads the table knows.
    if (base !== null && !(await this.exists(table, base.number))) {
      this.newest.delete(table);
      throw commitUnknown(`${table}: version ${version.number} was written long behind others`);
    }
    return true;
  }

  /** What fails is left to the removal of orphans. */
  private async deleteLeft(table: string, { loaded, left }: NextVersion): Promise<void> {
    if (left.length === 0 || loaded.metadata.properties?.[DELETE_AFTER_COMMIT] === "false") return;
    try {
      const layout = new TableLayout(table, loaded.metadata, this.objectStore);
      const keys = left.map((address) => layout.keyOf(address));
      await this.objectStore.delete(keys.filter((key) => key.startsWith(`${tableKey(table)}/metadata/`)));
    } catch {}
  }

  /** After the commit point: a failure here must not make the commit look failed. Resolves to false then. */
  private async writeHint(table: string, number: number): Promise<boolean> {
    try {
      let newest = number;
      while ((await this.hint(table)) < newest) {
        await this.objectStore.put(hintKey(table), Buffer.from(String(newest)));
        // A writer of a later version may have put its hint between our look and our put.
        while (await this.exists(table, newest + 1)) newest++;
      }
      return true;
    } catch {
      // The hint stays behind; the next commit, or the next to open the table, writes it again.
      return false;
    }
  }

  private async newestVersion(table: string): Promise<Version | null> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.readNewest(table);
      } catch (error) {
        // It was the newest, and has left the log before it was read.
        if (!isMissingObject(error) || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  private async readNewest(table: string): Promise<Version | null> {
    const known = this.newest.get(table) ?? null;
    const number = await this.newestNumber(table, known?.number ?? 0);
    if (number === 0) return null;
    if (known?.number === number) return known;
    const bytes = await this.objectStore.get(metadataKey(table, number));
    const version = this.version(table, number, parseMetadata(bytes, table, number), bytes.length);
    this.newest.set(table, version);
    if (known === null) await this.writeHint(table, number);
    return version;
  }

  private async newestNumber(table: string, known: number): Promise<number> {
    const start = Math.max(known, await this.hint(table));
    let number = start;
    while (await this.exists(table, number + 1)) number++;
    if (number > start || (number > 0 && (await this.exists(table, number)))) return number;
    // No hint and nothing known that still exists: the folder decides.
    let newest = 0;
    for await (const { key } of this.objectStore.list(`${tableKey(table)}/metadata/v`)) {
      const match = /\/v(\d+)\.metadata\.json$/.exec(key);
      if (match !== null) newest = Math.max(newest, Number(match[1]));
    }
    return newest;
  }

  private async exists(table: string, number: number): Promise<boolean> {
    return (await this.objectStore.head(metadataKey(table, number))) !== null;
  }

  /** The version that the hint names, or 0 where it names none that exists. */
  private async hint(table: string): Promise<number> {
    try {
      const text = Buffer.from(await this.objectStore.get(hintKey(table))).toString("utf8");
      return /^\d{1,15}$/.test(text) && (await this.exists(table, Number(text))) ? Number(text) : 0;
    } catch (error) {
      if (isMissingObject(error)) return 0;
      throw error;
    }
  }

  private version(table: string, number: number, metadata: TableMetadata, bytes: number): Version {
    const layout = new TableLayout(table, metadata, this.objectStore);
    const metadataLocation = layout.uri(metadataKey(table, number));
    return { number, bytes, loaded: { metadata, metadataLocation } };
  }
}

/** How many earlier versions a version names; `bytes` is about the size of one. */
function previousMax({ properties }: TableMetadata, bytes: number): number {
  const told = Number(properties?.[PREVIOUS_VERSIONS] ?? PREVIOUS_VERSIONS_MAX);
  // Iceberg takes no less than one.
  const most = Number.isInteger(told) ? Math.max(1, told) : PREVIOUS_VERSIONS_MAX;
  return Math.min(most, Math.max(PREVIOUS_VERSIONS_MIN, Math.floor(PREVIOUS_BYTES_MAX / Math.max(1, bytes))));
}

function commitUnknown(message: string, cause?: unknown): MillraceError {
  return new MillraceError(message, { code: "commit-unknown", origin: "external", retry: true, cause });
}

function metadataKey(table: string, number: number): string {
  return `${tableKey(table)}/metadata/v${number}.metadata.json`;
}

function hintKey(table: string): string {
  return `${tableKey(table)}/metadata/version-hint.text`;
}

function parseMetadata(bytes: Uint8Array, table: string, number: number): TableMetadata {
  try {
    return parseLossless(Buffer.from(bytes).toString("utf8")) as TableMetadata;
  } catch (error) {
    throw new MillraceError(`metadata version ${number} of ${table} is no valid JSON`, {
      code: "lake-file-corrupt",
      origin: "external",
      cause: error,
    });
  }
}
