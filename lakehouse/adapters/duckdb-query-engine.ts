import type { DuckDBConnection } from "@duckdb/node-api";
import { StatementType } from "@duckdb/node-api";
import {
  currentRowsSql,
  MillraceError,
  type TableSpec,
  tableName,
  type ViewSpec,
  viewName,
} from "../../schema/index.ts";
import type { Catalog } from "../ports/catalog.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { QueryEngine, QueryOptions, QueryResult, SqlValue } from "../ports/query-engine.ts";
import { snapshotAsOf } from "../table/as-of.ts";
import { FileIndex, type IndexedFile } from "../table/file-index.ts";
import { LAKE_PREFIX } from "../table/layout.ts";
import {
  currentSchema,
  currentSnapshot,
  type IcebergSchema,
  type Snapshot,
  type TableMetadata,
} from "../table/table-metadata.ts";
import { DuckDbPool, type DuckDbPoolOptions } from "./duckdb-pool.ts";
import { tableRelation } from "./duckdb-sql.ts";
import { bindParameter, sqlValue } from "./duckdb-values.ts";
import { abortError, assertReads, invalidQuery, tableNotFound, tooLarge } from "./query-errors.ts";

export interface DuckDbQueryEngineOptions extends DuckDbPoolOptions {
  readonly catalog: Catalog;
  readonly objectStore: ObjectStore;
  /** Views that queries may name as tables. */
  readonly views?: readonly ViewSpec[];
  /** Longest time of one query, waiting included, ms (default 30,000): `query-timeout`. */
  readonly queryMsMax?: number;
  /** Rows that a result without `rowsMax` may have (default 1,000,000): `query-too-large`. */
  readonly resultRowsMax?: number;
}

