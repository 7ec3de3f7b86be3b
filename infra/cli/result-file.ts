import { existsSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { MillraceError } from "../../schema/index.ts";

const UNWRITABLE = new Set(["ENOENT", "ENOTDIR", "EISDIR", "EEXIST", "EACCES", "EPERM", "EROFS", "ENOSPC"]);

/**
 * Writes a file that must not be there yet; a crash leaves at most `FILE.part`.
 *
 * @param write gives the text, or writes the file at the given path itself
 */
export async function writeResultFile(
  folder: string,
  file: string,
  write: (path: string) => string | Promise<void>,
): Promise<void> {
  const path = resolve(folder, file);
  if (existsSync(path)) {
    throw new MillraceError(`${file} is there already; remove it, or give another name`, {
      code: "output-exists",
      origin: "user",
    });
  }
  const part = `${path}.part`;
  try {
    const text = await write(part);
    if (typeof text === "string") await writeFile(part, text);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw asUnwritable(error, file);
  }
}

/** What the system says to a place of the user's choice, as an error of theirs; any other error as it is. */
export function asUnwritable(error: unknown, place: string): unknown {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (!UNWRITABLE.has(code)) return error;
  return new MillraceError(`${place} cannot be written (${code}); look at its folder and the disk`, {
    code: "output-unwritable",
    origin: "user",
    cause: error,
  });
}
