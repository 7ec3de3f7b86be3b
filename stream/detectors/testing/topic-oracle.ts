import { readFile } from "node:fs/promises";
import { contracts, type EventContract, type Settings, type SettingValues } from "../../../schema/index.ts";
import type { OutputRow } from "../../operators/testing/drive.ts";
import type { PlainRow } from "../../operators/testing/make-batch.ts";
import { Oracle } from "../../operators/testing/oracle.ts";
import type { DetectorSpec } from "../detector.ts";

/**
 * What a detector's oracles say of the records of one topic, where the others are empty: DuckDB over `admitted_TOPIC` and `settings`, as
 * the scenarios make them of bronze.
 *
 * @param tasks the records of each partition, in log order
 */
export async function topicOracle<S extends Settings>(
  spec: DetectorSpec<S>,
  contract: EventContract,
  tasks: readonly (readonly PlainRow[])[],
  settings: SettingValues<S>,
): Promise<Map<string, OutputRow[]>> {
  const oracle = await Oracle.open(
    tasks.map((rows) =>
      rows.map((row) => ({
        eventId: String(row[contract.idField]),
        eventTime: Number(row[contract.timeField]),
        eventType: "click" as const,
        userId: "",
      })),
    ),
  );
  await oracle.query(fieldsSql(contract, tasks));
  await oracle.query(`CREATE TABLE admitted_${contract.topic.replaceAll("-", "_")} AS
    SELECT fields.*, event_time_ms AS at_ms, partition AS _partition, log_offset AS _offset, late, too_late, duplicate
    FROM admitted JOIN fields USING (partition, log_offset)`);
  for (const { topic, fields } of contracts.filter((other) => other !== contract)) {
    await oracle.query(`CREATE TABLE admitted_${topic.replaceAll("-", "_")} AS SELECT ${fields.map(columnSql).join(", ")},
      0 AS at_ms, 0 AS _partition, 0 AS _offset, false AS late, false AS too_late, false AS duplicate
      FROM (SELECT ${fields.map(({ column }) => `NULL AS ${column}`).join(", ")}) WHERE false`);
  }
  const values = Object.entries(settings).map(([key, value]) => `${literal(value)} AS ${snakeCase(key)}`);
  await oracle.query(`CREATE OR REPLACE TABLE settings AS SELECT *, ${values.join(", ")} FROM settings`);
  const expected = new Map<string, OutputRow[]>();
  for (const { namespace, name } of spec.tables) {
    const sql = await readFile(new URL(`../${spec.name}/oracle/${name}.sql`, import.meta.url), "utf8");
    expected.set(`${namespace}.${name}`, await oracle.query(sql));
  }
  oracle.close();
  return expected;
}

const SQL_TYPES: Readonly<Record<string, string>> = { int: "INTEGER", long: "BIGINT", timestamp: "BIGINT" };

function columnSql({ column, type }: EventContract["fields"][number]): string {
  return `CAST(${column} AS ${SQL_TYPES[type] ?? "VARCHAR"}) AS ${column}`;
}

/** The contract's fields of every record, as the table `fields`. */
function fieldsSql(contract: EventContract, tasks: readonly (readonly PlainRow[])[]): string {
  const columns = contract.fields.map(columnSql);
  const tuples = tasks.flatMap((rows, partition) =>
    rows.map((row, i) => {
      const values = contract.fields.map(({ name }) => literal(row[name] ?? null));
      return `(${[partition, i, ...values].join(", ")})`;
    }),
  );
  const names = contract.fields.map(({ column }) => column);
  return `CREATE TABLE fields AS SELECT partition, log_offset, ${columns.join(", ")}
    FROM (VALUES ${tuples.join(",")}) t(partition, log_offset, ${names.join(", ")})`;
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}

function snakeCase(key: string): string {
  return key.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
