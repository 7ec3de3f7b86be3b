import { MillraceError } from "../../schema/index.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { TableLayout } from "./layout.ts";
import {
  type DataFile,
  dayOf,
  decodeManifest,
  decodeManifestList,
  EntryStatus,
  type ManifestFile,
} from "./manifest.ts";
import { hasLiveFiles } from "./table-files.ts";
import type { Snapshot, TableMetadata } from "./table-metadata.ts";

/** A data file as a reader needs it. */
export interface IndexedFile {
  /** Address in the object store that is used now, which a moved lake's metadata does not know. */
  readonly uri: string;
  readonly day: number | null;
  readonly rows: number;
}

const LISTS_MAX = 64;
const MANIFESTS_MAX = 4_096;

/**
 * Finds the data files of snapshots. Manifests and their lists never change, so both are cached by
 * name: after a commit only what it wrote is read. Bounded, least recently used leaves first.
 */
export class FileIndex {
  private readonly objectStore: ObjectStore;
  private readonly lists = new Map<string, Promise<readonly IndexedFile[]>>();
  private readonly manifests = new Map<string, Promise<readonly IndexedFile[]>>();

  constructor(objectStore: ObjectStore) {
    this.objectStore = objectStore;
  }

  /**
   * Rejects with `lake-deletes-unsupported` where another engine deleted single rows: to read the
   * data files without the delete files would bring those rows back.
   */
  files(table: string, metadata: TableMetadata, snapshot: Snapshot | null): Promise<readonly IndexedFile[]> {
    if (snapshot === null) return Promise.resolve([]);
    const layout = new TableLayout(table, metadata, this.objectStore);
    const path = snapshot["manifest-list"];
    return cached(this.lists, layout.keyOf(path), LISTS_MAX, async (key) => {
      const manifests = decodeManifestList(await this.objectStore.get(key), path).filter(hasLiveFiles);
      if (manifests.some((manifest) => manifest.content !== 0)) throw deletesUnsupported(table);
      const files = await Promise.all(manifests.map((manifest) => this.manifestFiles(manifest, layout)));
      return files.flat();
    });
  }

  private manifestFiles(manifest: ManifestFile, layout: TableLayout): Promise<readonly IndexedFile[]> {
    return cached(this.manifests, layout.keyOf(manifest.manifest_path), MANIFESTS_MAX, async (key) => {
      const entries = decodeManifest(await this.objectStore.get(key), manifest);
      return entries
        .filter((entry) => entry.status !== EntryStatus.deleted)
        .map(({ data_file: file }) => this.indexed(file, layout));
    });
  }

  private indexed(file: DataFile, layout: TableLayout): IndexedFile {
    return {
      uri: this.objectStore.uri(layout.keyOf(file.file_path)),
      day: dayOf(file),
      rows: Number(file.record_count),
    };
  }
}

export function deletesUnsupported(table: string): MillraceError {
  return new MillraceError(
    `${table} has row-level deletes of another engine, which Millrace does not read; ` +
      "let that engine rewrite the data files (in Trino: ALTER TABLE … EXECUTE optimize)",
    { code: "lake-deletes-unsupported", origin: "user" },
  );
}

function cached<T>(
  cache: Map<string, Promise<T>>,
  key: string,
  entriesMax: number,
  load: (key: string) => Promise<T>,
): Promise<T> {
  const known = cache.get(key);
  if (known !== undefined) {
    // A map keeps insertion order: inserting anew makes it the most recently used.
    cache.delete(key);
    cache.set(key, known);
    return known;
  }
  const loading = load(key);
  cache.set(key, loading);
  loading.catch(() => cache.delete(key));
  if (cache.size > entriesMax) cache.delete(cache.keys().next().value as string);
  return loading;
}
