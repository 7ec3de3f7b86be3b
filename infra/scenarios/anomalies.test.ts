import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bronzeTable, contracts, type EventContract, type TableSpec, tableName } from "../../schema/index.ts";
import { anomalies } from "../../stream/detectors/anomalies/index.ts";
import { watchShop } from "../../stream/detectors/testing/watch-shop.ts";
import { type AppendBatch, goldAnomalies, goldMetrics, type ShopTruth } from "../../stream/index.ts";
import { finalRevisions, type OutputRow } from "../../stream/operators/testing/drive.ts";
import { admitBronze, detectorDifference, detectorOracles } from "./testing/bronze-oracle.ts";
import { copyOf, LakeReader } from "./testing/lake-reader.ts";
import { freshFolder, removeFolder, scenarioConfig } from "./testing/scenario-home.ts";

/** Windows as they are by default and a busier shop, by `npm run anomalies`. */
const isFull = process.env.MILLRACE_ANOMALIES === "full";
const { windowMs, eventsPerSecond, cleanDays, days } = isFull
  ? { windowMs: 900_000, eventsPerSecond: 0.8, cleanDays: 36, days: 50 }
  : { windowMs: 3_600_000, eventsPerSecond: 0.12, cleanDays: 36, days: 43 };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
const START = Date.UTC(2026, 0, 5);
/** A season and the usual distance from it are known by then. */
const JUDGED_FROM = START + 24 * DAY_MS;
/** Visits that began before a surge's end go on for so long. */
const VISIT_MS_MAX = 600_000;
const SETTINGS = { anomaliesWindowMs: windowMs };
const EXPECTED_MIN = anomalies.settings.anomaliesExpectedMin.default;

/**
 * Nights, weekends, duplicates, late and broken events, and after weeks without them surges and slumps; no
 * flash sales and no rings, which are no part of a season.
 */
const shopOf = (seed: number) => ({
  seed,
  startTime: START,
  eventsPerSecond,
  users: 2000,
  products: 300,
  categories: 6,
  flashSaleEveryMs: 0,
  fraudRingEveryMs: 0,
  hasSeason: true,
  surgeEveryMs: 24 * HOUR_MS,
  surgeFirstMs: cleanDays * DAY_MS,
});

type Surge = ShopTruth["surges"][number];

function isDuring({ startTime, endTime }: Surge, row: OutputRow): boolean {
  return Number(row.window_start) < endTime + VISIT_MS_MAX && Number(row.window_end) > startTime;
}

/** Whether an alarm of the right direction came in the window in which a surge began, or in the next. */
function isFound({ startTime, factor }: Surge, alarms: readonly OutputRow[]): boolean {
  const first = Math.floor(startTime / windowMs) * windowMs;
  return alarms.some(
    ({ window_start, direction }) =>
      Number(window_start) >= first &&
      Number(window_start) < first + 2 * windowMs &&
      direction === (factor > 1 ? "above" : "below"),
  );
}

describe(`anomalies of a generated shop over ${days} days, in windows of ${windowMs / 60_000} minutes`, () => {
  it.each([1, 2, 3, 4, 5])(
    "raise at most one false alarm in 1,000 windows, and tell of each surge and slump within two (seed %i)",
    (seed) => {
      const { outputs, truth } = watchShop(anomalies, { settings: SETTINGS, shop: shopOf(seed), days });
      const { surges } = truth;
      const windows = finalRevisions(outputs.table(tableName(goldMetrics)), goldMetrics.key).filter(
        (row) => Number(row.window_start) >= JUDGED_FROM && Number(row.expected) >= EXPECTED_MIN,
      );
      const alarms = finalRevisions(outputs.table(tableName(goldAnomalies)), goldAnomalies.key).filter(
        ({ status }) => status === "raised",
      );
      const isClean = (row: OutputRow) => Number(row.window_end) <= surges[0].startTime;
      const isCalm = (row: OutputRow) => !surges.some((surge) => isDuring(surge, row));
      const count = (rows: readonly OutputRow[], isOne: (row: OutputRow) => boolean) =>
        rows.filter(isOne).length;
      const clean = { alarms: count(alarms, isClean), windows: count(windows, isClean) };
      const calm = { alarms: count(alarms, isCalm), windows: count(windows, isCalm) };
      const found = surges.filter((surge) => isFound(surge, alarms));
      const precision = 1 - calm.alarms / alarms.length;
      const recall = found.length / surges.length;
      console.info(
        `anomalies, seed ${seed}, ${truth.customerEvents.valid} events: before the first surge ${clean.alarms} false alarms in ${clean.windows} windows, ` +
          `in all ${calm.alarms} in ${calm.windows}; ${found.length} of ${surges.length} surges within two windows, ` +
          `precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`,
      );
      expect(Math.min(clean.windows / 2_000, surges.length / 4)).toBeGreaterThan(1);
      expect(clean.alarms / clean.windows).toBeLessThanOrEqual(0.001);
      expect(calm.alarms / calm.windows).toBeLessThanOrEqual(0.001);
      expect(found).toEqual(surges);
      expect(precision).toBeGreaterThanOrEqual(0.95);
    },
    900_000,
  );
});

