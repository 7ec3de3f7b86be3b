import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { MillraceError } from "../../schema/index.ts";

/** Makes a folder for data as {@link makeFolder} does; throws MillraceError `folder-unusable` where this user cannot write to it. */
export function makeDataFolder(path: string): void {
  try {
    makeFolder(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new MillraceError(
      `${path} cannot hold the data (${code}): name a folder that this user can write`,
      { code: "folder-unusable", origin: "user", cause },
    );
  }
}

/**
 * Makes a folder with those above it, unless it is there; throws what the system says. For places that a
 * user names: Node's own recursive mkdir never returns where a folder that is there takes none, as /proc
 * and a link to nothing do.
 */
export function makeFolder(path: string): void {
  const missing = [resolve(path)];
  for (let above = dirname(missing[0]); !existsSync(above); above = dirname(above)) missing.unshift(above);
  for (const folder of missing) makeOne(folder);
}

function makeOne(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST" || !statSync(folder).isDirectory()) throw error;
  }
}
