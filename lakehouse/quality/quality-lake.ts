import { MillraceError, type TableSpec, tableName } from "../../schema/index.ts";
import type { QueryEngine, QueryResult, SqlValue } from "../ports/query-engine.ts";
import { type QualitySettings, quoted, Statement } from "./statement.ts";

export const DAY_MS = 86_400_000;

/** What a run looks at. */
export interface QualityScope {
  /** Every table of the lake. */
  readonly tables: readonly TableSpec[];
  /** The table whose event time is the platform's: `bronze.customer_events`. */
  readonly watermarkTable: string;
  /** Rows from this time on, ms; `begin` for all; null for the newest {@link days} days of each table. */
  readonly since: number | "begin" | null;
  readonly days: number;
  /** What conditions name. */
  readonly settings: QualitySettings;
  /** How far behind the watermark an event still corrects windows, and the watermark behind the newest event, ms. */
  readonly allowedLatenessMs: number;
  readonly outOfOrdernessMs: number;
  readonly clock: () => number;
  readonly signal?: AbortSignal;
}

/** A table at one snapshot, and what of it is looked at. */
export interface TableLook {
  readonly table: TableSpec;
  /** `silver.events` */
  readonly name: string;
  /** The column that partitions it. */
  readonly time: string;
  readonly snapshotId: string | null;
  /** Of {@link time}; null where it has no rows. */
  readonly newest: number | null;
  /** Rows from this time on, ms; null for all. */
  readonly from: number | null;
}

/** The lake's tables, each looked up once in a run. */
export class QualityLake {
  readonly scope: QualityScope;
  private readonly engine: QueryEngine;
  private readonly specs: ReadonlyMap<string, TableSpec>;
  private readonly looks = new Map<string, Promise<TableLook>>();
  private watermarks: Promise<number | null> | null = null;

  constructor(engine: QueryEngine, scope: QualityScope) {
    this.engine = engine;
    this.scope = scope;
    this.specs = new Map(scope.tables.map((table) => [tableName(table), table]));
  }

  statement(): Statement {
    return new Statement(this.scope.settings);
  }

  look(name: string): Promise<TableLook> {
    const known = this.looks.get(name);
    if (known !== undefined) return known;
    const looking = this.lookUp(name);
    this.looks.set(name, looking);
    return looking;
  }

  /** Rows of a query over one table at the snapshot that was looked up. */
  rowsOf(
    look: TableLook,
    sql: string,
    { parameters }: Statement,
    from = look.from,
  ): Promise<QueryResult["rows"]> {
    return this.rows(sql, parameters, from, look.snapshotId);
  }

  /** Rows of a query over several tables, at their newest snapshots. */
  rowsAcross(sql: string, { parameters }: Statement, from: number | null): Promise<QueryResult["rows"]> {
    return this.rows(sql, parameters, from, null);
  }

  /**
   * Event time that every log partition of {@link QualityScope.watermarkTable} has come to, as far as it has
   * rows in the days looked at; null without any.
   */
  watermark(): Promise<number | null> {
    this.watermarks ??= this.look(this.scope.watermarkTable).then((look) => this.lowestNewest(look));
    return this.watermarks;
  }

  /** The lowest of the newest times of a table's log partitions, in the days looked at. */
  async lowestNewest(look: TableLook): Promise<number | null> {
    if (look.newest === null) return null;
    const statement = this.statement();
    const [row] = await this.rowsOf(
      look,
      `SELECT min(newest) AS lowest FROM (SELECT max(${quoted(look.time)}) AS newest FROM {${look.name}}` +
        `${Statement.where(inRange(look, statement))} GROUP BY _partition) AS each_partition`,
      statement,
    );
    return timeOf(row.lowest);
  }

  private async rows(
    sql: string,
    parameters: readonly SqlValue[],
    from: number | null,
    asOf: string | null,
  ): Promise<QueryResult["rows"]> {
    const { signal } = this.scope;
    const { rows } = await this.engine.query(sql, parameters, {
      ...(from !== null && { eventTime: { from } }),
      ...(asOf !== null && { asOf }),
      ...(signal !== undefined && { signal }),
    });
    return rows;
  }

  private async lookUp(name: string): Promise<TableLook> {
    const table = this.specs.get(name);
    if (table === undefined) {
      throw new MillraceError(`a check names the table ${name}, which the lake does not have`, {
        code: "table-not-found",
        origin: "internal",
      });
    }
    const time = table.partitionByDayOf;
    const snapshot = await this.engine.snapshot(table);
    const empty = { table, name, time, snapshotId: snapshot?.id ?? null, newest: null, from: null };
    if (snapshot === null || snapshot.rows === 0) return empty;
    const newest = await this.newestOf(name, time, snapshot.id);
    if (newest === null) return empty;
    const { since, days } = this.scope;
    const lastDays = (Math.floor(newest / DAY_MS) - days + 1) * DAY_MS;
    return { ...empty, newest, from: since === "begin" ? null : (since ?? lastDays) };
  }

  /** Looks in the files of the last days first, which is all that a lake under way needs. */
  private async newestOf(name: string, time: string, snapshotId: string): Promise<number | null> {
    for (const from of [this.scope.clock() - 2 * DAY_MS, null]) {
      const statement = this.statement();
      const condition = from === null ? null : `${quoted(time)} >= ${statement.bind(new Date(from))}`;
      const sql = `SELECT max(${quoted(time)}) AS newest FROM {${name}}${Statement.where(condition)}`;
      const [row] = await this.rows(sql, statement.parameters, from, snapshotId);
      const newest = timeOf(row.newest);
      if (newest !== null) return newest;
    }
    return null;
  }
}

/** The condition on the rows that are looked at, or null for all; `before` widens it, ms. */
export function inRange(
  look: Pick<TableLook, "from" | "time">,
  statement: Statement,
  { of, before = 0 }: { readonly of?: string; readonly before?: number } = {},
): string | null {
  if (look.from === null) return null;
  const column = of === undefined ? quoted(look.time) : `${of}.${quoted(look.time)}`;
  return `${column} >= ${statement.bind(new Date(look.from - before))}`;
}

export function timeOf(value: SqlValue | undefined): number | null {
  return value instanceof Date ? value.getTime() : null;
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
