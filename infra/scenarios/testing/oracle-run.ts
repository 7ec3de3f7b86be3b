import { readFileSync } from "node:fs";
import {
  bronzeDeadLetters,
  bronzeTable,
  customerEventContract,
  goldDailyCategoryConversion,
  goldDailyTopProducts,
  goldDailyUserSegments,
  goldFlashSaleAlerts,
  goldPageViewsByUser,
  goldPopularByCategory,
  goldPopularProducts,
  goldProductActivity,
  silverEvents,
  silverSessions,
  type TableSpec,
} from "../../../schema/index.ts";
import { loadInto } from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import type { Platform } from "../../platform/platform.ts";
import type { LakeReadBy } from "./compare-homes.ts";
import { copyThroughEngine } from "./engine-copy.ts";
import { newestRows } from "./final-rows.ts";
import { copyOf, type Difference, LakeReader } from "./lake-reader.ts";
import { makeReports } from "./make-reports.ts";
import { withPlatform } from "./scenario-home.ts";

export interface OracleRunOptions {
  readonly folder: string;
  readonly format: "rees46" | "ndjson";
  readonly file: string;
  /** What the platform runs on. */
  readonly config: Config;
  readonly lakeReadBy: LakeReadBy;
  /** UTC days whose reports are made when everything is processed, `2026-01-31`. */
  readonly reportedDays: readonly string[];
  /** Asked while the platform runs, when everything is processed. */
  readonly whenProcessed?: (platform: Platform) => Promise<void>;
  readonly readRaw: (reader: LakeReader, file: string, partitions: number, scratch: string) => Promise<void>;
}

/** Distance of two sums of the same terms in another order, relative. */
const SCORE_TOLERANCE = 1e-9;
const bronzeEvents = bronzeTable(customerEventContract);
/** By table, the text of its oracle: without its ending, from the folder of this one's oracles. */
const ORACLES: readonly { readonly table: TableSpec; readonly file: string }[] = [
  { table: goldPageViewsByUser, file: "page-views-by-user" },
  { table: silverSessions, file: "sessions" },
  { table: goldProductActivity, file: "product-activity" },
  { table: goldFlashSaleAlerts, file: "flash-sale-alerts" },
  { table: goldPopularProducts, file: "popular-products" },
  { table: goldPopularByCategory, file: "popular-by-category" },
];
/** The same of the tables that reports write, which no task of the stream does. */
const REPORT_ORACLES: typeof ORACLES = [
  { table: goldDailyUserSegments, file: "daily-user-segments" },
  { table: goldDailyTopProducts, file: "daily-top-products" },
  { table: goldDailyCategoryConversion, file: "daily-category-conversion" },
];
const READ: readonly TableSpec[] = [
  bronzeEvents,
  bronzeDeadLetters,
  silverEvents,
  ...[...ORACLES, ...REPORT_ORACLES].map(({ table }) => table),
];

/** A file replayed through the real platform, beside what the oracles make of the same file. */
export class OracleRun {
  readonly reader: LakeReader;

  private constructor(reader: LakeReader) {
    this.reader = reader;
  }

  static async open(options: OracleRunOptions): Promise<OracleRun> {
    const { folder, format, file, config, lakeReadBy } = options;
    const reader = await LakeReader.open();
    await withPlatform(config, async (platform) => {
      await loadInto(platform.log, format, file, { now: Date.now, endOfInput: true });
      await platform.waitUntilProcessed();
      await makeReports(platform, options.reportedDays);
      if (lakeReadBy === "query engine")
        await copyThroughEngine(platform.queryEngine, reader, { schema: "lake", tables: READ, folder });
      await options.whenProcessed?.(platform);
    });
    if (lakeReadBy === "iceberg extension") await reader.copyLake(config, "lake", READ);
    if (config.mode === "distributed") await numberRecords(reader);
    await reader.run(oracleText("settings"));
    await options.readRaw(reader, file, config.partitions, folder);
    await reader.run(oracleText("admitted"));
    return new OracleRun(reader);
  }

  close(): void {
    this.reader.close();
  }

  /** Every valid record once, with every column; nothing else. */
  bronze(): Promise<Difference> {
    return this.reader.difference(
      `SELECT * EXCLUDE (reason), 'customer-events' AS _topic, CAST(NULL AS VARCHAR) AS _extra
       FROM received WHERE reason IS NULL`,
      `FROM ${copyOf("lake", bronzeEvents)}`,
    );
  }

  /** Every refused record once, with its position and reason. */
  deadLetters(): Promise<Difference> {
    return this.reader.difference(
      `SELECT 'customer-events' AS _topic, _partition, _offset, reason FROM received WHERE reason IS NOT NULL`,
      `FROM ${copyOf("lake", bronzeDeadLetters)}`,
    );
  }

  async deadLettersByReason(): Promise<Readonly<Record<string, number>>> {
    const rows = await this.reader.rows(
      `SELECT reason, count(*) AS n FROM ${copyOf("lake", bronzeDeadLetters)} GROUP BY reason`,
    );
    return Object.fromEntries(rows.map(({ reason, n }) => [reason, Number(n)]));
  }

