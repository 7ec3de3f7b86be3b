import type { RowBuffer } from "./row-buffer.ts";

/** A row by the names of its columns; times are ms. */
export type RowRecord = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Adds a row where rows are few and come one by one, such as those of reports. A column that the record does
 * not name is null.
 *
 * @throws Error where a required column is null, or the table lacks a column: a bug of the caller
 */
export function appendRecord(rows: RowBuffer, record: RowRecord): void {
  const { table } = rows;
  for (const name of Object.keys(record))
    if (table.columns.every((column) => column.name !== name))
      throw new Error(`${table.name} has no column ${name}`);
  const row = rows.next();
  for (const { name, type, required } of table.columns) {
    const value = record[name] ?? null;
    if (value === null && required) throw new Error(`${table.name}.${name} is required, and was not given`);
    if (type === "string") {
      rows.setText(rows.text(name), row, value === null ? null : String(value));
      continue;
    }
    const column =
      type === "int" ? rows.int32(name) : type === "boolean" ? rows.boolean(name) : rows.float64(name);
    column.values[row] = Number(value ?? 0);
    if (column.valid !== null) column.valid[row] = value === null ? 0 : 1;
  }
}
