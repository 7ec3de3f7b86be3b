import parquet, { type FieldDefinition } from "parquetjs-lite";
import type { QueryResult, SqlValue } from "../../lakehouse/index.ts";

/**
 * Writes a query's result as a Parquet file, row by row with parquetjs-lite: results are small, and the
 * lake's own writer takes tables of a declared schema only. All columns are nullable; integers that no
 * double holds become text.
 */
export async function writeParquet({ columns, rows }: QueryResult, path: string): Promise<void> {
  const kinds = columns.map((column) => kindOf(rows.map((row) => row[column])));
  const fields = columns.map((column, i): [string, FieldDefinition] => [
    column,
    { type: PARQUET_TYPES[kinds[i]], optional: true, compression: "SNAPPY" },
  ]);
  const writer = await parquet.ParquetWriter.openFile(
    new parquet.ParquetSchema(Object.fromEntries(fields)),
    path,
  );
  for (const row of rows) {
    const values = columns.map((column, i) => [column, parquetValue(row[column], kinds[i])]);
    await writer.appendRow(Object.fromEntries(values.filter(([, value]) => value !== undefined)));
  }
  await writer.close();
}

const PARQUET_TYPES = {
  integer: "INT64",
  number: "DOUBLE",
  boolean: "BOOLEAN",
  time: "TIMESTAMP_MILLIS",
  text: "UTF8",
} as const;
type Kind = keyof typeof PARQUET_TYPES;

/** The narrowest kind that holds every value; text where there is none. */
function kindOf(values: readonly SqlValue[]): Kind {
  const kinds = new Set(values.filter((value) => value !== null).map(kindOfValue));
  if (kinds.size === 1) return [...kinds][0];
  return kinds.size === 2 && kinds.has("integer") && kinds.has("number") ? "number" : "text";
}

function kindOfValue(value: SqlValue): Kind {
  if (value instanceof Date) return "time";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "integer" : "number";
  return typeof value === "boolean" ? "boolean" : "text";
}

/** Undefined is parquetjs-lite's null. */
function parquetValue(value: SqlValue, kind: Kind): unknown {
  if (value === null) return undefined;
  if (kind === "text") return value instanceof Date ? value.toISOString() : String(value);
  return value;
}
