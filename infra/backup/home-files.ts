import { constants } from "node:fs";
import { copyFile, link, mkdir, open, readdir } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { WEBHOOK_FOLDER } from "../webhook/object-cursor.ts";

/** In a copy: what it is of. Not part of a home. */
export const BACKUP_NOTE = "backup.json";
/** In a home that is being copied: links to the files that its copy needs. */
export const LINKS_FOLDER = "backup-links";
/** In a home that is being copied: who does it. */
export const BACKUP_LOCK = "backup.pid";

/**
 * What is not copied as it stands: logs and tables have a way of their own, hot values come back out of state,
 * and locks are of running processes.
 */
const LEFT_OUT = new Set([
  "log",
  "alerts",
  "alerts.lost",
  "hot",
  "lake",
  "checkpoints",
  LINKS_FOLDER,
  BACKUP_NOTE,
  // How far alerts were sent: a copy goes on with those that it raises itself.
  WEBHOOK_FOLDER,
]);
const LOCK = /^(platform|backup)\.pid/;
/** A file that is being written. */
const TEMPORARY = ".put-";
/** File systems without links, and parts of a home on another one. */
const NO_LINK = new Set(["EXDEV", "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);
/** Files that are linked, copied or looked for at a time. */
export const FILES_AT_ONCE = 8;

/** Keys of the files of a home that no other part of it owns: models, forecasts, configuration. */
export async function otherFiles(home: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(home, { withFileTypes: true })) {
    const { name } = entry;
    if (LEFT_OUT.has(name) || LOCK.test(name) || name.startsWith(TEMPORARY)) continue;
    if (entry.isFile()) found.push(name);
    else if (entry.isDirectory())
      found.push(...(await filesUnder(join(home, name))).map((key) => `${name}/${key}`));
  }
  return found.sort();
}

/** Names of the tables of a home, whoever made them. */
export async function tablesUnder(home: string): Promise<string[]> {
  const lake = join(home, "lake");
  const tables: string[] = [];
  for (const namespace of await foldersIn(lake))
    for (const table of await foldersIn(join(lake, namespace))) tables.push(`${namespace}.${table}`);
  return tables.sort();
}

/** Keys of all files below a folder, sorted. */
export async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith(TEMPORARY))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll(sep, "/"),
    )
    .sort();
}

/** Gives a file another name: it stays under that one, whoever deletes or replaces the first. Copies it where that is not possible. */
export async function linkFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await link(from, to);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (!NO_LINK.has(code)) throw error;
    await copyFile(from, to);
  }
}

/** Copies a file and waits until the disk has it; resolves to its bytes. */
export async function copySynced(from: string, to: string): Promise<number> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  const file = await open(to, "r+");
  try {
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
