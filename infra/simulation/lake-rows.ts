import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { currentSnapshot, FileIndex } from "../../lakehouse/index.ts";
import { type TableSpec, tableName } from "../../schema/index.ts";
import { keyOfUri } from "./sim-object-store.ts";
import type { SimulatedPorts, World } from "./world.ts";

export type LakeRow = Readonly<Record<string, string | number | boolean | null>>;

export interface TableFiles {
  readonly table: TableSpec;
  /** Keys of the data files of the newest snapshot, as often as it names them. */
  readonly keys: readonly string[];
}

const compressors = { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };

/** What the newest snapshots of the tables consist of, read through a catalog as any reader has it. */
export async function readFiles(tables: readonly TableSpec[], ports: SimulatedPorts): Promise<TableFiles[]> {
  const index = new FileIndex(ports.objects);
  const found: TableFiles[] = [];
  for (const table of tables) {
    const loaded = await ports.catalog.load(tableName(table));
    const snapshot = loaded === null ? null : currentSnapshot(loaded.metadata);
    const files = loaded === null ? [] : await index.files(tableName(table), loaded.metadata, snapshot);
    found.push({ table, keys: files.map(({ uri }) => keyOfUri(uri)) });
  }
  return found;
}

/** Rows of data files, by a Parquet reader that is not ours; times as ms, 64-bit integers as numbers. */
export async function readRows(keys: readonly string[], world: World): Promise<LakeRow[]> {
  const rows: LakeRow[] = [];
  for (const key of keys) {
    const bytes = world.objects.get(key);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    for (const row of await parquetReadObjects({ file, compressors })) rows.push(plainRow(row));
  }
  return rows;
}

function plainRow(row: Record<string, unknown>): LakeRow {
  const plain: Record<string, string | number | boolean | null> = {};
  for (const name in row) {
    const value = row[name];
    plain[name] =
      typeof value === "bigint"
        ? Number(value)
        : value instanceof Date
          ? value.getTime()
          : ((value ?? null) as string | number | boolean | null);
  }
  return plain;
}
