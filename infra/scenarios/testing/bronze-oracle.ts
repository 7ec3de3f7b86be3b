import { readFileSync } from "node:fs";
import {
  bronzeTable,
  contracts,
  customerEventContract,
  type EventContract,
  type Setting,
  type TableSpec,
} from "../../../schema/index.ts";
import { detectorSettings, detectorSpecs } from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import { newestRows } from "./final-rows.ts";
import { copyOf, type Difference, type LakeReader } from "./lake-reader.ts";

/** A table of a detector, with the text of its oracle. */
export interface DetectorTable {
  readonly detector: string;
  readonly table: TableSpec;
  readonly oracle: string;
}

/** Every table of every detector; its oracle is `oracle/TABLE.sql` in the detector's folder. */
export const detectorOracles: readonly DetectorTable[] = detectorSpecs.flatMap(({ name, tables }) =>
  tables.map((table) => ({
    detector: name,
    table,
    oracle: sqlOf(`../../../stream/detectors/${name}/oracle/${table.name}.sql`),
  })),
);

/**
 * Makes what oracles read out of the copy of a lake's bronze tables (`LakeReader.copyLake` as schema
 * `lake`), in SQL alone:
 *
 * - `settings`: one row with the settings of time and of every detector, in snake case;
 * - for each topic `admitted_TOPIC` (`admitted_customer_events`, …): the bronze rows with `late`, `too_late`
 *   and `duplicate`, and as `at_ms` the event time;
 * - `counted`: customer events that count, as the oracles of `infra/scenarios/oracle` read them.
 */
export async function admitBronze(reader: LakeReader, config: Config): Promise<void> {
  const values = Object.entries(detectorSettings as Record<string, Setting>).map(
    ([key]) => `${literal(config[key as keyof Config])} AS ${snakeCase(key)}`,
  );
  await reader.run(`${sqlOf("../oracle/settings.sql")};
    CREATE OR REPLACE TABLE settings AS SELECT settings.*, ${values.join(", ")} FROM settings`);
  for (const contract of contracts) await reader.run(admittedSql(contract));
  const events = copyOf("lake", bronzeTable(customerEventContract));
  await reader.run(`CREATE TABLE log AS SELECT 'customer-events' AS topic, _partition AS partition,
      _offset AS log_offset, event_time AS event_time_ms, * EXCLUDE (event_time, _topic, _partition, _offset)
    FROM ${events}`);
  await reader.run(sqlOf("../oracle/admitted.sql"));
}

/** The newest revision of every key of a detector's table, beside what its oracle says. */
export function detectorDifference(
  reader: LakeReader,
  { table, oracle }: DetectorTable,
): Promise<Difference> {
  const revised = table.columns.some(({ name }) => name === "revision");
  return reader.difference(oracle, revised ? newestRows("lake", table) : `FROM ${copyOf("lake", table)}`);
}

/** The rules of `oracle/admitted.sql`, for any topic. */
function admittedSql(contract: EventContract): string {
  const column = (field: string) => contract.fields.find(({ name }) => name === field)!.column;
  const at = column(contract.timeField);
  return `CREATE TABLE admitted_${contract.topic.replaceAll("-", "_")} AS
    WITH running AS (
      SELECT bronze.*, ${at} AS at_ms, ${at} // dedupe_bucket_ms AS bucket,
        max(${at}) OVER (PARTITION BY _partition ORDER BY _offset
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - out_of_orderness_ms AS watermark_ms
      FROM ${copyOf("lake", bronzeTable(contract))} bronze, settings
    ), flagged AS (
      SELECT running.*,
        coalesce(at_ms < watermark_ms, false) AS behind,
        coalesce(at_ms < watermark_ms - allowed_lateness_ms, false) AS too_late,
        coalesce(bucket < (watermark_ms // tick_ms * tick_ms - allowed_lateness_ms - dedupe_horizon_ms)
          // dedupe_bucket_ms, false) AS unchecked
      FROM running, settings
    )
    SELECT * EXCLUDE (bucket, behind, unchecked), behind AND NOT too_late AS late,
      NOT unchecked AND row_number() OVER (
        PARTITION BY _partition, ${column(contract.idField)}, bucket ORDER BY _offset) > 1 AS duplicate
    FROM flagged`;
}

function sqlOf(path: string): string {
  const text = readFileSync(new URL(path, import.meta.url), "utf8");
  return `${text.trim().replace(/;$/, "")}\n`;
}

function snakeCase(key: string): string {
  return key.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

function literal(value: unknown): string {
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}
