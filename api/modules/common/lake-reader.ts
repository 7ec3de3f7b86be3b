import type { QueryEngine, QueryOptions, SqlValue } from "../../../lakehouse/index.ts";
import { MillraceError, type TableSpec } from "../../../schema/index.ts";
import type { PipelineStatus } from "../../../stream/index.ts";
import { type CursorValue, decodeCursor, encodeCursor, type KeysetColumn } from "./cursor.ts";
import { userError } from "./errors.ts";
import { type Row, text, time } from "./row.ts";
import { Conditions, newestRevisions } from "./sql.ts";
import { type Freshness, PAGE_ROWS_MAX, type Page, type PageArgs } from "./types.ts";

/** A table at one snapshot; `snapshotId` is null before its first commit: it has no rows then. */
export interface PinnedTable {
  readonly table: TableSpec;
  readonly snapshotId: string | null;
  readonly freshness: Freshness;
}

export interface PageQuery<Node> {
  /** Name of the connection: cursors of others are refused. */
  readonly connection: string;
  readonly table: TableSpec;
  readonly page: PageArgs;
  /** The connection's total order; of columns that a correction does not change. */
  readonly keyset: readonly KeysetColumn[];
  readonly order: "asc" | "desc";
  /** Filters on columns that a correction does not change. */
  readonly conditions: Conditions;
  /** Fixed SQL condition on the rows that hold. */
  readonly holding?: string;
  /** Whether `holding` reads other tables: then all of them are read as they are now, and `asOf` is refused. */
  readonly readsOthers?: boolean;
  readonly toNode: (row: Row) => Node;
}

const OWN_FAULTS = new Set(["query-invalid", "table-not-found"]);

/** Reads lake tables for the API: each answer from one snapshot, with its freshness. */
export class LakeReader {
  private readonly engine: QueryEngine;
  private readonly pipeline: PipelineStatus;

  constructor(engine: QueryEngine, pipeline: PipelineStatus) {
    this.engine = engine;
    this.pipeline = pipeline;
  }

  /** Lowest watermark of the tasks; null where one has seen nothing yet. */
  watermark(): number | null {
    return lowestWatermark(this.pipeline);
  }

  async pin(table: TableSpec, asOf?: string | null): Promise<PinnedTable> {
    const newest = await this.engine.snapshot(table);
    if (asOf === null || asOf === undefined || asOf === newest?.id) {
      const freshness = {
        watermark: this.watermark(),
        snapshotId: newest?.id ?? null,
        committedAt: newest?.committedAt ?? null,
      };
      return { table, snapshotId: newest?.id ?? null, freshness };
    }
    if (!/^\d{1,19}$/.test(asOf) || newest === null) {
      throw userError(
        "snapshot-not-found",
        "asOf names no snapshot. Pass a snapshotId of an earlier answer's freshness.",
      );
    }
    return { table, snapshotId: asOf, freshness: { watermark: null, snapshotId: asOf, committedAt: null } };
  }

  /** Rows of a query over the pinned table alone; none before its first commit. */
  async rows(pinned: PinnedTable, sql: string, conditions = new Conditions()): Promise<readonly Row[]> {
    if (pinned.snapshotId === null) return [];
    const { parameters, eventTime } = conditions;
    return this.query(sql, parameters, { asOf: pinned.snapshotId, eventTime });
  }

  /** Rows of a query over the pinned table and others, all as they are now: what came since is among them. */
  async rowsOfNow(pinned: PinnedTable, sql: string, conditions: Conditions): Promise<readonly Row[]> {
    // No hint at event time: it would leave out files of the other tables.
    return pinned.snapshotId === null ? [] : this.query(sql, conditions.parameters, {});
  }

  /** One page of a connection over rows that hold (highest revision of their key). */
  async page<Node>(query: PageQuery<Node>): Promise<Page<Node>> {
    const { conditions, page, readsOthers = false } = query;
    const { first, holding, orderBy } = pageSql(query);
    if (readsOthers && typeof page.asOf === "string")
      throw userError("invalid-argument", "asOf is of one table, and this filter reads two: leave out one.");
    const pinned = await this.pin(query.table, page.asOf);
    const sql = `${holding} order by ${orderBy} limit ${first + 1}`;
    const rows = await (readsOthers
      ? this.rowsOfNow(pinned, sql, conditions)
      : this.rows(pinned, sql, conditions));
    return toPage(rows, { ...query, first, freshness: pinned.freshness });
  }

