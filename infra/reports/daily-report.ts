import type { QueryResult, SqlValue } from "../../lakehouse/index.ts";
import type { RowRecord, TableSpec } from "../../schema/index.ts";

export const DAY_MS = 86_400_000;

export type Row = QueryResult["rows"][number];

/** The events of one UTC day, `silver.events`, late ones included. */
export interface DayOfEvents {
  /** Rows of a query in which `$1` and `$2` are start and end of the day, and `$3` and on the further parameters. */
  query(sql: string, ...parameters: SqlValue[]): Promise<readonly Row[]>;
}

/** What a report says in short: the alert that tells that it is there. */
export interface ReportSummary {
  readonly text: string;
  readonly figures: Readonly<Record<string, number | string>>;
}

/** A report of each UTC day, into a gold table that has a row of its own for `day` and `revision`. */
export interface DailyReport {
  readonly name: string;
  readonly doc: string;
  readonly table: TableSpec;
  /** How long after the end of the day it is due, ms. */
  readonly dueAfterMs: number;
  /** Reads the day and makes its rows, without `day` and `revision`, some at a time; returns what they come to. */
  make(events: DayOfEvents): AsyncGenerator<readonly RowRecord[], ReportSummary, undefined>;
}

/** `2026-01-31`, of the start of that day. */
export function dayText(day: number): string {
  return new Date(day).toISOString().slice(0, 10);
}
