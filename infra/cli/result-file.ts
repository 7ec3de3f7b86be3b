import { existsSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { MillraceError } from "../../schema/index.ts";

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
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EACCES" && code !== "ENOSPC") throw error;
    throw new MillraceError(`${file} cannot be written (${code}); look at its folder and the disk`, {
      code: "output-unwritable",
      origin: "user",
      cause: error,
    });
  }
}
