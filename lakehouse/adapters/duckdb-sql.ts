import type { LakeType } from "../../schema/index.ts";
import type { SchemaField } from "../table/table-metadata.ts";

/** SQL text for DuckDB that is made of table metadata; values of callers are bound, never put in here. */

const DUCKDB_TYPES: Readonly<Record<LakeType, string>> = {
  string: "VARCHAR",
  int: "INTEGER",
  long: "BIGINT",
  double: "DOUBLE",
  boolean: "BOOLEAN",
  timestamptz: "TIMESTAMPTZ",
};

/** Primitive types that only other engines' columns have. */
const FOREIGN_TYPES: Readonly<Record<string, string>> = {
  float: "FLOAT",
  date: "DATE",
  time: "TIME",
  timestamp: "TIMESTAMP",
  uuid: "UUID",
  binary: "BLOB",
};

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A file's address as a text that DuckDB takes for this one file, not for a pattern. */
export function quoteFile(uri: string): string {
  return quoteText(uri.replace(/[*?[]/g, (character) => `[${character}]`));
}

/** DuckDB's type of an Iceberg primitive, or null for one that has none here (nested types). */
export function duckDbType(type: unknown): string | null {
  if (typeof type !== "string") return null;
  if (/^decimal\(\d+, ?\d+\)$/.test(type)) return type.toUpperCase();
  return DUCKDB_TYPES[type as LakeType] ?? FOREIGN_TYPES[type] ?? null;
}

/**
 * A relation of the table's columns over its data files. Columns are found by field id, so files
 * from before a column was added or widened read as nulls and as the wider type; folder names such as
 * `event_time_day=2026-01-31` are no columns.
 */
export function tableRelation(fields: readonly SchemaField[], uris: readonly string[]): string {
  const columns = fields.flatMap((field) => {
    const type = duckDbType(field.type);
    return type === null ? [] : [{ id: field.id, name: field.name, type }];
  });
  if (uris.length === 0) {
    const nulls = columns.map(({ name, type }) => `NULL::${type} AS ${quoteName(name)}`);
    return `(SELECT ${nulls.join(", ")} WHERE false)`;
  }
  const schema = columns.map(
    ({ id, name, type }) =>
      `${id}: {name: ${quoteText(name)}, type: ${quoteText(type)}, default_value: NULL}`,
  );
  const files = uris.map(quoteFile).join(", ");
  return `(SELECT * FROM read_parquet([${files}], hive_partitioning = false, schema = MAP {${schema.join(", ")}}))`;
}

/** DuckDB's own: 60 of its vectors. */
export const ROW_GROUP_ROWS_MAX = 122_880;

/** Options of a COPY that writes a data file of the table; a row group is in memory as a whole. */
export function copyOptions(fields: readonly SchemaField[], rowGroupRows = ROW_GROUP_ROWS_MAX): string {
  const ids = fields.map((field) => `${quoteName(field.name)}: ${field.id}`);
  return `FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE ${rowGroupRows}, FIELD_IDS {${ids.join(", ")}}`;
}