describe("anomalies of a generated shop, against their oracles", () => {
  const folder = freshFolder("anomalies");
  let reader: LakeReader;
  beforeAll(async () => {
    reader = await LakeReader.open();
    await reader.run("CREATE SCHEMA lake");
    // What the decoder refuses is not in bronze.
    const shop = { ...shopOf(1), malformedShare: 0, eventsPerSecond: 0.06 };
    const onRecords = (records: AppendBatch): void => appendFileSync(fileOf(records.topic), linesOf(records));
    const { outputs } = watchShop(anomalies, { settings: SETTINGS, shop, days, onRecords });
    for (const contract of contracts) await copyReceived(contract);
    for (const table of anomalies.tables) await copyRows(table, outputs.table(tableName(table)));
    await admitBronze(reader, scenarioConfig(folder, SETTINGS));
  }, 900_000);
  afterAll(() => {
    reader?.close();
    removeFolder(folder);
  });

  const fileOf = (name: string): string => join(folder, `${name}.ndjson`);

  async function copy(name: string, columns: readonly string[], select: string, as: string): Promise<void> {
    appendFileSync(fileOf(name), "");
    const source = `read_json('${fileOf(name)}', format = 'newline_delimited', columns = {${columns.join(", ")}})`;
    await reader.run(`
      CREATE OR REPLACE TABLE lines AS FROM ${source};
      CREATE TABLE ${as} AS SELECT ${select} FROM lines`);
  }

  /** Bronze of a topic, out of the generator's own lines. */
  async function copyReceived(contract: EventContract): Promise<void> {
    const { topic, fields } = contract;
    const columns = fields.map(({ name, type }) => `"${name}": '${sqlType(type)}'`);
    const select = fields.map(({ name, column }) => `"${name}" AS ${column}`).join(", ");
    const place = `'${topic}' AS _topic, 0 AS _partition, rowid AS _offset`;
    await copy(topic, columns, `${select}, ${place}`, copyOf("lake", bronzeTable(contract)));
  }

  async function copyRows(table: TableSpec, rows: readonly OutputRow[]): Promise<void> {
    appendFileSync(fileOf(table.name), rows.map((row) => JSON.stringify(row)).join("\n"));
    const columns = table.columns.map(({ name, type }) => `"${name}": '${sqlType(type)}'`);
    await copy(table.name, columns, "*", copyOf("lake", table));
  }

  it.each(detectorOracles.filter(({ detector }) => detector === anomalies.name))(
    "have every row of $table.name, and no other",
    async (oracle) => {
      expect(await detectorDifference(reader, oracle)).toEqual({ lost: 0, surplus: 0, examples: [] });
      expect(await reader.count(oracle.oracle)).toBeGreaterThan(10);
    },
    900_000,
  );
});

const SQL_TYPES: Readonly<Record<string, string>> = {
  int: "INTEGER",
  long: "BIGINT",
  timestamp: "BIGINT",
  timestamptz: "BIGINT",
  double: "DOUBLE",
  boolean: "BOOLEAN",
};

/** Of a field or column; times are epoch milliseconds. */
function sqlType(type: string): string {
  return SQL_TYPES[type] ?? "VARCHAR";
}

function linesOf({ bytes, starts, ends, count }: AppendBatch): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => `${text.toString("utf8", starts[i], ends[i])}\n`).join("");
}
