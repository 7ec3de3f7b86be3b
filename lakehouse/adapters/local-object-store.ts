import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
} from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { MillraceError } from "../../schema/index.ts";
import type { ObjectBytes, ObjectInfo, ObjectStore } from "../ports/object-store.ts";

/** Marks a file that is being written; never listed as an object. */
const TEMPORARY_PREFIX = ".put-";

const DELETES_AT_ONCE = 16;

/**
 * Objects as files under one folder. A put writes a temporary file beside the target, syncs it, and
 * then gives it its name in one atomic step, so a crash leaves at most a `.put-…` file that nobody
 * lists (removed by {@link removeTemporaryFiles}, which maintenance calls).
 */
export class LocalObjectStore implements ObjectStore {
  private readonly root: string;

  /** @param root folder; created with the first put. Addresses of objects are absolute paths. */
  constructor(root: string) {
    this.root = resolve(root);
  }

  async put(key: string, bytes: ObjectBytes, options: { readonly ifAbsent?: boolean } = {}): Promise<void> {
    const path = this.path(key);
    const folder = dirname(path);
    try {
      await makeFolder(folder);
      const temporary = join(folder, `${TEMPORARY_PREFIX}${randomUUID()}`);
      try {
        await writeSynced(temporary, bytes);
        // Commit point: rename replaces, link(2) fails where the name exists; both are atomic.
        if (options.ifAbsent === true) await linkNew(temporary, path, key);
        else await rename(temporary, path);
      } finally {
        await rm(temporary, { force: true });
      }
      // Until the folder is synced a power failure (not a crash of the process) may still undo the name.
      await syncFolder(folder);
    } catch (error) {
      throw isFull(error) ? this.fullError(key, error) : error;
    }
  }

  async get(key: string): Promise<Uint8Array> {
    try {
      return await readFile(this.path(key));
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new MillraceError(`there is no object "${key}" under ${this.root}`, {
        code: "object-not-found",
        origin: "external",
        cause: error,
      });
    }
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const info = await stat(this.path(key)).catch(nullIfMissing);
    return info?.isFile() ? { key, bytes: info.size, modifiedAt: info.mtimeMs } : null;
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const slash = prefix.lastIndexOf("/");
    const folder = prefix.slice(0, slash + 1);
    for (const key of await this.keysUnder(folder)) {
      if (!key.startsWith(prefix)) continue;
      const info = await this.head(key);
      // A file may go away between the listing and here.
      if (info !== null) yield info;
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let i = 0; i < keys.length; i += DELETES_AT_ONCE) {
      const some = keys.slice(i, i + DELETES_AT_ONCE);
      await Promise.all(some.map((key) => unlink(this.path(key)).catch(nullIfMissing)));
    }
  }

  uri(key: string): string {
    return this.root + sep + key;
  }

  /** A read stream of an object, for large ones; errors as {@link get} but with the system's code. */
  read(key: string): NodeJS.ReadableStream {
    return createReadStream(this.path(key));
  }

  /** Deletes what puts that were cut off left behind anywhere under the folder, if older than `minAgeMs`. */
  async removeTemporaryFiles(nowMs: number, minAgeMs: number): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.root, { recursive: true }).catch(emptyIfMissing)) {
      if (!baseName(name).startsWith(TEMPORARY_PREFIX)) continue;
      const path = join(this.root, name);
      const info = await stat(path).catch(nullIfMissing);
      if (info === null || nowMs - info.mtimeMs < minAgeMs) continue;
      await rm(path, { force: true });
      removed++;
    }
    return removed;
  }

  private async keysUnder(folder: string): Promise<string[]> {
    const root = this.path(folder === "" ? "." : folder);
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(emptyIfMissing);
    const keys: string[] = [];
    for (const entry of entries) {
      if (!entry.isFile() || entry.name.startsWith(TEMPORARY_PREFIX)) continue;
      const path = join(entry.parentPath, entry.name);
      keys.push(path.slice(this.root.length + 1).replaceAll(sep, "/"));
    }
    return keys.sort();
  }

  private fullError(key: string, cause: unknown): MillraceError {
    return new MillraceError(
      `the disk under ${this.root} is full: "${key}" was not written; make room, what failed is done again`,
      { code: "disk-full", origin: "external", retry: true, cause },
    );
  }

  private path(key: string): string {
    const path = resolve(this.root, key);
    if (path !== this.root && !path.startsWith(this.root + sep)) {
      throw new MillraceError(`object key "${key}" leaves the store's folder`, {
        code: "object-key-invalid",
        origin: "internal",
      });
    }
    return path;
  }
}

/** Creates a folder; syncs the parents of what it created, so that a put survives a power failure. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let at = folder; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at));
}

async function writeSynced(path: string, bytes: ObjectBytes): Promise<void> {
  const file = await open(path, "wx");
  try {
    await writePieces(file, bytes instanceof Uint8Array ? [bytes] : bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes all of the pieces, where they lie; the system may take fewer bytes at a time than it is given. */
async function writePieces(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  for (let left = [...pieces]; left.length > 0; ) {
    let { bytesWritten: written } = await file.writev(left);
    let whole = 0;
    while (whole < left.length && written >= left[whole].length) written -= left[whole++].length;
    left = left.slice(whole);
    if (written > 0) left[0] = left[0].subarray(written);
  }
}

async function linkNew(temporary: string, path: string, key: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new MillraceError(`object "${key}" exists already`, {
      code: "precondition-failed",
      origin: "external",
      cause: error,
    });
  }
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder, "r");
  } catch (error) {
    // Windows opens no folders; there the file system orders names by itself.
    if ((error as NodeJS.ErrnoException).code === "EISDIR" || process.platform === "win32") return;
    throw error;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf(sep) + 1);
}

/** No space, or none left of the user's share. */
function isFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === "ENOSPC" || code === "EDQUOT";
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR";
}

function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}

function emptyIfMissing(error: unknown): [] {
  if (isMissing(error)) return [];
  throw error;
}
