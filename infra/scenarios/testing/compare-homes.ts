import {
  bronzeTable,
  customerEventContract,
  goldFraudScores,
  goldModelHealth,
  type TableSpec,
  tableName,
} from "../../../schema/index.ts";
import { type Alert, CATEGORY_REVENUE, HotNamespace } from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import { openAdapters } from "../../platform/adapters.ts";
import { lakeTables, secondStageTables } from "../../platform/lake-tables.ts";
import { standingTexts } from "../../replay/standing-alerts.ts";
import { copyThroughEngine } from "./engine-copy.ts";
import { fileAdditions } from "./file-additions.ts";
import { doubledRows, newestRows } from "./final-rows.ts";
import { copyOf, type LakeReader } from "./lake-reader.ts";
import { type PlatformState, readPlatformState } from "./platform-state.ts";
import { freshFolder, removeFolder } from "./scenario-home.ts";

/** A platform whose run came to its end without a kill, read and kept for comparison. */
export interface Reference {
  readonly userIds: readonly string[];
  readonly state: PlatformState;
  /** Rows by table. */
  readonly rows: ReadonlyMap<string, number>;
}

export interface HomeComparison {
  /** Rows, hot values and alerts of the reference that the platform does not have. */
  readonly lost: number;
  /** Those that it has beyond the reference, or twice. */
  readonly doubled: number;
  /** What differs, for a person; empty where nothing does. */
  readonly problems: readonly string[];
}

/** Who reads the tables: DuckDB's Iceberg extension, or the mode's query engine. */
export type LakeReadBy = "iceberg extension" | "query engine";

export async function readReference(
  reader: LakeReader,
  config: Config,
  readBy: LakeReadBy = "iceberg extension",
): Promise<Reference> {
  await copyTables(reader, config, "reference", readBy);
  const events = copyOf("reference", bronzeTable(customerEventContract));
  const users = await reader.rows(`SELECT DISTINCT user_id FROM ${events} ORDER BY user_id`);
  const userIds = users.map(({ user_id }) => String(user_id));
  const rows = new Map<string, number>();
  for (const table of lakeTables)
    rows.set(tableName(table), await reader.count(`FROM ${copyOf("reference", table)}`));
  return { userIds, rows, state: await readPlatformState(config, userIds) };
}

export interface CompareOptions {
  /** All of them, or what the state of the tasks still holds of them when the hot store has lost them. */
  readonly hotValues?: "all" | "as far as kept";
  readonly readBy?: LakeReadBy;
}

/** Holds a platform on which a replay was killed and restarted against one that was left alone. */
export async function compareHomes(
  reader: LakeReader,
  reference: Reference,
  config: Config,
  { hotValues = "all", readBy = "iceberg extension" }: CompareOptions = {},
): Promise<HomeComparison> {
  const found = new Findings();
  await copyTables(reader, config, "restarted", readBy);
  for (const table of lakeTables) await compareTable(reader, table, config.mode, found);
  const state = await readPlatformState(config, reference.userIds);
  // Kafka's ends also count the ends of transactions, of which there are more behind a failure.
  if (config.mode === "embedded") found.maps("log end", textsOf(reference.state.ends), textsOf(state.ends));
  const { hot } = reference.state;
  found.maps("hot value", hotValues === "all" ? hot : keptValues(hot, state.hot), state.hot);
  compareAlerts(
    comparable(reference.state.alerts, config.mode),
    comparable(state.alerts, config.mode),
    found,
  );
  const additions = await fileAdditions(config);
  for (const path of additions.addedTwice) found.doubled(1, `two snapshots added ${path}`);
  for (const table of additions.expired) found.lost(1, `the first snapshots of ${table} are gone`);
  return found.result();
}

async function copyTables(
  reader: LakeReader,
  config: Config,
  schema: string,
  readBy: LakeReadBy,
): Promise<void> {
  if (readBy === "iceberg extension") return reader.copyLake(config, schema, lakeTables);
  const adapters = await openAdapters(config, Date.now);
  const engine = adapters.openQueryEngine();
  const folder = freshFolder("engine-copy");
  try {
    await copyThroughEngine(engine, reader, { schema, tables: lakeTables, folder });
  } finally {
    removeFolder(folder);
    await engine.close();
    await adapters.close();
  }
}

