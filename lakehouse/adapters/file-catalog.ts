import { MillraceError } from "../../schema/index.ts";
import type { Catalog, LoadedTable, TableCommit } from "../ports/catalog.ts";
import { isMissingObject, type ObjectStore } from "../ports/object-store.ts";
import { applyUpdates, commitConflict, failedRequirement } from "../table/apply-updates.ts";
import { LAKE_PREFIX, TableLayout, tableKey } from "../table/layout.ts";
import { parseLossless, stringifyLossless } from "../table/lossless-json.ts";
import type { MetadataLogEntry, TableMetadata } from "../table/table-metadata.ts";

/** Iceberg's default of `write.metadata.previous-versions-max`. */
const PREVIOUS_VERSIONS_MAX = 100;
/** Races for one version that a commit enters before it reports a conflict. */
const ATTEMPTS_MAX = 10;

interface Version {
  readonly number: number;
  readonly loaded: LoadedTable;
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
      if (await this.create(table, next)) {
        this.newest.set(table, next);
        await this.writeHint(table, next.number);
        return next.loaded;
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

  private nextVersion(table: string, base: Version | null, commit: TableCommit): Version {
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
    const metadata = { ...applied, "metadata-log": entries.slice(-PREVIOUS_VERSIONS_MAX) };
    return this.version(table, (base?.number ?? 0) + 1, metadata);
  }

  /** Whether this call made the version: false when another commit has it. */
  private async create(table: string, version: Version): Promise<boolean> {
    // A writer that slept while others went on and maintenance removed version N+1 again must not
    // create it anew: it would believe in a commit that no reader ever sees.
    if ((await this.hint(table)) >= version.number) {
      this.newest.delete(table);
      return false;
    }
    try {
      const text = stringifyLossless(version.loaded.metadata);
      await this.objectStore.put(metadataKey(table, version.number), Buffer.from(text), { ifAbsent: true });
      return true;
    } catch (error) {
      if (error instanceof MillraceError && error.code === "precondition-failed") return false;
      throw new MillraceError(`${table}: writing metadata version ${version.number} failed`, {
        code: "commit-unknown",
        origin: "external",
        retry: true,
        cause: error,
      });
    }
  }

  /** After the commit point: a failure here must not make the commit look failed. */
  private async writeHint(table: string, number: number): Promise<void> {
    try {
      let newest = number;
      while ((await this.hint(table)) < newest) {
        await this.objectStore.put(hintKey(table), Buffer.from(String(newest)));
        // A writer of a later version may have put its hint between our look and our put.
        while (await this.exists(table, newest + 1)) newest++;
      }
    } catch {
      // The hint stays behind; the next commit, or the next to open the table, writes it again.
    }
  }

  private async newestVersion(table: string): Promise<Version | null> {
    const known = this.newest.get(table) ?? null;
    const number = await this.newestNumber(table, known?.number ?? 0);
    if (number === 0) return null;
    if (known?.number === number) return known;
    const bytes = await this.objectStore.get(metadataKey(table, number));
    const version = this.version(table, number, parseMetadata(bytes, table, number));
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

  private version(table: string, number: number, metadata: TableMetadata): Version {
    const layout = new TableLayout(table, metadata, this.objectStore);
    return { number, loaded: { metadata, metadataLocation: layout.uri(metadataKey(table, number)) } };
  }
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
