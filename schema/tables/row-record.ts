import type { RowBuffer } from "./row-buffer.ts";

/** A row by the names of its columns; times are ms. */
export type RowRecord = Readonly<Record<string, string | number | boolean | null>>;

/**
 * What adds rows to a buffer where they come one by one, as those of reports do; streams fill columns. A column that
 * a record does not name is null.
 *
 * @returns a function that throws where a required column is null, or the table lacks a column: a bug of the caller
 */
export function recordAppender(rows: RowBuffer): (record: RowRecord) => void {
  const { table } = rows;
  const names = new Set(table.columns.map(({ name }) => name));
  const setters = table.columns.map(({ name, type, required }) => {
    const set = setterOf(rows, name, type);
    return (row: number, record: RowRecord): void => {
      const value = record[name] ?? null;
      if (value === null && required) throw new Error(`${table.name}.${name} is required, and was not given`);
      set(row, value);
    };
  });
  return (record) => {
    for (const name in record) if (!names.has(name)) throw new Error(`${table.name} has no column ${name}`);
    const row = rows.next();
    for (const set of setters) set(row, record);
  };
}

type Setter = (row: number, value: RowRecord[string]) => void;

function setterOf(
  rows: RowBuffer,
  name: string,
  type: RowBuffer["table"]["columns"][number]["type"],
): Setter {
  if (type === "string") {
    const column = rows.text(name);
    return (row, value) => rows.setText(column, row, value === null ? null : String(value));
  }
  const column =
    type === "int" ? rows.int32(name) : type === "boolean" ? rows.boolean(name) : rows.float64(name);
  return (row, value) => {
    column.values[row] = Number(value ?? 0);
    if (column.valid !== null) column.valid[row] = value === null ? 0 : 1;
  };
}
