import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { MillraceError } from "../../schema/index.ts";
import type { InputFile } from "../evaluation.ts";

/** A file of a public data set; gzip is recognised by its first bytes. Reads when it is asked to. */
export function openInputFile(path: string): InputFile {
  async function bytes(): Promise<Uint8Array> {
    try {
      const raw = await readFile(path);
      return raw[0] === 0x1f && raw[1] === 0x8b ? gunzipSync(raw) : raw;
    } catch (cause) {
      throw unusableFile(path, `it cannot be read: ${(cause as Error).message}`, { cause });
    }
  }
  async function text(): Promise<string> {
    const plain = await bytes();
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(plain);
    } catch (cause) {
      throw unusableFile(path, "it is no UTF-8 text", { cause });
    }
  }
  return {
    path,
    bytes,
    text,
    async lines() {
      const lines = (await text()).split(/\r?\n/);
      if (lines.at(-1) === "") lines.pop();
      return lines;
    },
  };
}

/** Code `file-unusable`: `PATH cannot be used: line N: detail`. Lines count from 1. */
export function unusableFile(
  path: string,
  detail: string,
  where: { readonly line?: number; readonly cause?: unknown } = {},
): MillraceError {
  const place = where.line === undefined ? "" : `line ${where.line}: `;
  return new MillraceError(`${path} cannot be used: ${place}${detail}`, {
    code: "file-unusable",
    origin: "user",
    ...(where.cause === undefined ? {} : { cause: where.cause }),
  });
}
