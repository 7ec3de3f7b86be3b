import type { TableSpec } from "../../schema/index.ts";
import type { QueryResult } from "../ports/query-engine.ts";

/** Rows of a sample. */
export const SAMPLE_ROWS_MAX = 3;

/** Ids of persons, and what is made of them: results outlive the rows that they are about. */
const PERSONAL: ReadonlySet<string> = new Set([
  "user_id",
  "session_key",
  "session_id",
  "entity",
  "changed_by",
]);

/** Of these columns those that a sample may show. */
export function shownColumns(columns: readonly string[]): readonly string[] {
  return columns.filter((column) => !PERSONAL.has(column));
}

/** What tells a row of a sample: its place in the log where it has one, else its key. */
export function sampleColumns(table: TableSpec): readonly string[] {
  const names = new Set(table.columns.map(({ name }) => name));
  const position = ["_topic", "_partition", "_offset"].filter((name) => table.key.includes(name));
  const key = position.includes("_offset") || !names.has("_offset") ? table.key : ["_partition", "_offset"];
  return shownColumns([
    ...new Set([table.partitionByDayOf, ...key, ...(names.has("revision") ? ["revision"] : [])]),
  ]);
}

/** A sample as a JSON array. */
export function sampleText(rows: QueryResult["rows"]): string {
  return JSON.stringify(rows, (_key, value) => (typeof value === "bigint" ? String(value) : value));
}
