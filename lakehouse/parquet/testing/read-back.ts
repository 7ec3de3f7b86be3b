import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { zstdDecompressSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { parquetReadObjects } from "hyparquet";
import type { LakeColumn, TableSpec } from "../../../schema/index.ts";
import { joinPieces, type ObjectBytes } from "../../ports/object-store.ts";

/**
 * A column as text that all readers can be compared by: integers in decimal, timestamps in
 * microseconds, doubles as the hexadecimal digits of their bits (or `nan`).
 */
export type CanonicalColumns = Record<string, (string | null)[]>;

export type PlainValue = string | number | boolean | null;

/** What pyarrow found in a file, and what is wrong with the statistics. */
export interface PythonReport {
  readonly pyarrow: CanonicalColumns;
  readonly duckdb: CanonicalColumns;
  readonly problems: readonly string[];
  readonly rowGroups: number;
  readonly fieldIds: readonly number[];
  readonly nullable: readonly boolean[];
  readonly encodings: Record<string, readonly string[]>;
  readonly createdBy: string;
}

export interface ReadBack extends PythonReport {
  readonly duckdbNode: CanonicalColumns;
  readonly hyparquet: CanonicalColumns;
}

const COMPRESSORS = { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };

/**
 * Reads files with pyarrow, DuckDB (of Python and of Node) and hyparquet.
 *
 * @param python path of a Python with pyarrow and duckdb
 */
export async function readBack(
  python: string,
  files: readonly { readonly table: TableSpec; readonly bytes: ObjectBytes }[],
): Promise<ReadBack[]> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-parquet-"));
  try {
    const paths = files.map((_, index) => join(folder, `${index}.parquet`));
    const joined = files.map((file) => joinPieces(file.bytes));
    await Promise.all(joined.map((bytes, index) => writeFile(paths[index], bytes)));
    const reports = await readPython(python, paths);
    const results: ReadBack[] = [];
    for (const [index, { table }] of files.entries()) {
      results.push({
        ...reports[index],
        duckdbNode: await readDuckDb(paths[index], table),
        hyparquet: await readHyparquet(joined[index], table),
      });
    }
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

export function canonicalValue(type: LakeColumn["type"], value: PlainValue): string | null {
  if (value === null) return null;
  if (type === "timestamptz") return (BigInt(value) * 1000n).toString();
  return type === "double" ? doubleBits(Number(value)) : String(value);
}

function doubleBits(value: number): string {
  if (Number.isNaN(value)) return "nan";
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

async function readPython(python: string, paths: readonly string[]): Promise<PythonReport[]> {
  const script = fileURLToPath(new URL("read-back.py", import.meta.url));
  const { stdout } = await promisify(execFile)(python, [script, ...paths], { maxBuffer: 2 ** 30 });
  return JSON.parse(stdout);
}

async function readDuckDb(path: string, table: TableSpec): Promise<CanonicalColumns> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const expressions = table.columns.map(({ name, type }) =>
    type === "timestamptz" ? `epoch_us("${name}")::VARCHAR` : `"${name}"::VARCHAR`,
  );
  const reader = await connection.runAndReadAll(
    `SELECT ${expressions.join(", ")} FROM read_parquet('${path}')`,
  );
  const columns = reader.getColumns();
  connection.closeSync();
  instance.closeSync();
  return byName(table, (column, index) =>
    (columns[index] ?? []).map((value) => {
      if (value === null) return null;
      return column.type === "double" ? doubleBits(numberOf(String(value))) : String(value);
    }),
  );
}

function numberOf(text: string): number {
  if (text === "inf") return Number.POSITIVE_INFINITY;
  return text === "-inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

async function readHyparquet(bytes: Uint8Array, table: TableSpec): Promise<CanonicalColumns> {
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  const rows = await parquetReadObjects({
    file: buffer,
    compressors: COMPRESSORS,
    parsers: {
      timestampFromMilliseconds: (value: bigint) => value,
      timestampFromMicroseconds: (value: bigint) => value,
      timestampFromNanoseconds: (value: bigint) => value,
      dateFromDays: (value: number) => value,
      stringFromBytes: (value: Uint8Array) => value && new TextDecoder().decode(value),
    } as never,
  });
  return byName(table, ({ name, type }) =>
    rows.map((row) => {
      const value: unknown = row[name];
      if (value === null || value === undefined) return null;
      return type === "double" ? doubleBits(Number(value)) : String(value);
    }),
  );
}

function byName(
  table: TableSpec,
  values: (column: LakeColumn, index: number) => (string | null)[],
): CanonicalColumns {
  return Object.fromEntries(table.columns.map((column, index) => [column.name, values(column, index)]));
}
