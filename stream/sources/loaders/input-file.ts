import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { MillraceError } from "../../../schema/index.ts";

/** A file to load: checked, fingerprinted, opened as often as needed. */
export interface InputFile {
  readonly path: string;
  /** SHA-256 of the file's bytes as they lie on disk, hex. */
  readonly fingerprint: string;
  readonly bytesTotal: number;
  /** The content, unpacked where the file is gzipped. `onRead` hears of every piece of the file itself. */
  read(onRead?: (bytesRead: number) => void): AsyncIterable<Buffer>;
}

const READ_BYTES = 256 * 1024;

const refuse = (code: string, message: string, cause?: unknown): MillraceError =>
  new MillraceError(message, { code, origin: "user", cause });

/**
 * Opens a file, plain or gzipped (told by its first bytes, not by its name). Rejects with code
 * `input-missing`, `input-not-a-file`, `input-unreadable`, `input-empty`, or `input-corrupt` where compressed
 * data are damaged or cut off: found out here, because the whole file, which comes later, has other event ids
 * than the part of it that was loaded before.
 */
export async function openInputFile(path: string): Promise<InputFile> {
  const size = await fileSize(path);
  const { fingerprint, gzipped } = await inspect(path);
  if (gzipped) for await (const _ of readContent(path, gzipped));
  return { path, fingerprint, bytesTotal: size, read: (onRead) => readContent(path, gzipped, onRead) };
}

/** Rejects as {@link openInputFile} does, as far as that can be told without reading the file. */
export async function assertInputFile(path: string): Promise<void> {
  await fileSize(path);
}

async function fileSize(path: string): Promise<number> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) {
      throw refuse("input-not-a-file", `${path} is a directory: name one file in it.`);
    }
    if (!info.isFile()) throw refuse("input-not-a-file", `${path} is not a regular file.`);
    if (info.size === 0) throw refuse("input-empty", `${path} is empty: there is nothing to load from it.`);
    return info.size;
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") {
      throw refuse("input-missing", `${path} does not exist: check the path of the file.`, error);
    }
    throw refuse("input-unreadable", `${path} cannot be read (${code}).`, error);
  }
}

/** Whole content, because event ids are made from it: two files must never share them. */
async function inspect(path: string): Promise<{ fingerprint: string; gzipped: boolean }> {
  const hash = createHash("sha256");
  let gzipped: boolean | null = null;
  try {
    const file = await open(path);
    for await (const piece of file.createReadStream({ highWaterMark: 1 << 20 })) {
      gzipped ??= piece.length > 2 && piece[0] === 0x1f && piece[1] === 0x8b;
      hash.update(piece);
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw refuse("input-unreadable", `${path} cannot be read (${code}).`, error);
  }
  return { fingerprint: hash.digest("hex"), gzipped: gzipped === true };
}

async function* readContent(
  path: string,
  gzipped: boolean,
  onRead: (bytesRead: number) => void = () => {},
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  let bytesRead = 0;
  file.on("data", (piece) => {
    bytesRead += piece.length;
    onRead(bytesRead);
  });
  if (!gzipped) {
    yield* file as AsyncIterable<Buffer>;
    return;
  }
  const gunzip = createGunzip({ chunkSize: READ_BYTES });
  file.on("error", (error) => gunzip.destroy(error));
  try {
    yield* file.pipe(gunzip) as AsyncIterable<Buffer>;
  } catch (error) {
    const why = (error as Error).message;
    throw refuse(
      "input-corrupt",
      `${path} is damaged or cut off: unpacking it failed (${why}). Fetch it again.`,
      error,
    );
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}
