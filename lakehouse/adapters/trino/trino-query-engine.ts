import { currentRowsSql, type TableSpec, tableName, type ViewSpec, viewName } from "../../../schema/index.ts";
import type { Catalog } from "../../ports/catalog.ts";
import type { QueryEngine, QueryOptions, QueryResult, SqlValue } from "../../ports/query-engine.ts";
import { snapshotAsOf, snapshotNotFound } from "../../table/as-of.ts";
import { currentSnapshot } from "../../table/table-metadata.ts";
import { abortError, tableNotFound, tooLarge } from "../query-errors.ts";
import { QuerySlots } from "./query-slots.ts";
import { StatementClient, type StatementColumn } from "./statement-client.ts";
import { QueryLostError } from "./trino-errors.ts";
import { qualifiedName, tablesOf, trinoStatement } from "./trino-sql.ts";
import { type Decoder, decoderOf } from "./trino-values.ts";

export interface TrinoConnection {
  /** Address of the coordinator: `https://HOST:PORT`. */
  readonly server: string;
  /** Whom queries run as; needs no more than the right to read the lake. */
  readonly user: string;
  /** Trino takes one over https only. */
  readonly password?: string;
  /** Trino's name of the catalog that holds the lake. */
  readonly trinoCatalog: string;
  /** Put before namespaces in Trino; none by default. For several lakes in one catalog. */
  readonly namespacePrefix?: string;
  /** Resolves after so many ms. */
  readonly sleep: (ms: number) => Promise<void>;
  /** In [0, 1): spreads retries. */
  readonly random: () => number;
}

export interface TrinoQueryEngineOptions extends TrinoConnection {
  /** The catalog that Trino reads: where snapshots are looked up. */
  readonly catalog: Catalog;
  /** Views that queries may name as tables, whether or not the catalog has them. */
  readonly views?: readonly ViewSpec[];
  /** Queries that run at the same time (default 16). */
  readonly queriesMax?: number;
  /** Queries that wait for others; more are refused with `query-overloaded` (default 256). */
  readonly waitingMax?: number;
  /** Longest time of one query, waiting included, ms (default 30,000): `query-timeout`. */
  readonly queryMsMax?: number;
  /** Rows that a result without `rowsMax` may have (default 1,000,000): `query-too-large`. */
  readonly resultRowsMax?: number;
}

const QUERIES_MAX = 16;
const WAITING_MAX = 256;
const QUERY_MS_MAX = 30_000;
const RESULT_ROWS_MAX = 1_000_000;
/** Tries of one request to Trino, over about four seconds. */
export const TRINO_RETRY = { attemptsMax: 6, backoffMsMin: 100, backoffMsMax: 2_000 } as const;
/** Snapshot ids are 64-bit integers. */
const SNAPSHOT_ID_MAX = 2n ** 63n - 1n;

/**
 * Queries over the lake's tables by Trino 476 or later, whose catalog is the lake's own. `eventTime` is
 * left to Trino: it prunes files by the query's own conditions.
 */
export class TrinoQueryEngine implements QueryEngine {
  private readonly options: TrinoQueryEngineOptions;
  private readonly queryMsMax: number;
  private readonly slots: QuerySlots;
  private readonly client: StatementClient;
  private readonly views: ReadonlyMap<string, ViewSpec>;

  constructor(options: TrinoQueryEngineOptions) {
    this.options = options;
    this.queryMsMax = options.queryMsMax ?? QUERY_MS_MAX;
    this.views = new Map(options.views?.map((view) => [viewName(view), view]));
    this.slots = new QuerySlots({
      runningMax: options.queriesMax ?? QUERIES_MAX,
      waitingMax: options.waitingMax ?? WAITING_MAX,
    });
    this.client = new StatementClient({
      ...options,
      retry: { ...TRINO_RETRY, sleep: options.sleep, random: options.random },
      // Ends what a killed process left running.
      session: { query_max_run_time: `${this.queryMsMax}ms` },
    });
  }

  /** Resolves when Trino answers a query; rejects saying why it does not. For the start. */
  async check(): Promise<void> {
    await this.query("SELECT 1", []);
  }

