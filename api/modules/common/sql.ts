import type { SqlValue } from "../../../lakehouse/index.ts";
import { type TableSpec, tableName } from "../../../schema/index.ts";
import type { CursorValue, KeysetColumn } from "./cursor.ts";
import { userError } from "./errors.ts";

const DAY_MS = 86_400_000;

/** Conditions of a query. Column names come from this code; values only ever become bound parameters. */
export class Conditions {
  readonly parameters: SqlValue[] = [];
  /** Range that the table's partition column is known to be in: lets the engine leave out files. */
  readonly eventTime: { from?: number; to?: number } = {};
  private readonly parts: string[] = [];

  /** Adds `column operator value`, unless the value is not given. */
  compare(column: string, operator: "=" | ">=" | "<" | ">", value: SqlValue | undefined): this {
    if (value !== null && value !== undefined) this.parts.push(`${column} ${operator} ${this.bind(value)}`);
    return this;
  }

  /**
   * Half-open range, in milliseconds, of the column that partitions the table. Throws `invalid-argument`
   * (origin user) for a range that nothing can be in.
   */
  within(column: string, from: number | null | undefined, to: number | null | undefined): this {
    requireForward(from, to);
    if (from !== null && from !== undefined) {
      this.compare(column, ">=", new Date(from));
      this.eventTime.from = from;
    }
    if (to !== null && to !== undefined) {
      this.compare(column, "<", new Date(to));
      this.eventTime.to = to;
    }
    return this;
  }

  /** The UTC days that a half-open range touches, of a column that holds the starts of days. */
  withinDays(column: string, from: number, to: number): this {
    requireForward(from, to);
    return this.within(column, Math.floor(from / DAY_MS) * DAY_MS, to);
  }

  oneOf(column: string, values: readonly string[] | null | undefined): this {
    if (values === null || values === undefined) return this;
    const list = values.map((value) => this.bind(value)).join(", ");
    this.parts.push(values.length === 0 ? "1 = 0" : `${column} in (${list})`);
    return this;
  }

  /** Rows behind a cursor in the order of the keyset. The first comparison alone lets engines prune files. */
  behind(keyset: readonly KeysetColumn[], order: "asc" | "desc", values: readonly CursorValue[]): this {
    const operator = order === "desc" ? "<" : ">";
    const bound = values.map((value, i) =>
      this.bind(keyset[i].type === "time" ? new Date(value) : (value as SqlValue)),
    );
    const columns = keyset.map((key) => key.column);
    this.parts.push(`${columns[0]} ${operator}= ${bound[0]}`);
    this.parts.push(`(${columns.join(", ")}) ${operator} (${bound.join(", ")})`);
    return this;
  }

  /** ` where …`, or nothing. */
  toSql(): string {
    return this.parts.length === 0 ? "" : ` where ${this.parts.join(" and ")}`;
  }

  private bind(value: SqlValue): string {
    this.parameters.push(value);
    return `$${this.parameters.length}`;
  }
}

function requireForward(from: number | null | undefined, to: number | null | undefined): void {
  if (typeof from !== "number" || typeof to !== "number" || from < to) return;
  throw userError("invalid-argument", "from must be before to.");
}

/**
 * The table's rows that hold: of several with one key, or of those that are corrected together, the ones
 * of the highest revision. The conditions may concern only columns that a correction does not change.
 * Plain SQL, for every engine.
 */
export function newestRevisions(table: TableSpec, conditions: Conditions): string {
  const columns = table.columns.map((column) => column.name);
  if (!columns.includes("revision")) {
    return `select ${columns.join(", ")} from {${tableName(table)}}${conditions.toSql()}`;
  }
  return (
    `select ${columns.join(", ")} from (select ${columns.join(", ")}, ` +
    `rank() over (partition by ${(table.correctedBy ?? table.key).join(", ")} order by revision desc) as revision_rank ` +
    `from {${tableName(table)}}${conditions.toSql()}) as revisions where revision_rank = 1`
  );
}
