import { isRevised, type TableSpec, tableName, takenBack } from "./table-spec.ts";

/** A view of the rows of a table that hold; it has the table's columns. */
export interface ViewSpec {
  readonly namespace: TableSpec["namespace"];
  readonly name: string;
  readonly doc: string;
  readonly table: TableSpec;
}

/** The view of a table of which some rows take the place of others; null for one of which every row holds. */
export function currentView(table: TableSpec): ViewSpec | null {
  if (table.newestRunBy === undefined && !isRevised(table)) return null;
  return { namespace: table.namespace, name: `${table.name}_current`, doc: docOf(table), table };
}

/** `gold.funnel_current`, as SQL and the catalog name it. */
export function viewName({ namespace, name }: ViewSpec): string {
  return `${namespace}.${name}`;
}

/**
 * The query behind {@link currentView}, the same for Trino and DuckDB.
 *
 * @param relation the table in SQL
 */
export function currentRowsSql(table: TableSpec, relation: string): string {
  const columns = table.columns.map(({ name }) => quoted(name)).join(", ");
  const version = quoted(table.newestRunBy ?? "revision");
  const none = takenBack(table);
  const isThere = none === null ? "" : ` AND ${quoted(none.column)} <> ${literal(none.value)}`;
  return `SELECT ${columns}
FROM (SELECT ${columns}, max(${version}) OVER (${sameKey(table)}) AS "newest" FROM ${relation}) AS "versions"
WHERE ${version} = "newest"${isThere}`;
}

/** With the column of the day, which the key decides: engines then look only at the days that are asked for. */
function sameKey({ newestRunBy, correctedBy, key, partitionByDayOf }: TableSpec): string {
  if (newestRunBy !== undefined) return "";
  const columns = new Set([...(correctedBy ?? key), partitionByDayOf]);
  return `PARTITION BY ${[...columns].map(quoted).join(", ")}`;
}

function docOf(table: TableSpec): string {
  const which =
    table.newestRunBy === undefined
      ? `of each ${(table.correctedBy ?? table.key).join(", ")} those of the highest revision`
      : `those of the newest ${table.newestRunBy}`;
  const without = takenBack(table) === null ? "" : ", without those that say that nothing is there";
  return `The rows of ${tableName(table)} that hold: ${which}${without}.`;
}

function quoted(name: string): string {
  return `"${name}"`;
}

function literal(value: string | number): string {
  return typeof value === "number" ? String(value) : `'${value}'`;
}
