import { contracts, type LakeColumn, type TableSpec, tableName, takenBack } from "../../schema/index.ts";
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
  the rows with one key the highest revision holds. For one figure \`max_by\` takes it:

\`\`\`sql
SELECT category_id, currency, window_start, max_by(net_minor, revision) AS net_minor
FROM gold.revenue_by_category GROUP BY category_id, currency, window_start
\`\`\`
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
  if (table.columns.some(({ name }) => name === "revision")) {
    facts.push(
      `Of the rows with one ${names(table.correctedBy ?? table.key)}, those of the highest \`revision\` hold.`,
    );
  }
  const nothing = takenBack(table);
  if (nothing !== null)
    facts.push(`One that holds with \`${nothing.column}\` ${nothing.value} says that nothing is there.`);
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