  async query(
    sql: string,
    parameters: readonly SqlValue[],
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    const timeout = AbortSignal.timeout(this.queryMsMax);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
    try {
      return await this.slots.run(signal, async () => {
        const statement = trinoStatement(sql, parameters, await this.relations(sql, options.asOf));
        try {
          return await this.fetch(statement, signal, options.rowsMax);
        } catch (error) {
          // Trino was restarted, or maintenance took a file away under the query: run it again, once.
          if (!(error instanceof QueryLostError)) throw error;
          return await this.fetch(statement, signal, options.rowsMax);
        }
      });
    } catch (error) {
      throw signal.aborted ? abortError(timeout, error) : error;
    }
  }

  async snapshot(
    table: TableSpec,
  ): Promise<{ readonly id: string; readonly committedAt: number; readonly rows: number } | null> {
    const name = tableName(table);
    const loaded = await this.options.catalog.load(name);
    const head = loaded === null ? null : currentSnapshot(loaded.metadata);
    if (head === null) return null;
    const id = String(head["snapshot-id"]);
    const total = head.summary["total-records"];
    const rows = total === undefined ? await this.countRows(name, id) : Number(total);
    return { id, committedAt: head["timestamp-ms"], rows };
  }

  /** Running queries end; waiting ones are refused. */
  async close(): Promise<void> {
    this.slots.close();
    await this.client.close();
  }

  private async countRows(name: string, asOf: string): Promise<number> {
    const { rows } = await this.query(`SELECT count(*) AS n FROM {${name}}`, [], { asOf });
    return Number(rows[0].n);
  }

  private async fetch(
    statement: string,
    signal: AbortSignal,
    rowsMax: number | undefined,
  ): Promise<QueryResult> {
    const limit = rowsMax ?? this.options.resultRowsMax ?? RESULT_ROWS_MAX;
    let shape: RowShape | null = null;
    const rows: Readonly<Record<string, SqlValue>>[] = [];
    for await (const page of this.client.run(statement, signal)) {
      shape ??= rowShape(page.columns);
      for (const values of page.rows) {
        if (rows.length < limit) rows.push(shape.toRow(values));
        else if (rowsMax === undefined) throw tooLarge(limit);
        else return { columns: shape.names, rows };
      }
    }
    return { columns: shape?.names ?? [], rows };
  }

  private async relations(sql: string, asOf: string | undefined): Promise<ReadonlyMap<string, string>> {
    const relations = new Map<string, string>();
    for (const name of tablesOf(sql)) {
      const view = this.views.get(name);
      const table = await this.relation(view === undefined ? name : tableName(view.table), asOf);
      relations.set(name, view === undefined ? table : `(${currentRowsSql(view.table, table)})`);
    }
    return relations;
  }

  private async relation(name: string, asOf: string | undefined): Promise<string> {
    const table = trinoTable(this.options, name);
    if (asOf === undefined) return table;
    return `${table} FOR VERSION AS OF BIGINT '${await this.snapshotId(name, asOf)}'`;
  }

  /** Ids are left to Trino to find; a time means what it means in the other engines. */
  private async snapshotId(name: string, asOf: string): Promise<bigint> {
    if (/^\d+$/.test(asOf)) {
      const id = BigInt(asOf);
      if (id <= SNAPSHOT_ID_MAX) return id;
      throw snapshotNotFound(`${name} has no snapshot ${asOf}`);
    }
    const loaded = await this.options.catalog.load(name);
    if (loaded === null) throw tableNotFound(name);
    const snapshot = snapshotAsOf(name, loaded.metadata, asOf);
    if (snapshot === null) throw snapshotNotFound(`${name} has no snapshot yet`);
    return BigInt(snapshot["snapshot-id"]);
  }
}

/** Trino's name of a lake table: `"lake"."bronze"."orders"`. */
export function trinoTable(connection: TrinoConnection, name: string): string {
  const [namespace, table] = name.split(".");
  return qualifiedName(connection.trinoCatalog, `${connection.namespacePrefix ?? ""}${namespace}`, table);
}

interface RowShape {
  readonly names: readonly string[];
  readonly toRow: (values: readonly unknown[]) => Readonly<Record<string, SqlValue>>;
}

function rowShape(columns: readonly StatementColumn[]): RowShape {
  const decoders: readonly Decoder[] = columns.map(({ type }) => decoderOf(type));
  const names = distinctNames(columns);
  return {
    names,
    toRow: (values) => Object.fromEntries(names.map((name, i) => [name, decoders[i](values[i])])),
  };
}

/** A repeated name gets a number, as DuckDB gives it: `a`, `a:1`. */
function distinctNames(columns: readonly StatementColumn[]): string[] {
  const seen = new Map<string, number>();
  return columns.map(({ name }) => {
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}:${count}`;
  });
}
