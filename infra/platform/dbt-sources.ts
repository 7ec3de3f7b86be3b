import { currentView, type TableSpec } from "../../schema/index.ts";
import { lakeTables } from "./lake-tables.ts";
import { columnMeaning } from "./table-reference.ts";

const NAMESPACES: readonly TableSpec["namespace"][] = ["bronze", "silver", "gold"];

/** The lake's tables and views as sources of the dbt project, as YAML. */
export function renderDbtSources(tables: readonly TableSpec[] = lakeTables): string {
  const sources = NAMESPACES.map((namespace) => {
    const own = tables.filter((table) => table.namespace === namespace);
    return `  - name: ${namespace}\n    tables:\n${own.map(relations).join("")}`;
  });
  return `# Written by infra/platform/write-table-reference.ts from the tables' specs: do not edit.\nversion: 2\n\nsources:\n${sources.join("")}`;
}

/** A table and its view. */
function relations(table: TableSpec): string {
  const view = currentView(table);
  const columns = table.columns.map(
    (column) =>
      `          - name: ${column.name}\n            description: ${quoted(columnMeaning(table, column))}\n`,
  );
  const relation = (name: string, doc: string): string =>
    `      - name: ${name}\n        description: ${quoted(doc)}\n        columns:\n${columns.join("")}`;
  return relation(table.name, table.doc) + (view === null ? "" : relation(view.name, view.doc));
}

/** A text as YAML, which takes what JSON does. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
