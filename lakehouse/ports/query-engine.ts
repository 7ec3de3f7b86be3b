import type { TableSpec } from "../../schema/index.ts";

export type SqlValue = string | number | bigint | boolean | null | Date;

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, SqlValue>>[];
}

export interface QueryOptions {
  /** Reads the table as of this snapshot id (decimal) instead of the newest. */
  readonly asOf?: string;
  readonly signal?: AbortSignal;
  readonly rowsMax?: number;
}

/**
 * SQL over lake tables. In the text, `{bronze.orders}` stands for a table; values are bound as `$1`,
 * `$2`, …, never written into the text.
 */
export interface QueryEngine {
  query(sql: string, parameters: readonly SqlValue[], options?: QueryOptions): Promise<QueryResult>;
  /** Newest snapshot of a table: id, commit time, and the row count; null before the first commit. */
  snapshot(
    table: TableSpec,
  ): Promise<{ readonly id: string; readonly committedAt: number; readonly rows: number } | null>;
  close(): Promise<void>;
}
