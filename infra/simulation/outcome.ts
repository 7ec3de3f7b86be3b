import {
  bronzeDeadLetters,
  contracts,
  goldFlashSaleAlerts,
  type TableSpec,
  tableName,
  takenBack,
} from "../../schema/index.ts";
import type { Alert } from "../../stream/index.ts";
import { secondStageTables } from "../platform/lake-tables.ts";
import { standingTexts } from "../replay/standing-alerts.ts";
import { type LakeRow, readRows, type TableFiles } from "./lake-rows.ts";
import type { World } from "./world.ts";

/**
 * What a run left behind, in a form in which two runs of one input must be equal: the time at which
 * the log took a record and the number of revisions are left out.
 */
export interface Outcome {
  /** How often each row is there, by table. */
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly hot: ReadonlyMap<string, string>;
  readonly alerts: ReadonlyMap<string, string>;
  /** What is wrong with this run by itself. */
  readonly problems: readonly string[];
}

const FLASH_SALE = "flash-sale";
/** Alerts that the input does not decide: see {@link flashSaleProblems}; and what was wrong with the servers. */
const OF_THE_RUN: readonly string[] = [FLASH_SALE, "model-problem"];
/** Keys of hot values begin with the length of their namespace. */
const OF_THE_MOMENT = /^\d+:(recommendations|similar-products)\//;

/** Input offset → how often it is in bronze or among the dead letters, by topic and partition. */
type Kept = Map<string, Map<number, number>>;

export async function readOutcome(files: readonly TableFiles[], world: World): Promise<Outcome> {
  const problems: string[] = [];
  const rows = new Map<string, ReadonlyMap<string, number>>();
  const kept: Kept = new Map();
  for (const { table, keys } of files) {
    if (new Set(keys).size < keys.length) problems.push(`${tableName(table)} names a data file twice`);
    const read = await readRows(keys, world);
    if (table.namespace === "bronze") for (const row of read) noteKept(kept, row);
    const twice = doubledKeys(table, read);
    if (twice.length > 0) problems.push(`${tableName(table)} has ${twice.length} rows twice: ${twice[0]}`);
    rows.set(tableName(table), counted(finalRows(table, read)));
  }
  problems.push(...inputProblems(kept, world));
  problems.push(...flashSaleProblems(rows.get(tableName(goldFlashSaleAlerts)), world.alerts.kept));
  return {
    rows,
    problems,
    hot: hotValues(world),
    alerts: standingTexts(world.alerts.kept.filter(({ kind }) => !OF_THE_RUN.includes(kind))),
  };
}

/** Every record of the input is in bronze or a dead letter, once; nothing else is. */
function inputProblems(kept: Kept, world: World): string[] {
  const problems: string[] = [];
  for (const { topic } of contracts) {
    for (const [partition, { batches }] of world.log.topics.get(topic)?.partitions.entries() ?? []) {
      const found = kept.get(`${topic}/${partition}`) ?? new Map<number, number>();
      let expected = 0;
      for (const { base, count, control } of batches) {
        if (control !== "data") continue;
        expected += count;
        for (let offset = base; offset < base + count; offset++) {
          const times = found.get(offset) ?? 0;
          if (times !== 1)
            problems.push(`record ${offset} of ${topic}[${partition}] is ${times} times in bronze`);
        }
      }
      if (found.size > expected)
        problems.push(`bronze has records of ${topic}[${partition}] that never were`);
    }
  }
  return problems;
}

function noteKept(kept: Kept, row: LakeRow): void {
  const place = `${row._topic}/${row._partition}`;
  const offsets = kept.get(place) ?? new Map<number, number>();
  kept.set(place, offsets);
  const offset = Number(row._offset);
  offsets.set(offset, (offsets.get(offset) ?? 0) + 1);
}

function doubledKeys(table: TableSpec, rows: readonly LakeRow[]): string[] {
  const revised = table.columns.some(({ name }) => name === "revision");
  // Bronze keeps repeats of an event as received; its rows are told apart by their place in the log.
  if (table.namespace === "bronze" && table !== bronzeDeadLetters) return [];
  const names = revised ? [...table.key, "revision"] : table.key;
  const keys = counted(rows.map((row) => JSON.stringify(names.map((name) => row[name]))));
  return [...keys].filter(([, count]) => count > 1).map(([key]) => key);
}

