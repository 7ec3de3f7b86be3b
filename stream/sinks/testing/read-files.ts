import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import type { FinishedFile } from "../table-sink.ts";

export type FileRow = Readonly<Record<string, string | number | boolean | null>>;

const compressors = { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };

/** Rows of a Parquet file as an independent reader sees them; times as ms, integers as numbers. */
export async function readRows(pieces: readonly Uint8Array[]): Promise<FileRow[]> {
  const file = await new Blob([...pieces] as Uint8Array<ArrayBuffer>[]).arrayBuffer();
  const rows = await parquetReadObjects({ file, compressors });
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])),
  );
}

/** The rows of all files, in the order of the files. */
export async function readFiles(files: readonly FinishedFile[]): Promise<FileRow[]> {
  return (await Promise.all(files.map(({ pieces }) => readRows(pieces)))).flat();
}

function plain(value: unknown): string | number | boolean | null {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.getTime();
  return (value ?? null) as string | number | boolean | null;
}
