import type { TableSpec } from "../../schema/index.ts";

export type SqlValue = string | number | bigint | boolean | null | Date;

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, SqlValue>>[];
}

export interface QueryOptions {
  /**
   * Reads every table of the query as of a snapshot id (decimal; for queries of one table) or of a
   * time (ISO 8601, `2026-01-31T12:00:00Z`) instead of the newest.
   */
  readonly asOf?: string;
  /**
   * Half-open range of event time, ms: files whose days lie outside are not opened. A hint for
   * speed only: the query's own condition decides which rows it gets.
   */
  readonly eventTime?: { readonly from?: number; readonly to?: number };
  /** Rejects with code `query-aborted`. */
  readonly signal?: AbortSignal;
  /** Rows beyond this many are cut off. */
  readonly rowsMax?: number;
}

/**
 * SQL over lake tables. In the text, `{bronze.orders}` stands for a table, or for a view that the engine was
 * given; values are bound as `$1`,
 * `$2`, …, never written into the text. The text is one query of standard SQL, for every engine alike:
 * `CAST(x AS …)`, no `::`; `TIMESTAMP WITH TIME ZONE`; what engines name differently is left out.
 *
 * Values come back as: integers as number where a double holds them, else bigint; decimals as number
 * where a double holds their digits, else bigint or text; timestamps and dates as Date (UTC); nested
 * values as JSON text.
 *
 * Errors: `query-invalid` (text or parameters), `query-aborted`, `query-timeout`, `query-overloaded`,
 * `query-too-large`, `table-not-found`, `snapshot-not-found`, `query-failed`; of an engine that is a
 * server also `query-engine-unreachable` (retry), `query-engine-denied` and `catalog-not-found`.
 */
export interface QueryEngine {
  query(sql: string, parameters: readonly SqlValue[], options?: QueryOptions): Promise<QueryResult>;
  /** Newest snapshot of a table: id, commit time, and the row count; null before the first commit. */
  snapshot(
    table: TableSpec,
  ): Promise<{ readonly id: string; readonly committedAt: number; readonly rows: number } | null>;
  close(): Promise<void>;
}
