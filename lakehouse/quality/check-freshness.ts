import type { FreshnessCheck } from "../../schema/index.ts";
import type { Finding } from "./finding.ts";
import { inRange, isoTime, type QualityLake, type TableLook, timeOf } from "./quality-lake.ts";
import { quoted, Statement } from "./statement.ts";

/**
 * Whether a table has come to the newest row of its source that lies some time behind the watermark: what
 * came later may still be on its way, and where nothing came, nothing is missing.
 */
export async function checkFreshness(
  lake: QualityLake,
  look: TableLook,
  check: FreshnessCheck,
): Promise<Finding> {
  const source = await lake.look(check.table);
  const watermark = await lake.watermark();
  if (source.newest === null || watermark === null) return { skipped: `${check.table} has no rows` };
  const due = await newestDue(lake, source, check, watermark - check.settleMs);
  if (due === null) return { skipped: `${check.table} has no rows that old` };
  const newest = await newestOf(lake, look, check.column ?? look.time);
  const owed = `${check.table} has rows of ${isoTime(due)}, the watermark is ${isoTime(watermark)}`;
  if (newest === null) {
    return {
      passed: false,
      measured: null,
      threshold: 0,
      rows: null,
      note: `no rows, but ${owed}`,
      pinned: true,
    };
  }
  const behind = Math.max(0, due - newest);
  const note = behind === 0 ? {} : { note: `has come to ${isoTime(newest)}, but ${owed}` };
  return { passed: behind === 0, measured: behind, threshold: 0, rows: null, ...note, pinned: true };
}

async function newestDue(
  lake: QualityLake,
  source: TableLook,
  { where }: FreshnessCheck,
  until: number,
): Promise<number | null> {
  const statement = lake.statement();
  const time = quoted(source.time);
  const conditions = Statement.where(
    inRange(source, statement),
    `${time} < ${statement.bind(new Date(until))}`,
    where === undefined ? null : statement.condition(where),
  );
  const sql = `SELECT max(${time}) AS newest FROM {${source.name}}${conditions}`;
  const [row] = await lake.rowsOf(source, sql, statement);
  return timeOf(row.newest);
}

async function newestOf(lake: QualityLake, look: TableLook, column: string): Promise<number | null> {
  if (look.newest === null || column === look.time) return look.newest;
  const statement = lake.statement();
  const sql = `SELECT max(${quoted(column)}) AS newest FROM {${look.name}}${Statement.where(inRange(look, statement))}`;
  const [row] = await lake.rowsOf(look, sql, statement);
  return timeOf(row.newest);
}