  /** Every event once, as it first came, with its lateness. */
  silver(): Promise<Difference> {
    return this.reader.difference(
      `SELECT received.* EXCLUDE (reason), late OR too_late AS is_late
       FROM received JOIN admitted ON _partition = partition AND _offset = log_offset WHERE NOT duplicate`,
      `FROM ${copyOf("lake", silverEvents)}`,
    );
  }

  /** The newest revision of every key of a derived table against its oracle. */
  derived(name: string): Promise<Difference> {
    return derivedDifference(this.reader, name);
  }

  /** How many rows of the log are of a kind that the oracles have a rule for. */
  async counts(): Promise<Readonly<Record<string, number>>> {
    const [row] = await this.reader.rows(
      `SELECT count(*) AS events, count(DISTINCT event_id) AS ids, count(*) FILTER (duplicate) AS duplicates,
        count(*) FILTER (late) AS late, count(*) FILTER (too_late) AS tooLate FROM admitted`,
    );
    return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
  }

  async rowsOf(name: string): Promise<number> {
    return this.reader.count(oracleText(oracleOf(name).file));
  }
}

/**
 * The newest revision of every key of a derived table, in the schema `lake`, against what its oracle makes
 * of `counted` and `settings`.
 */
export async function derivedDifference(reader: LakeReader, name: string): Promise<Difference> {
  const { table, file } = oracleOf(name);
  // Once: DuckDB adds doubles up in the order in which its threads come, another time differently.
  await reader.run(`CREATE OR REPLACE TEMP TABLE oracle AS ${oracleText(file)}`);
  const expected = "FROM oracle";
  const revised = table.columns.some((column) => column.name === "revision");
  const newest = revised ? newestRows("lake", table) : `FROM ${copyOf("lake", table)}`;
  if (table !== goldPopularProducts) return reader.difference(expected, newest);
  await rankAll(reader);
  return reader.difference(expected, levelTies(newest));
}

/** The ranking without its end, as the table `ranked`. */
async function rankAll(reader: LakeReader): Promise<void> {
  await reader.run(`
    CREATE TEMP TABLE top AS SELECT popular_top FROM settings;
    UPDATE settings SET popular_top = 1_000_000_000;
    CREATE TEMP TABLE ranked AS ${oracleText("popular-products")};
    UPDATE settings SET popular_top = (SELECT popular_top FROM top)`);
}

/**
 * A score is a sum of doubles: DuckDB adds in another order, and two products of equal score may
 * change places over the last bit. A row that is at such a place (the oracle's score there equals its
 * own, and so does the oracle's score of its product, whose counts are equal) becomes the oracle's row.
 */
function levelTies(actual: string): string {
  const close = (score: string) => `abs(actual.score - ${score}) <= ${SCORE_TOLERANCE} * ${score}`;
  const level = (column: string) =>
    `CASE WHEN ${close("place.score")} AND ${close("own.score")} AND once THEN place.${column} ELSE actual.${column} END AS ${column}`;
  const levelled = ["product_id", "score", "views", "cart_adds", "purchases"].map(level).join(", ");
  return `SELECT actual.* EXCLUDE (once) REPLACE (${levelled})
    FROM (SELECT *, count(*) OVER (PARTITION BY window_start, product_id) = 1 AS once FROM (${actual})) actual
    LEFT JOIN oracle place ON place.window_start = actual.window_start AND place.rank = actual.rank
    LEFT JOIN ranked own ON own.window_start = actual.window_start AND own.product_id = actual.product_id
      AND own.views = actual.views AND own.cart_adds = actual.cart_adds AND own.purchases = actual.purchases`;
}

/** The tables of the stream that have an oracle. */
export const DERIVED = ORACLES.map(({ table }) => table.name);

/** Those that reports write, which have to be made for it. */
export const REPORTED = REPORT_ORACLES.map(({ table }) => table.name);

function oracleOf(name: string): (typeof ORACLES)[number] {
  return [...ORACLES, ...REPORT_ORACLES].find(({ table }) => table.name === name)!;
}

function oracleText(name: string): string {
  const text = readFileSync(new URL(`../oracle/${name}.sql`, import.meta.url), "utf8");
  // A statement in parentheses must not end in a comment's line.
  return `${text.trim().replace(/;$/, "")}\n`;
}

/**
 * Kafka's offsets have gaps, where transactions ended: a record's place in its partition takes the
 * offset's place.
 */
async function numberRecords(reader: LakeReader): Promise<void> {
  const [events, letters] = [copyOf("lake", bronzeEvents), copyOf("lake", bronzeDeadLetters)];
  await reader.run(`CREATE TABLE places AS
    SELECT *, row_number() OVER (PARTITION BY _partition ORDER BY _offset) - 1 AS place FROM (
      SELECT _partition, _offset FROM ${events}
      UNION SELECT _partition, _offset FROM ${letters} WHERE _topic = 'customer-events')`);
  for (const table of [events, letters, copyOf("lake", silverEvents)]) {
    await reader.run(`UPDATE ${table} SET _offset = place FROM places
      WHERE ${table}._partition = places._partition AND ${table}._offset = places._offset`);
  }
}
