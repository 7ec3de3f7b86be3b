import type { ReconciliationCheck } from "../../schema/index.ts";
import { countFinding, type Finding } from "./finding.ts";
import { DAY_MS, inRange, type QualityLake, type TableLook } from "./quality-lake.ts";
import { SAMPLE_ROWS_MAX } from "./samples.ts";
import { list, quoted, Statement } from "./statement.ts";

type PositionCheck = Exclude<ReconciliationCheck, { readonly compares: "sums" }>;

/**
 * Compares a table with the one that it was made of, by log positions. The two are committed one after the
 * other, so of each partition only positions are compared that both have come to.
 */
export async function checkPositions(
  lake: QualityLake,
  look: TableLook,
  check: PositionCheck,
): Promise<Finding> {
  const other = await lake.look(check.table);
  if (other.newest === null) return { skipped: `${check.table} has no rows` };
  const statement = lake.statement();
  const sql =
    check.compares === "complete"
      ? lostSql(look, other, check.id, statement)
      : addedSql(look, other, statement);
  const hint = look.from === null ? null : look.from - DAY_MS;
  const [counts] = await lake.rowsAcross(
    `${sql} SELECT (SELECT count(*) FROM compared) AS looked, (SELECT count(*) FROM failing) AS failing`,
    statement,
    hint,
  );
  const finding = countFinding({
    failing: Number(counts.failing),
    rows: Number(counts.looked),
    pinned: false,
  });
  if (finding.passed) return finding;
  const columns = list([look.time, "_partition", "_offset"]);
  const sample = `${sql} SELECT ${columns} FROM failing ORDER BY ${columns} LIMIT ${SAMPLE_ROWS_MAX}`;
  return { ...finding, sample: await lake.rowsAcross(sample, statement, hint) };
}

/**
 * Records of the other table whose id this one does not have. A repeat was dropped and has no row of its
 * own, but the first of its id has, in the same partition and at most a day away.
 */
function lostSql(look: TableLook, other: TableLook, id: string, statement: Statement): string {
  const own = `{${look.name}}`;
  const near = (of: string): string | null => inRange(look, statement, { of, before: DAY_MS });
  const columns = list([other.time, "_partition", "_offset"], "r");
  return (
    `WITH tops AS (${topsSql(look, look, statement)}), ` +
    `compared AS (SELECT ${columns}, r.${quoted(id)} FROM {${other.name}} AS r JOIN tops ON tops.part = r._partition AND r._offset <= tops.top` +
    `${Statement.where(inRange({ from: look.from, time: other.time }, statement, { of: "r" }))}), ` +
    `unplaced AS (SELECT * FROM compared AS c WHERE NOT EXISTS (SELECT 1 FROM ${own} AS s` +
    `${Statement.where("s._partition = c._partition", "s._offset = c._offset", near("s"))})), ` +
    `failing AS (SELECT * FROM unplaced AS u WHERE NOT EXISTS (SELECT 1 FROM ${own} AS s` +
    `${Statement.where("s._partition = u._partition", `s.${quoted(id)} = u.${quoted(id)}`, near("s"))}))`
  );
}

/** Rows of this table whose position the other does not have. */
function addedSql(look: TableLook, other: TableLook, statement: Statement): string {
  const columns = list([look.time, "_partition", "_offset"], "s");
  const theirs = Statement.where(
    "r._partition = c._partition",
    "r._offset = c._offset",
    inRange({ from: look.from, time: other.time }, statement, { of: "r", before: DAY_MS }),
  );
  return (
    `WITH tops AS (${topsSql(other, look, statement)}), ` +
    `compared AS (SELECT ${columns} FROM {${look.name}} AS s JOIN tops ON tops.part = s._partition AND s._offset <= tops.top` +
    `${Statement.where(inRange(look, statement, { of: "s" }))}), ` +
    `failing AS (SELECT * FROM compared AS c WHERE NOT EXISTS (SELECT 1 FROM {${other.name}} AS r${theirs}))`
  );
}

/** The highest offset that a table has of each partition, in the days looked at and the one before. */
function topsSql(table: TableLook, { from }: TableLook, statement: Statement): string {
  const range = inRange({ from, time: table.time }, statement, { before: DAY_MS });
  return `SELECT _partition AS part, max(_offset) AS top FROM {${table.name}}${Statement.where(range)} GROUP BY _partition`;
}
