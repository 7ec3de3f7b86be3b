import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { MillraceError } from "../../schema/index.ts";
import type { MlPlugin } from "../plugin.ts";

export interface EvaluateFilesOptions {
  /** Path of the training file; gzip is recognised by its first bytes. */
  readonly train: string;
  /** Null or absent: cross-validation on the training file, where the plugin has one. */
  readonly test?: string | null;
  readonly seed: number;
  readonly onProgress?: (message: string) => void;
}

/**
 * Trains and measures a plugin on files of a public data set; the result is one JSON document.
 * Rejects with code `file-unusable` (unreadable, wrong form) or `not-supported`.
 */
export async function evaluateFiles(
  plugin: MlPlugin,
  options: EvaluateFilesOptions,
): Promise<Readonly<Record<string, unknown>>> {
  if (plugin.evaluateFiles === undefined) {
    throw new MillraceError(`${plugin.name} has no evaluation on files`, {
      code: "not-supported",
      origin: "user",
    });
  }
  const { test = null } = options;
  return plugin.evaluateFiles({
    train: await readText(options.train),
    test: test === null ? null : await readText(test),
    seed: options.seed,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });
}

async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    return new TextDecoder("utf-8", { fatal: true }).decode(plain);
  } catch (cause) {
    throw new MillraceError(`${path} cannot be read as text: ${(cause as Error).message}`, {
      code: "file-unusable",
      origin: "user",
      cause,
    });
  }
}
