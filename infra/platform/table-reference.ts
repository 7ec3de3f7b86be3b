import {
  contracts,
  currentView,
  isRevised,
  type LakeColumn,
  type TableSpec,
  tableName,
  takenBack,
  viewName,
} from "../../schema/index.ts";
import { lakeTables } from "./lake-tables.ts";

const NAMESPACES: Readonly<Record<TableSpec["namespace"], string>> = {
  bronze: "as received: what replays and training read",
  silver: "typed, without duplicates, joined",
  gold: "aggregates, alerts, scores",
};

/** The symbols that a contract has for a column, by table and column. */
const symbols = new Map(
  contracts.flatMap(({ topic, fields }) =>
    fields.map((field) => [`bronze.${topic.replaceAll("-", "_")}.${field.column}`, field.symbols ?? []]),
  ),
);

/** What a column means, with the values that its contract allows. */
export function columnMeaning(table: TableSpec, { name, doc }: LakeColumn): string {
  const values = symbols.get(`${tableName(table)}.${name}`) ?? [];
  return values.length === 0 ? doc : `${doc} One of ${values.join(", ")}.`;
}

/** The reference page of all tables, as Markdown. */
export function renderTables(tables: readonly TableSpec[] = lakeTables): string {
  const sections = Object.entries(NAMESPACES).map(([namespace, doc]) => {
    const own = tables.filter((table) => table.namespace === namespace);
    const list = own.map((table) => `| [${table.name}](#${anchor(table)}) | ${cell(table.doc)} |`);
    return `## ${namespace}: ${doc}\n\n| table | holds |\n| --- | --- |\n${list.join("\n")}\n\n${own.map(section).join("\n")}`;
  });
  return `${HEAD}\n${sections.join("\n")}`;
}

const HEAD = `# Tables

<!-- Written by infra/platform/write-table-reference.ts from the tables' specs: do not edit. -->

All tables of the lake, their columns, and what these mean. The same on the command line:
\`millrace query "SHOW TABLES"\` and \`millrace query "DESCRIBE gold.funnel"\`.

- Every table is partitioned by the UTC day of one column: a condition on that column lets an engine leave out the other days.
- Types are Iceberg's; \`timestamptz\` is an instant, \`long\` an integer of 64 bits. Money (\`…_minor\`) is an integer in minor
  units of its currency, such as cents. Null where a column says so, and in rows from before the column was added.
- Where rows have a \`revision\`, late events may correct them: a corrected row is written again with the next number, and of
  the rows with one key the highest revision holds. Each such table has a view, \`…_current\`, of the rows that hold, without
  those that say that nothing is there; it has the same columns:

\`\`\`sql
SELECT category_id, currency, sum(net_minor) AS net_minor
FROM gold.revenue_by_category_current
WHERE window_start >= TIMESTAMP '2026-01-31 00:00:00 UTC' AND window_start < TIMESTAMP '2026-02-01 00:00:00 UTC'
GROUP BY category_id, currency
\`\`\`

Trino finds the views in the catalog, where \`millrace up\` and \`millrace views apply\` put them; \`millrace query\` knows them
in both modes. Trino passes over \`FOR VERSION AS OF\` behind a view and reads what holds now: for the past put it to the table,
or ask \`millrace query --as-of\`, which takes views too.

Other engines may write, beside Millrace, where it has a catalog and Trino (the distributed mode):

- Rows that they insert, change or delete are so for everybody; Millrace writes none of them again. \`ANALYZE\`, \`optimize\` and
  \`expire_snapshots\` are safe; orphans are for \`millrace compact\`, which knows the files that are staged.
- Columns that they add stay, and are null in Millrace's rows. Those that they drop come back at the next start; one that they
  rename keeps workers from starting, until it has its name again. Partitioning and order that they set are for their files.
- Never drop a table, rename one or roll it back to a snapshot: Millrace goes on with a new, empty one in the same folder, or
  behind the snapshot, and publishes nothing again. What you compute belongs into a namespace of your own.
`;

function section(table: TableSpec): string {
  const rows = table.columns.map((column) => {
    const meaning = cell(columnMeaning(table, column));
    return `| \`${column.name}\` | ${column.type} | ${column.required ? "no" : "yes"} | ${meaning} |`;
  });
  return (
    `### ${tableName(table)}\n\n${table.doc}\n\n${factsOf(table).join(" ")}\n\n` +
    `| column | type | null | meaning |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`
  );
}

/** How it is partitioned, what identifies a row, and which rows hold. */
function factsOf(table: TableSpec): string[] {
  const facts = [`Partition: day of \`${table.partitionByDayOf}\`.`, `Key: ${names(table.key)}.`];
  if (isRevised(table)) {
    facts.push(
      `Of the rows with one ${names(table.correctedBy ?? table.key)}, those of the highest \`revision\` hold.`,
    );
  }
  const nothing = takenBack(table);
  if (nothing !== null)
    facts.push(`One that holds with \`${nothing.column}\` ${nothing.value} says that nothing is there.`);
  const view = currentView(table);
  if (view !== null) facts.push(`\`${viewName(view)}\` has the rows that hold.`);
  return facts;
}

function names(columns: readonly string[]): string {
  return columns.map((name) => `\`${name}\``).join(", ");
}

/** As Markdown renderers make it of the table's heading. */
function anchor(table: TableSpec): string {
  return tableName(table).replaceAll(".", "");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