const QUERY_MS_MAX = 30_000;
const RESULT_ROWS_MAX = 1_000_000;
const INTERRUPT_EVERY_MS = 20;
const MS_PER_DAY = 86_400_000;
/** DuckDB's errors about the text or its values, as they begin or after the driver's preface. */
const INVALID = /(^|: )(Parser|Binder|Catalog|Conversion|Invalid Input|Permission|Out of Range) Error/;
/** What DuckDB reads with. Whether a text that begins so changes nothing, DuckDB itself says. */
const QUERY_WORDS = [
  "SELECT",
  "WITH",
  "VALUES",
  "FROM",
  "DESCRIBE",
  "DESC",
  "SHOW",
  "SUMMARIZE",
  "PIVOT",
  "UNPIVOT",
];
/** DuckDB's error about a name without a namespace, which it would have among its own tables. */
const UNKNOWN_NAME = /Catalog Error: Table with name (\w+) does not exist/;
const PLACEHOLDER = /\{([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\}/g;

/** Queries over the data files of Iceberg tables, by an embedded DuckDB that can only read the lake. */
export class DuckDbQueryEngine implements QueryEngine {
  private readonly options: DuckDbQueryEngineOptions;
  private readonly index: FileIndex;
  private readonly pool: DuckDbPool;
  private readonly views: ReadonlyMap<string, ViewSpec>;

  constructor(options: DuckDbQueryEngineOptions) {
    this.options = options;
    this.index = new FileIndex(options.objectStore);
    this.pool = new DuckDbPool(options.objectStore.uri(`${LAKE_PREFIX}/`), options);
    this.views = new Map(options.views?.map((view) => [viewName(view), view]));
  }

  async query(
    sql: string,
    parameters: readonly SqlValue[],
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    assertReads(sql, QUERY_WORDS);
    const timeout = AbortSignal.timeout(this.options.queryMsMax ?? QUERY_MS_MAX);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
    try {
      try {
        return await this.run(sql, parameters, options, signal);
      } catch (error) {
        // Maintenance took a file away between reading the metadata and opening it: look again, once.
        if (!isFileVanished(error)) throw error;
        return await this.run(sql, parameters, options, signal);
      }
    } catch (error) {
      throw signal.aborted ? abortError(timeout, error) : queryError(error);
    }
  }

  async snapshot(
    table: TableSpec,
  ): Promise<{ readonly id: string; readonly committedAt: number; readonly rows: number } | null> {
    const name = tableName(table);
    const loaded = await this.options.catalog.load(name);
    const head = loaded === null ? null : currentSnapshot(loaded.metadata);
    if (loaded === null || head === null) return null;
    const total = head.summary["total-records"];
    const rows = total === undefined ? await this.countRows(name, loaded.metadata, head) : Number(total);
    return { id: String(head["snapshot-id"]), committedAt: head["timestamp-ms"], rows };
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async run(
    sql: string,
    parameters: readonly SqlValue[],
    options: QueryOptions,
    signal: AbortSignal,
  ): Promise<QueryResult> {
    const text = await this.resolveTables(sql, options);
    const connection = await this.pool.acquire(signal);
    const stop = interruptOnAbort(connection, signal);
    try {
      return await this.execute(connection, text, parameters, options.rowsMax);
    } finally {
      stop();
      this.pool.release(connection);
    }
  }

  private async execute(
    connection: DuckDBConnection,
    text: string,
    parameters: readonly SqlValue[],
    rowsMax: number | undefined,
  ): Promise<QueryResult> {
    const statements = await connection.extractStatements(text);
    if (statements.count !== 1) throw notOne(text);
    const statement = await statements.prepare(0);
    try {
      if (statement.statementType !== StatementType.SELECT) throw invalidQuery("the lake is only read here");
      if (statement.parameterCount !== parameters.length) {
        throw invalidQuery(
          `the text has ${statement.parameterCount} parameters, but ${parameters.length} values are given`,
        );
      }
      for (let i = 0; i < parameters.length; i++) bindParameter(statement, i + 1, parameters[i]);
      const limit = rowsMax ?? this.options.resultRowsMax ?? RESULT_ROWS_MAX;
      const reader = await statement.streamAndReadUntil(limit + 1);
      if (rowsMax === undefined && reader.currentRowCount > limit) throw tooLarge(limit);
      const columns = reader.deduplicatedColumnNames();
      const rows = reader
        .getRows()
        .slice(0, limit)
        .map((row) => Object.fromEntries(columns.map((name, i) => [name, sqlValue(row[i])])));
      return { columns, rows };
    } finally {
      statement.destroySync();
    }
  }

  /** The text with each `{NAMESPACE.TABLE}` as a relation over the files of one snapshot. */
  private async resolveTables(sql: string, options: QueryOptions): Promise<string> {
    const names = new Set(Array.from(sql.matchAll(PLACEHOLDER), (match) => match[1]));
    const relations = new Map<string, string>();
    for (const name of names) relations.set(name, await this.relation(name, options));
    return sql.replace(PLACEHOLDER, (_match, name: string) => relations.get(name) ?? "");
  }

  private async relation(name: string, options: QueryOptions): Promise<string> {
    const view = this.views.get(name);
    if (view === undefined) return this.files(name, options);
    const { eventTime: _range, ...whole } = options;
    // Which run is the newest is not a matter of the range.
    const files = view.table.newestRunBy === undefined ? options : whole;
    return `(${currentRowsSql(view.table, await this.files(tableName(view.table), files))})`;
  }

  private async files(name: string, options: QueryOptions): Promise<string> {
    const loaded = await this.options.catalog.load(name);
    if (loaded === null) throw tableNotFound(name);
    const snapshot = snapshotAsOf(name, loaded.metadata, options.asOf);
    const files = await this.index.files(name, loaded.metadata, snapshot);
    const kept = files.filter((file) => mayHold(file, options.eventTime));
    return tableRelation(
      schemaOf(loaded.metadata, options.asOf === undefined ? null : snapshot).fields,
      kept.map((file) => file.uri),
    );
  }

  private async countRows(name: string, metadata: TableMetadata, snapshot: Snapshot): Promise<number> {
    const files = await this.index.files(name, metadata, snapshot);
    return files.reduce((sum, file) => sum + file.rows, 0);
  }
}

/** DuckDB makes two statements of a PIVOT that has to look for its values, the first of which creates a type. */
function notOne(text: string): MillraceError {
  return invalidQuery(
    /\bPIVOT\b/i.test(text)
      ? "a PIVOT needs the values that become columns: PIVOT … ON column IN ('one', 'another') …"
      : "a query is exactly one statement",
  );
}

/** A past snapshot is read with the columns that it had. */
function schemaOf(metadata: TableMetadata, past: Snapshot | null): IcebergSchema {
  const id = past?.["schema-id"];
  return metadata.schemas.find((schema) => schema["schema-id"] === id) ?? currentSchema(metadata);
}

function mayHold(file: IndexedFile, range: QueryOptions["eventTime"]): boolean {
  if (range === undefined || file.day === null) return true;
  const start = file.day * MS_PER_DAY;
  return (
    start < (range.to ?? Number.POSITIVE_INFINITY) &&
    start + MS_PER_DAY > (range.from ?? Number.NEGATIVE_INFINITY)
  );
}

/** An interrupt between two steps of a query is lost, so it is repeated until the query has ended. */
function interruptOnAbort(connection: DuckDBConnection, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    connection.interrupt();
    timer = setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return () => {
    clearInterval(timer);
    signal.removeEventListener("abort", onAbort);
  };
}

function isFileVanished(error: unknown): boolean {
  return error instanceof Error && /No files found that match|No such file or directory/.test(error.message);
}

function queryError(error: unknown): unknown {
  if (error instanceof MillraceError || !(error instanceof Error)) return error;
  const unknown = UNKNOWN_NAME.exec(error.message);
  if (unknown !== null) return tableNotFound(unknown[1], error);
  if (INVALID.test(error.message)) return invalidQuery(error.message, error);
  const isMemory = error.message.startsWith("Out of Memory");
  return new MillraceError(`the query failed: ${error.message}`, {
    code: "query-failed",
    origin: "external",
    retry: isMemory || isFileVanished(error),
    cause: error,
  });
}
