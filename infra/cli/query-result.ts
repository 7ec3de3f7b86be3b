import type { QueryResult, SqlValue } from "../../lakehouse/index.ts";
import { textTable } from "./text-table.ts";

export const resultFormats = ["table", "csv", "ndjson"] as const;
export type ResultFormat = (typeof resultFormats)[number];

/** A query's result as text. Times are ISO 8601; integers that no double holds stay exact. */
export function resultText(result: QueryResult, format: ResultFormat): string {
  if (format === "csv") return csv(result);
  if (format === "ndjson") return ndjson(result);
  const { columns, rows } = result;
  return textTable([columns, ...rows.map((row) => columns.map((column) => shown(row[column])))], "");
}

/** RFC 4180; null is the empty field, an empty text `""`. */
function csv({ columns, rows }: QueryResult): string {
  const lines = [columns.map(quoted), ...rows.map((row) => columns.map((column) => csvField(row[column])))];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

function csvField(value: SqlValue): string {
  if (value === null) return "";
  return typeof value === "string" ? quoted(value) : shown(value);
}

function quoted(text: string): string {
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function ndjson({ columns, rows }: QueryResult): string {
  const members = (row: QueryResult["rows"][number]): string =>
    columns.map((column) => `${JSON.stringify(column)}:${json(row[column])}`).join(",");
  return rows.map((row) => `{${members(row)}}\n`).join("");
}

/** `JSON.stringify` refuses bigints; JSON itself has integers of any size. */
function json(value: SqlValue): string {
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

function shown(value: SqlValue): string {
  return value instanceof Date ? value.toISOString() : String(value ?? "");
}
