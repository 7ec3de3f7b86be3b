import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileCatalog, LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import { someAtOnce } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";
import { HomeLog } from "../../stream/adapters/index.ts";
import { type Checkpoint, checkpointKey, encodeCheckpoint } from "../../stream/index.ts";
import { makeDataFolder } from "../tools/make-folder.ts";
import { ProcessLock } from "../tools/process-lock.ts";
import {
  BACKUP_LOCK,
  BACKUP_NOTE,
  copySynced,
  FILES_AT_ONCE,
  filesUnder,
  LINKS_FOLDER,
  linkFile,
} from "./home-files.ts";
import { findMoment, type HomeMoment, hintKey, homeChanged } from "./home-moment.ts";
import { verifyHome } from "./verify-home.ts";

export interface BackupRequest {
  readonly home: string;
  /** A folder that is not there yet, or empty: it is there with all its files, or as it was. */
  readonly into: string;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly onProgress?: (files: number, ofFiles: number) => void;
  readonly signal?: AbortSignal;
}

export interface Backup {
  readonly home: string;
  /** ISO 8601, UTC: what the log held before is in the copy. */
  readonly takenAt: string;
  /** Epoch by task. */
  readonly tasks: Readonly<Record<string, number>>;
  /** Version by table. */
  readonly tables: Readonly<Record<string, number>>;
  /** Without the logs. */
  readonly files: number;
  readonly bytes: number;
}

/** Tries, where files that were found are gone before they are linked. */
const ATTEMPTS_MAX = 10;
/** System's codes of a place that takes no more. */
const UNWRITABLE = new Set(["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO"]);
/** What says that files are gone. */
const GONE = new Set(["ENOENT", "object-not-found", "home-changed"]);

/**
 * Copies a home beside whoever runs it; the copy is a home. It goes on as after a kill at the moment of its
 * checkpoints, over a log that is as new or newer:
 *
 * 1. checkpoints of one moment, and for each table the version that belongs to them (see {@link findMoment}); their
 *    files are linked, so that neither maintenance nor the next checkpoint takes them away;
 * 2. the alerts, then the log. Both are behind the checkpoints, whose tasks send again what they sent after that
 *    moment; alerts are told apart by id, panes by sequence. No alert is there whose cause is not;
 * 3. what is linked, copied, and all of it verified.
 *
 * A crash leaves `INTO.unfinished` and links in the home, which the next backup removes.
 *
 * @throws MillraceError `backup-target-taken`, `backup-running`, `home-changed`, `backup-damaged`, `backup-unwritable`, `interrupted`
 */
export async function backUpHome(request: BackupRequest): Promise<Backup> {
  try {
    return await tryToBackUp(request);
  } catch (error) {
    throw asUnwritable(error, request) ?? error;
  }
}

async function tryToBackUp(request: BackupRequest): Promise<Backup> {
  const { home, into } = request;
  await assertFree(into);
  const lock = ProcessLock.acquire(join(home, BACKUP_LOCK));
  if (!(lock instanceof ProcessLock)) throw running(home, lock.heldBy);
  const links = join(home, LINKS_FOLDER);
  const unfinished = `${into}.unfinished`;
  const clear = () =>
    Promise.all([links, unfinished].map((path) => rm(path, { recursive: true, force: true })));
  try {
    for (let attempt = 1; ; attempt++) {
      await clear();
      try {
        const backup = await copy(request, { links, unfinished });
        await verifyHome(unfinished, request);
        // The commit point: before it there is no backup.
        await rename(unfinished, into);
        return backup;
      } catch (error) {
        const { code = "", message } = error as NodeJS.ErrnoException;
        if (!GONE.has(code)) throw error;
        if (attempt === ATTEMPTS_MAX) throw code === "home-changed" ? error : homeChanged(message);
      }
    }
  } finally {
    await clear();
    lock.release();
  }
}