function finalRows(table: TableSpec, rows: readonly LakeRow[]): string[] {
  if (!secondStageTables.includes(table)) return rows.map((row) => rowText(row, "_ingested_at"));
  const names = table.correctedBy ?? table.key;
  const keyOf = (row: LakeRow): string => JSON.stringify(names.map((name) => row[name]));
  const newest = new Map<string, number>();
  for (const row of rows) {
    newest.set(keyOf(row), Math.max(newest.get(keyOf(row)) ?? 0, Number(row.revision)));
  }
  const last = rows.filter((row) => row.revision === newest.get(keyOf(row)));
  // What late data took away is a row in a run that reported it first, and none in another.
  const none = takenBack(table);
  const held = none === null ? last : last.filter((row) => row[none.column] !== none.value);
  return held.map((row) => rowText(row, "revision"));
}

function rowText(row: LakeRow, except: string): string {
  const { [except]: _left, ...rest } = row;
  return JSON.stringify(rest);
}

/**
 * Recommendations are left out: they are made of what all users did up to the moment in which one is
 * written, so that when turns end decides what they hold.
 */
function hotValues({ hot }: World): ReadonlyMap<string, string> {
  const decided = [...hot.byKey].filter(([key]) => !OF_THE_MOMENT.test(key));
  return new Map(decided.map(([key, { value }]) => [key, value]));
}

/**
 * A process that slept, or died with a write on its way, may write an older value over the one of
 * another: hot values are not fenced. It stays until the key changes again, or expires. These are the
 * keys that had the expected value, of another process than the one that wrote last.
 */
export function staleHotKeys(expected: Outcome, { hot }: World): ReadonlySet<string> {
  const stale = [...hot.byKey].filter(([key, { value, writer, writers }]) => {
    const right = expected.hot.get(key);
    return right !== undefined && right !== value && (writers.get(right) ?? writer) !== writer;
  });
  return new Set(stale.map(([key]) => key));
}

/**
 * Which window of a run of candidates has the live alert depends on which was reported first. What is
 * decided: an alert that holds at the end has its row, with the same figures.
 */
function flashSaleProblems(
  rows: ReadonlyMap<string, number> = new Map(),
  alerts: readonly Alert[],
): string[] {
  const held = new Map([...rows.keys()].map((text) => JSON.parse(text)).map((row) => [row.alert_id, row]));
  const newest = new Map<string, Alert>();
  for (const alert of alerts) {
    if (alert.kind === FLASH_SALE && (newest.get(alert.id)?.revision ?? 0) < alert.revision)
      newest.set(alert.id, alert);
  }
  return [...newest.values()].flatMap(({ id, status, figures }) => {
    const row = held.get(id);
    if (status === "retracted") return row === undefined ? [] : [`alert ${id} is retracted, its row holds`];
    if (row === undefined) return [`alert ${id} holds, and has no row`];
    const equal = row.views === figures.views && row.purchases === figures.purchases;
    return equal ? [] : [`alert ${id} has other figures than its row: ${JSON.stringify([figures, row])}`];
  });
}

function counted(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

const EXAMPLES_MAX = 3;

/** How a run differs from what it should be, for a person; empty where it does not. */
export function differences(expected: Outcome, given: Outcome, staleHot: ReadonlySet<string>): string[] {
  const found = [...given.problems];
  for (const [table, rows] of expected.rows)
    found.push(...mapDifferences(table, rows, given.rows.get(table)));
  const decided = new Map([...given.hot].filter(([key]) => !staleHot.has(key)));
  const comparable = new Map([...expected.hot].filter(([key]) => !staleHot.has(key)));
  found.push(...mapDifferences("hot value", comparable, decided));
  found.push(...mapDifferences("alert", expected.alerts, given.alerts));
  return found;
}

function mapDifferences<T>(
  what: string,
  expected: ReadonlyMap<string, T>,
  given: ReadonlyMap<string, T> = new Map(),
): string[] {
  const found: string[] = [];
  for (const [key, value] of expected)
    if (given.get(key) !== value)
      found.push(`${what} ${key}: expected ${value}, found ${given.get(key) ?? "none"}`);
  for (const [key, value] of given)
    if (!expected.has(key)) found.push(`${what} ${key}: ${value}, expected none`);
  const more = found.length - EXAMPLES_MAX;
  return more > 0 ? [...found.slice(0, EXAMPLES_MAX), `${what}: ${more} more`] : found;
}
