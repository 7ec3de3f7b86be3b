import type { QueryEngine, SqlValue } from "../../lakehouse/index.ts";
import {
  type Column,
  isRevised,
  RowBuffer,
  type TableSpec,
  tableName,
  takenBack,
} from "../../schema/index.ts";
import { TableSink } from "../../stream/index.ts";
import { type Adapters, retryEnvironment } from "../platform/adapters.ts";
import { fileNonce, publishSinks } from "../platform/publish-sinks.ts";

type SqlRow = Readonly<Record<string, SqlValue>>;

export interface CorrectionMerge {
  /** Of the home that the replay filled. */
  readonly side: QueryEngine;
  /** Of the lake that is corrected. */
  readonly lake: QueryEngine;
  readonly adapters: Pick<Adapters, "catalog" | "objects">;
  readonly tables: readonly TableSpec[];
  /** Times by which rows belong to a day, ms, half-open: what lies outside is left alone. */
  readonly from: number;
  readonly toOf: (table: TableSpec) => number;
  readonly fileBytesMax: number;
  readonly clock: () => number;
  readonly onProgress?: (table: string) => void;
  /** Rejects between two pieces; tables before this one are corrected by then. */
  readonly signal?: AbortSignal;
}

export interface MergedTable {
  readonly table: string;
  /** Keys (of what is corrected as a whole) that the lake did not have. */
  readonly added: number;
  /** Keys whose newest rows were others. */
  readonly corrected: number;
  /** Keys of the range that the replay did not give; they stay as they are. */
  readonly onlyInLake: number;
}

/** Rows are compared in pieces of this much time: bounds the memory. */
const PIECE_MS = 3_600_000;
const TASK = "replay";

/**
 * Writes what a replay found and the lake does not say: rows of new keys, and of keys that changed, with
 * the next revision, so that readers of the newest revision see the replay's answer and `asOf` the one
 * before. A table without revisions gets its missing keys only. Tables are committed one by one; a crash
 * in between leaves some corrected, and the next merge finds these equal and goes on.
 */
export async function mergeCorrections(merge: CorrectionMerge): Promise<MergedTable[]> {
  const merged: MergedTable[] = [];
  for (const table of merge.tables) {
    merge.onProgress?.(tableName(table));
    merged.push(await mergeTable(table, merge));
  }
  return merged;
}

async function mergeTable(table: TableSpec, merge: CorrectionMerge): Promise<MergedTable> {
  const { adapters, clock, from, fileBytesMax } = merge;
  const to = merge.toOf(table);
  const sink = new TableSink(table, { taskId: TASK, nonce: fileNonce(), fileBytesMax });
  const rows = new RowBuffer(table, (columns, length) => sink.append(columns, 0, length));
  const counts = { table: tableName(table), added: 0, corrected: 0, onlyInLake: 0 };
  for (let at = from; at < to; at += PIECE_MS) {
    merge.signal?.throwIfAborted();
    const range = { from: at, to: Math.min(to, at + PIECE_MS) };
    const found = await newestRows(merge.side, table, range);
    const known = await newestRows(merge.lake, table, range);
    for (const [key, rowsOfKey] of found) {
      const before = known.get(key);
      known.delete(key);
      if (before !== undefined && (!isRevised(table) || sameRows(table, before, rowsOfKey))) continue;
      if (saysNothing(table, rowsOfKey) && (before === undefined || saysNothing(table, before))) continue;
      counts[before === undefined ? "added" : "corrected"] += 1;
      const revision = before === undefined ? 1 : Number(before[0].revision) + 1;
      for (const row of rowsOfKey) writeRow(rows, table, row, revision);
    }
    for (const rowsOfKey of known.values()) if (!saysNothing(table, rowsOfKey)) counts.onlyInLake += 1;
  }
  rows.flush();
  // One task whose epochs rise with time: the table keeps one property of all merges.
  await publishSinks(TASK, [sink], { ...adapters, clock, ...retryEnvironment }, clock());
  return counts;
}

/** The rows that hold, by the values of what is corrected as a whole: mostly one row a key. */
async function newestRows(
  engine: QueryEngine,
  table: TableSpec,
  range: { readonly from: number; readonly to: number },
): Promise<Map<string, SqlRow[]>> {
  const newest = new Map<string, SqlRow[]>();
  if ((await engine.snapshot(table)) === null) return newest;
  const { rows } = await engine.query(
    `SELECT * FROM {${tableName(table)}} WHERE ${table.partitionByDayOf} >= $1 AND ${table.partitionByDayOf} < $2
     ORDER BY ${table.key.join(", ")}`,
    [new Date(range.from), new Date(range.to)],
    { eventTime: range },
  );
  for (const row of rows) {
    const key = JSON.stringify((table.correctedBy ?? table.key).map((name) => plain(row[name])));
    const held = newest.get(key);
    const newer = Number(row.revision ?? 1) - Number(held?.[0].revision ?? 0);
    if (held === undefined || newer > 0) newest.set(key, [row]);
    else if (newer === 0) held.push(row);
  }
  return newest;
}

function sameRows(table: TableSpec, a: readonly SqlRow[], b: readonly SqlRow[]): boolean {
  const columns = table.columns.filter(({ name }) => name !== "revision");
  return (
    a.length === b.length &&
    a.every((row, i) => columns.every(({ name }) => plain(row[name]) === plain(b[i][name])))
  );
}

/** What late data took away is such a row in a run that reported it first, and none where the data came in time. */
function saysNothing(table: TableSpec, rows: readonly SqlRow[]): boolean {
  const none = takenBack(table);
  return none !== null && rows.every((row) => String(row[none.column]) === String(none.value));
}

function plain(value: SqlValue | undefined): string | number | boolean | null {
  if (value instanceof Date) return value.getTime();
  return typeof value === "bigint" ? String(value) : (value ?? null);
}

function writeRow(rows: RowBuffer, table: TableSpec, row: SqlRow, revision: number): void {
  const at = rows.next();
  for (const [i, { name }] of table.columns.entries()) {
    setValue(rows, rows.columns[i], at, name === "revision" ? revision : (row[name] ?? null));
  }
}

function setValue(rows: RowBuffer, column: Column, row: number, value: SqlValue): void {
  if (column.kind === "text") {
    rows.setText(column, row, value === null ? null : String(value));
    return;
  }
  if (column.kind === "key" || column.kind === "enum") throw new Error("a merged table has no dictionaries");
  if (column.valid !== null) column.valid[row] = value === null ? 0 : 1;
  column.values[row] = value === null ? 0 : Number(value instanceof Date ? value.getTime() : value);
}