async function copy(
  request: BackupRequest,
  { links, unfinished }: { readonly links: string; readonly unfinished: string },
): Promise<Backup> {
  const { home, clock, signal, onProgress } = request;
  const objects = new LocalObjectStore(home);
  const moment = await findMoment(home, objects, new FileCatalog({ objectStore: objects, clock }));
  await linkAll(home, links, moment);
  signal?.throwIfAborted();
  makeDataFolder(unfinished);
  const takenAt = new Date(clock()).toISOString();
  await copyLogs(home, unfinished, moment.checkpoints, clock);
  const keys = await filesUnder(links);
  let [files, bytes] = [0, 0];
  await someAtOnce(keys, FILES_AT_ONCE, async (key) => {
    signal?.throwIfAborted();
    const copied = await copySynced(join(links, key), join(unfinished, key));
    bytes += copied;
    onProgress?.(++files, keys.length);
  });
  await writeHeads(unfinished, moment);
  const backup: Backup = {
    home,
    takenAt,
    tasks: Object.fromEntries(moment.checkpoints.map(({ taskId, epoch }) => [taskId, epoch])),
    tables: Object.fromEntries(moment.versions),
    files,
    bytes,
  };
  await writeFile(join(unfinished, BACKUP_NOTE), `${JSON.stringify(backup, null, 2)}\n`);
  return backup;
}

async function linkAll(home: string, links: string, { keys, keysIfThere }: HomeMoment): Promise<void> {
  await mkdir(links);
  const linked = (key: string) => linkFile(join(home, key), join(links, key));
  await someAtOnce(keys, FILES_AT_ONCE, linked);
  await someAtOnce(keysIfThere, FILES_AT_ONCE, (key) =>
    linked(key).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    }),
  );
}

/** Retention may have dropped records since the checkpoints were read, once later ones had them. */
async function copyLogs(
  home: string,
  into: string,
  checkpoints: readonly Checkpoint[],
  clock: () => number,
): Promise<void> {
  const log = new HomeLog(home, { clock });
  try {
    await log.copyTo(into);
  } finally {
    await log.close();
  }
  const copied = new HomeLog(into, { clock });
  try {
    for (const { topic, partition, offset } of checkpoints.flatMap(({ inputs }) => inputs)) {
      const { begin } = await copied.offsets(topic, partition);
      if (begin > offset) throw homeChanged(`retention dropped ${topic}[${partition}]@${offset}`);
    }
  } finally {
    await copied.close();
  }
}

/** What says which version holds: the newest checkpoint of each task, and the hint of each table. */
async function writeHeads(into: string, { checkpoints, versions }: HomeMoment): Promise<void> {
  const objects = new LocalObjectStore(into);
  for (const checkpoint of checkpoints) {
    const key = checkpointKey(checkpoint.taskId, checkpoint.epoch);
    await objects.put(key, encodeCheckpoint(checkpoint));
  }
  for (const [table, version] of versions) await objects.put(hintKey(table), Buffer.from(String(version)));
}

async function assertFree(into: string): Promise<void> {
  const names = await readdir(into).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw taken(into, error.code === "ENOTDIR" ? "a file, or lies below one" : String(error.code));
  });
  if (names.length > 0) throw taken(into, `a folder with ${names[0]} in it`);
}

/** What a disk that is full or takes no more says, LMDB by its number alone; null for other problems. */
function asUnwritable(error: unknown, { home, into }: BackupRequest): MillraceError | null {
  if (error instanceof MillraceError || !(error instanceof Error)) return null;
  const code = String((error as { readonly code?: unknown }).code);
  if (!UNWRITABLE.has(code) && !/no space left/i.test(error.message)) return null;
  return new MillraceError(
    `the backup cannot be written: ${error.message}. Make room, or name another folder than ${into}; ${home} is as it was`,
    { code: "backup-unwritable", origin: "external", retry: true, cause: error },
  );
}

function taken(into: string, what: string): MillraceError {
  return new MillraceError(`${into} is ${what}: name a folder that is not there yet, or an empty one`, {
    code: "backup-target-taken",
    origin: "user",
  });
}

function running(home: string, pid: number): MillraceError {
  return new MillraceError(`process ${pid} makes a backup of ${home} already: wait for it, or end it`, {
    code: "backup-running",
    origin: "user",
    retry: true,
  });
}
