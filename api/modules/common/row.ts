import type { SqlValue } from "../../../lakehouse/index.ts";

export type Row = Readonly<Record<string, SqlValue>>;

export function text(row: Row, column: string): string {
  return String(row[column]);
}

export function optionalText(row: Row, column: string): string | null {
  const value = row[column];
  return value === null || value === undefined ? null : String(value);
}

/** A number; an integer beyond 2^53 loses digits, use {@link long} where that can be. */
export function number(row: Row, column: string): number {
  return Number(row[column]);
}

export function long(row: Row, column: string): number | bigint {
  const value = row[column];
  return typeof value === "bigint" && !Number.isSafeInteger(Number(value)) ? value : Number(value);
}

export function optionalLong(row: Row, column: string): number | bigint | null {
  return row[column] === null || row[column] === undefined ? null : long(row, column);
}

export function flag(row: Row, column: string): boolean {
  return row[column] === true;
}

/** An instant in milliseconds. */
export function time(row: Row, column: string): number {
  const value = row[column];
  if (value instanceof Date) return value.getTime();
  if (typeof value === "string") return Date.parse(value);
  return Number(value);
}

/** What is read of a column, such as by {@link time}; null where it is null. */
export function optional<T>(row: Row, column: string, read: (row: Row, column: string) => T): T | null {
  return row[column] === null || row[column] === undefined ? null : read(row, column);
}
