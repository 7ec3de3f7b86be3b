import type { ReferenceCheck } from "../../schema/index.ts";
import { countFinding, type Finding } from "./finding.ts";
import { DAY_MS, inRange, type QualityLake, type TableLook } from "./quality-lake.ts";
import { SAMPLE_ROWS_MAX, sampleColumns, shownColumns } from "./samples.ts";
import { list, quoted, Statement } from "./statement.ts";

/** Rows that name what another table does not know. */
export async function checkReference(
  lake: QualityLake,
  look: TableLook,
  check: ReferenceCheck,
): Promise<Finding> {
  const other = await lake.look(check.table);
  if (other.newest === null) return { skipped: `${check.table} has no rows` };
  const { daysBefore } = check;
  const before = daysBefore === undefined ? null : daysBefore * DAY_MS;
  // The hint holds for both tables: without a bound on the other one, files of all its days are opened.
  const hint = before === null || look.from === null ? null : look.from - before;
  const statement = lake.statement();
  const joined = joinedSql(look, other, check, before, statement);
  const [counts] = await lake.rowsAcross(
    `SELECT count(*) AS looked, count(*) FILTER (WHERE known IS NULL) AS failing FROM (${joined}) AS looked_up`,
    statement,
    hint,
  );
  const finding = countFinding(
    { failing: Number(counts.failing), rows: Number(counts.looked), pinned: false },
    check.tolerance,
  );
  if (finding.passed) return finding;
  const columns = list([...new Set([...sampleColumns(look.table), ...shownColumns([check.column])])]);
  const sql = `SELECT ${columns} FROM (${joined}) AS looked_up WHERE known IS NULL ORDER BY ${columns} LIMIT ${SAMPLE_ROWS_MAX}`;
  return { ...finding, sample: await lake.rowsAcross(sql, statement, hint) };
}

/** The rows that refer to something, with what the other table knows of it as `known`. */
function joinedSql(
  look: TableLook,
  other: TableLook,
  check: ReferenceCheck,
  before: number | null,
  statement: Statement,
): string {
  const { column, where, settleMs } = check;
  const settled =
    settleMs === undefined || look.newest === null
      ? null
      : `${quoted(look.time)} < ${statement.bind(new Date(look.newest - settleMs))}`;
  const own = Statement.where(
    inRange(look, statement),
    settled,
    `${quoted(column)} IS NOT NULL`,
    where === undefined ? null : statement.condition(where),
  );
  const known =
    before === null
      ? ""
      : Statement.where(inRange({ from: look.from, time: other.time }, statement, { before }));
  return (
    `SELECT rows_of.*, known_ids.id AS known FROM (SELECT * FROM {${look.name}}${own}) AS rows_of ` +
    `LEFT JOIN (SELECT DISTINCT ${quoted(check.tableColumn)} AS id FROM {${check.table}}${known}) AS known_ids ` +
    `ON known_ids.id = rows_of.${quoted(column)}`
  );
}