  /**
   * The page that {@link page} gives for each of the values of a text column, in the order of the
   * values, by one query of one snapshot.
   */
  async pagesBy<Node>(
    column: string,
    values: readonly string[],
    query: PageQuery<Node>,
  ): Promise<Page<Node>[]> {
    query.conditions.oneOf(column, values);
    const { first, holding, orderBy } = pageSql(query);
    const pinned = await this.pin(query.table, query.page.asOf);
    const sql =
      `select * from (select *, row_number() over (partition by ${column} order by ${orderBy}) as place ` +
      `from (${holding}) as paged) as placed where place <= ${first + 1} order by ${orderBy}`;
    const rows = await this.rows(pinned, sql, query.conditions);
    const byValue = Map.groupBy(rows, (row) => text(row, column));
    return values.map((value) =>
      toPage(byValue.get(value) ?? [], { ...query, first, freshness: pinned.freshness }),
    );
  }

  private async query(sql: string, parameters: readonly SqlValue[], options: QueryOptions) {
    try {
      return (await this.engine.query(sql, parameters, options)).rows;
    } catch (error) {
      throw ownFault(error);
    }
  }
}

/** The parts of a page's SQL; adds the place of its cursor to the conditions. */
function pageSql<Node>({ connection, table, keyset, order, page, conditions, holding }: PageQuery<Node>): {
  readonly first: number;
  readonly holding: string;
  readonly orderBy: string;
} {
  const first = checkedFirst(page.first);
  if (page.after !== null && page.after !== undefined) {
    conditions.behind(keyset, order, decodeCursor(connection, keyset, page.after));
  }
  const where = holding === undefined ? "" : ` where ${holding}`;
  return {
    first,
    holding: `select * from (${newestRevisions(table, conditions)}) as holding${where}`,
    orderBy: keyset.map((key) => `${key.column} ${order}`).join(", "),
  };
}

/** A page from one row more than it may hold: the extra row says that there is a next page. */
export function toPage<Node>(
  rows: readonly Row[],
  shape: {
    readonly connection: string;
    readonly keyset: readonly KeysetColumn[];
    readonly page: PageArgs;
    readonly first: number;
    readonly freshness: Freshness;
    readonly toNode: (row: Row) => Node;
  },
): Page<Node> {
  const edges = rows.slice(0, shape.first).map((row) => ({
    node: shape.toNode(row),
    cursor: encodeCursor(
      shape.connection,
      shape.keyset.map((key) => keyValue(row, key)),
    ),
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > shape.first,
      hasPreviousPage: shape.page.after !== null && shape.page.after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    freshness: shape.freshness,
  };
}

/** The page size, or `invalid-argument` where it is out of bounds. */
export function checkedFirst(first: number): number {
  if (first >= 1 && first <= PAGE_ROWS_MAX) return first;
  throw userError("invalid-argument", `first must be between 1 and ${PAGE_ROWS_MAX}, it is ${first}.`);
}

export function lowestWatermark(pipeline: PipelineStatus): number | null {
  let lowest: number | null = null;
  for (const task of pipeline.tasks()) {
    if (task.watermarkMs === null) return null;
    if (lowest === null || task.watermarkMs < lowest) lowest = task.watermarkMs;
  }
  // A watermark of Infinity (end of input) or -Infinity (nothing seen) is no instant.
  return lowest !== null && Number.isFinite(lowest) ? lowest : null;
}

function keyValue(row: Row, key: KeysetColumn): CursorValue {
  if (key.type === "time") return time(row, key.column);
  return key.type === "number" ? Number(row[key.column]) : String(row[key.column]);
}

/** To the engine an invalid query is its caller's fault. That is this code, never the API's caller. */
function ownFault(error: unknown): unknown {
  if (!(error instanceof MillraceError) || !OWN_FAULTS.has(error.code)) return error;
  return new MillraceError(error.message, { code: error.code, origin: "internal", cause: error });
}
