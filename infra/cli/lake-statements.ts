import type { QueryResult } from "../../lakehouse/index.ts";
import { currentView, MillraceError, type TableSpec, tableName, viewName } from "../../schema/index.ts";
import { columnMeaning } from "../platform/table-reference.ts";

const SHOW_TABLES = /^\s*SHOW\s+(?:ALL\s+)?TABLES(?:\s+(?:FROM|IN)\s+(\w+))?\s*;?\s*$/i;
const DESCRIBE = /^\s*(?:(?:DESCRIBE|DESC)(?:\s+TABLE)?|SHOW\s+COLUMNS\s+(?:FROM|IN))\s+([\w.]+)\s*;?\s*$/i;

/**
 * What `SHOW TABLES` and `DESCRIBE TABLE` answer, out of the tables' own specs: query engines know files, not what
 * is meant by them. Null for any other statement.
 *
 * @throws MillraceError `table-not-found`
 */
export function lakeStatement(sql: string, tables: readonly TableSpec[]): QueryResult | null {
  const shown = SHOW_TABLES.exec(sql);
  if (shown !== null) return tableList(shown[1]?.toLowerCase() ?? null, tables);
  const described = DESCRIBE.exec(sql);
  return described === null ? null : columnList(described[1].toLowerCase(), tables);
}

/** A table or a view. */
interface Relation {
  readonly name: string;
  readonly doc: string;
  readonly table: TableSpec;
}

/** Tables, each with its view behind it. */
function relationsOf(tables: readonly TableSpec[]): Relation[] {
  return tables.flatMap((table) => {
    const view = currentView(table);
    const relation = { name: tableName(table), doc: table.doc, table };
    return view === null ? [relation] : [relation, { name: viewName(view), doc: view.doc, table }];
  });
}

function tableList(namespace: string | null, tables: readonly TableSpec[]): QueryResult {
  const listed = relationsOf(tables).filter(
    ({ table }) => namespace === null || table.namespace === namespace,
  );
  if (listed.length === 0) {
    const known = [...new Set(tables.map((table) => table.namespace))].join(", ");
    throw notFound(`there is no namespace ${namespace} in the lake; there are ${known}`);
  }
  return {
    columns: ["table", "holds"],
    rows: listed.map(({ name, doc }) => ({ table: name, holds: doc })),
  };
}

function columnList(name: string, tables: readonly TableSpec[]): QueryResult {
  const table = relationsOf(tables).find((one) => one.name === name)?.table;
  if (table === undefined) throw notFound(`there is no table ${name} in the lake${meant(name, tables)}`);
  return {
    columns: ["column", "type", "null", "means"],
    rows: table.columns.map((column) => ({
      column: column.name,
      type: column.type,
      null: column.required ? "no" : "yes",
      means: columnMeaning(table, column),
    })),
  };
}

/** Tables of that name in whichever namespace. */
function meant(name: string, tables: readonly TableSpec[]): string {
  const last = name.split(".").at(-1);
  const alike = relationsOf(tables).flatMap((one) => (one.name.endsWith(`.${last}`) ? [one.name] : []));
  return alike.length === 0 ? "" : `; there is ${alike.join(", ")}`;
}

function notFound(message: string): MillraceError {
  return new MillraceError(message, { code: "table-not-found", origin: "user" });
}
