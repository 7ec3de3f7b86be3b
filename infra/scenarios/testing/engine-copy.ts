import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { QueryEngine, SqlValue } from "../../../lakehouse/index.ts";
import { MillraceError, type TableSpec, tableName } from "../../../schema/index.ts";
import { copyOf, type LakeReader } from "./lake-reader.ts";

/** Most of the time of a small query is the engine's planning. */
const QUERIES_AT_ONCE = 4;
const TIMEOUTS_MAX = 10;

/**
 * Copies tables into the reader's database as {@link LakeReader.copyLake} does, but read by the mode's
 * query engine (DuckDB, Trino) and through JSON: the path that the API takes.
 *
 * @param folder for the rows on their way
 * @param relationOf what is read for a table: by default the table
 */
export async function copyThroughEngine(
  engine: QueryEngine,
  reader: LakeReader,
  {
    schema,
    tables,
    folder,
    relationOf = (table) => `{${tableName(table)}}`,
  }: {
    schema: string;
    tables: readonly TableSpec[];
    folder: string;
    relationOf?: (table: TableSpec) => string;
  },
): Promise<void> {
  await reader.run(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}`);
  const left = [...tables];
  const copyNext = async (): Promise<void> => {
    for (let table = left.shift(); table !== undefined; table = left.shift()) {
      const columns = table.columns.map(({ name }) => `"${name}"`);
      const { rows } = await patiently(() =>
        engine.query(`SELECT ${columns.join(", ")} FROM ${relationOf(table)}`, []),
      );
      const file = join(folder, `${schema}.${tableName(table)}.ndjson`);
      writeFileSync(file, rows.map(jsonLine).join("\n"));
      const types = table.columns.map(({ name, type }) => `"${name}": '${duckDbType(type)}'`);
      await reader.run(
        `CREATE TABLE ${copyOf(schema, table)} AS FROM read_json('${file}', format = 'newline_delimited', columns = {${types.join(", ")}})`,
      );
      rmSync(file);
    }
  };
  await Promise.all(Array.from({ length: QUERIES_AT_ONCE }, copyNext));
}

/** The engine's time-out is meant for people: on a busy machine, that table is asked for again. */
async function patiently<T>(query: () => Promise<T>): Promise<T> {
  for (let left = TIMEOUTS_MAX; ; left--) {
    try {
      return await query();
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === "query-timeout") || left === 0) throw error;
    }
  }
}

/** Times as epoch milliseconds, integers whole. */
function jsonLine(row: Readonly<Record<string, SqlValue>>): string {
  const plain = (value: SqlValue) =>
    value instanceof Date ? value.getTime() : typeof value === "bigint" ? String(value) : value;
  return JSON.stringify(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])));
}

function duckDbType(type: TableSpec["columns"][number]["type"]): string {
  if (type === "string") return "VARCHAR";
  if (type === "int") return "INTEGER";
  if (type === "double") return "DOUBLE";
  return type === "boolean" ? "BOOLEAN" : "BIGINT";
}
