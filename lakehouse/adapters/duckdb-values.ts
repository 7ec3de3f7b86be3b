import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  type DuckDBPreparedStatement,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import type { SqlValue } from "../ports/query-engine.ts";
import { decimalValue } from "./sql-decimal.ts";

const MS_PER_DAY = 86_400_000;

/** Binds `$index` (from 1). A value never becomes part of the SQL text. */
export function bindParameter(statement: DuckDBPreparedStatement, index: number, value: SqlValue): void {
  if (value === null) statement.bindNull(index);
  else if (typeof value === "string") statement.bindVarchar(index, value);
  else if (typeof value === "boolean") statement.bindBoolean(index, value);
  else if (typeof value === "bigint") statement.bindBigInt(index, value);
  else if (value instanceof Date) statement.bindTimestampTZ(index, timestampOf(value));
  else if (Number.isSafeInteger(value)) statement.bindBigInt(index, BigInt(value));
  else statement.bindDouble(index, value);
}

function timestampOf(date: Date): DuckDBTimestampTZValue {
  return new DuckDBTimestampTZValue(BigInt(date.getTime()) * 1000n);
}

/** A result value in the port's form. */
export function sqlValue(value: DuckDBValue): SqlValue {
  switch (typeof value) {
    case "bigint": {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    case "string":
    case "number":
    case "boolean":
      return value;
  }
  if (value === null) return null;
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) {
    return new Date(Number(value.micros / 1000n) - (value.micros % 1000n < 0n ? 1 : 0));
  }
  if (value instanceof DuckDBTimestampMillisecondsValue) return new Date(Number(value.millis));
  if (value instanceof DuckDBTimestampSecondsValue) return new Date(Number(value.seconds) * 1000);
  if (value instanceof DuckDBTimestampNanosecondsValue) return new Date(Number(value.nanos / 1_000_000n));
  if (value instanceof DuckDBDateValue) return new Date(value.days * MS_PER_DAY);
  if (value instanceof DuckDBDecimalValue) return decimalValue(String(value));
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString("hex");
  return String(value);
}