async function compareTable(
  reader: LakeReader,
  table: TableSpec,
  mode: Config["mode"],
  found: Findings,
): Promise<void> {
  const name = tableName(table);
  const twice = await reader.count(doubledRows("restarted", table));
  if (twice > 0) found.doubled(twice, `${name}: ${twice} rows twice`);
  const { lost, surplus, examples } = await reader.difference(
    finalRows("reference", table, mode),
    finalRows("restarted", table, mode),
  );
  const detail = `${name}: ${examples.map((row) => `\n    ${JSON.stringify(row)}`).join("")}`;
  if (lost > 0) found.lost(lost, detail);
  if (surplus > 0) found.doubled(surplus, detail);
}

/**
 * Everything that the input decides: all columns, but for the wall clock's time at which the log took
 * the record, since the two runs were at different times.
 */
function finalRows(schema: string, table: TableSpec, mode: Config["mode"]): string {
  if (secondStageTables.includes(table)) return newestRows(schema, table);
  // What was known of an order depends on the order over topics, which Kafka does not fix for records
  // that come while a task is at the ends of its inputs (decision 0006): there, that each was scored, and
  // that there are figures of how the models fared.
  if (table === goldFraudScores && mode === "distributed") {
    return `SELECT order_id, user_id, order_time, _partition, _offset FROM ${copyOf(schema, table)}`;
  }
  if (table === goldModelHealth && mode === "distributed") {
    return `SELECT ${table.key.join(", ")} FROM ${copyOf(schema, table)}`;
  }
  const stamped = table.columns.some(({ name }) => name === "_ingested_at");
  return `SELECT * ${stamped ? "EXCLUDE (_ingested_at)" : ""} FROM ${copyOf(schema, table)}`;
}

/**
 * The expected values without what may be missing behind a loss: the recent views of users who were
 * quiet for longer than these are kept, and the revenue of a window that has closed.
 */
function keptValues(
  expected: ReadonlyMap<string, string>,
  given: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const kept = new Map<string, string>();
  for (const [key, value] of expected) {
    const found = given.get(key);
    if (key.startsWith(`${HotNamespace.users}/`)) kept.set(key, likeFound(value, found));
    else if (found !== undefined || !key.startsWith(`${CATEGORY_REVENUE}/`)) kept.set(key, value);
  }
  return kept;
}

function likeFound(value: string, found: string | undefined): string {
  if (found === undefined || "activity" in (JSON.parse(found) as object)) return value;
  const { activity: _, ...rest } = JSON.parse(value) as Record<string, unknown>;
  return JSON.stringify(rest);
}

/** Compared is which alerts hold at the end, and that none came twice. */
function compareAlerts(expected: readonly Alert[], given: readonly Alert[], found: Findings): void {
  const repeats = given.length - new Set(given.map(({ id, revision }) => `${revision}/${id}`)).size;
  if (repeats > 0) found.doubled(repeats, `${repeats} alerts with the id and revision of another`);
  found.maps("alert", standingTexts(expected), standingTexts(given));
}

/** See {@link finalRows}: whether an order is reviewed may hang on a payment that came beside it. */
function comparable(alerts: readonly Alert[], mode: Config["mode"]): readonly Alert[] {
  return mode === "distributed" ? alerts.filter(({ kind }) => kind !== "fraud") : alerts;
}

function textsOf(numbers: ReadonlyMap<string, number>): ReadonlyMap<string, string> {
  return new Map([...numbers].map(([key, value]) => [key, String(value)]));
}

class Findings {
  private lostCount = 0;
  private doubledCount = 0;
  private readonly problems: string[] = [];

  lost(count: number, problem: string): void {
    this.lostCount += count;
    this.problems.push(`lost: ${problem}`);
  }

  doubled(count: number, problem: string): void {
    this.doubledCount += count;
    this.problems.push(`doubled: ${problem}`);
  }

  /** A key with another value is lost, and a stranger has taken its place. */
  maps(what: string, expected: ReadonlyMap<string, string>, given: ReadonlyMap<string, string>): void {
    for (const [key, value] of expected) {
      if (given.get(key) !== value)
        this.lost(1, `${what} ${key}: expected ${value}, found ${given.get(key) ?? "nothing"}`);
    }
    for (const [key, value] of given) if (!expected.has(key)) this.doubled(1, `${what} ${key}: ${value}`);
  }

  result(): HomeComparison {
    return { lost: this.lostCount, doubled: this.doubledCount, problems: this.problems.slice(0, 30) };
  }
}
