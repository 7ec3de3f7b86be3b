import { MillraceError, type RowCheck, type TableSpec, type UniquenessCheck } from "../../schema/index.ts";
import { countFinding, type Finding } from "./finding.ts";
import { inRange, type QualityLake, type TableLook } from "./quality-lake.ts";
import { SAMPLE_ROWS_MAX, sampleColumns, shownColumns } from "./samples.ts";
import { list, quoted, Statement } from "./statement.ts";

export type SingleTableCheck = RowCheck | UniquenessCheck;

/**
 * Checks of rows by themselves and of keys, all by one query over one snapshot; a further one for each that
 * fails takes the sample.
 */
export async function checkRows(
  lake: QualityLake,
  look: TableLook,
  checks: readonly SingleTableCheck[],
): Promise<readonly Finding[]> {
  try {
    return await checkTogether(lake, look, checks);
  } catch (error) {
    // One condition that is no SQL must not hide what the others find: it is the one that fails alone, too.
    if (!(error instanceof MillraceError) || error.code !== "query-invalid" || checks.length === 1)
      throw error;
    const findings: Finding[] = [];
    for (const check of checks) {
      findings.push(
        ...(await checkTogether(lake, look, [check]).catch((own) => {
          if (own instanceof MillraceError && own.code === "query-invalid") return [{ unknown: own.message }];
          throw own;
        })),
      );
    }
    return findings;
  }
}

async function checkTogether(
  lake: QualityLake,
  look: TableLook,
  checks: readonly SingleTableCheck[],
): Promise<Finding[]> {
  const statement = lake.statement();
  const [counts] = await lake.rowsOf(look, countsSql(look, checks, statement), statement);
  const findings: Finding[] = [];
  for (const [i, check] of checks.entries()) {
    const rows = Number(counts[check.where === undefined ? "looked" : `of_${i}`]);
    const finding = countFinding(
      { failing: Number(counts[`failing_${i}`]), rows, pinned: true },
      check.tolerance,
    );
    findings.push(finding.passed ? finding : { ...finding, sample: await sampleOf(lake, look, check) });
  }
  return findings;
}

function countsSql(look: TableLook, checks: readonly SingleTableCheck[], statement: Statement): string {
  const range = inRange(look, statement);
  const counts = ["count(*) AS looked"];
  const joined: string[] = [];
  checks.forEach((check, i) => {
    const about = check.where === undefined ? null : statement.condition(check.where);
    if (about !== null) counts.push(`count(*) FILTER (WHERE ${about}) AS of_${i}`);
    if (check.kind === "uniqueness") {
      const groups = `SELECT count(*) AS copies FROM {${look.name}}${Statement.where(range, about)} GROUP BY ${groupsOf(check, look)} HAVING count(*) > 1`;
      joined.push(
        `CROSS JOIN (SELECT coalesce(sum(copies - 1), 0) AS failing_${i} FROM (${groups}) AS groups_${i}) AS repeats_${i}`,
      );
    } else
      counts.push(
        `count(*) FILTER (WHERE ${Statement.and(about, failing(check, look.table, statement))}) AS failing_${i}`,
      );
  });
  return `SELECT * FROM (SELECT ${counts.join(", ")} FROM {${look.name}}${Statement.where(range)}) AS counts ${joined.join(" ")}`;
}

async function sampleOf(lake: QualityLake, look: TableLook, check: SingleTableCheck) {
  const statement = lake.statement();
  const range = inRange(look, statement);
  const about = check.where === undefined ? null : statement.condition(check.where);
  if (check.kind === "uniqueness") {
    const shown = shownColumns(check.columns);
    const columns = [...shown.map(quoted), "count(*) AS copies"].join(", ");
    const sql = `SELECT ${columns} FROM {${look.name}}${Statement.where(range, about)} GROUP BY ${groupsOf(check, look)} HAVING count(*) > 1 ORDER BY ${[...shown.map(quoted), "copies"].join(", ")} LIMIT ${SAMPLE_ROWS_MAX}`;
    return lake.rowsOf(look, sql, statement);
  }
  const columns = list(sampleColumns(look.table));
  const condition = failing(check, look.table, statement);
  const sql = `SELECT ${columns} FROM {${look.name}}${Statement.where(range, about, condition)} ORDER BY ${columns} LIMIT ${SAMPLE_ROWS_MAX}`;
  return lake.rowsOf(look, sql, statement);
}

function groupsOf({ columns, perDay = false }: UniquenessCheck, { time }: TableLook): string {
  return perDay ? `${list(columns)}, date_trunc('day', ${quoted(time)})` : list(columns);
}

/** The condition on rows that fail. A null value fails in no check but that of nulls. */
function failing(check: RowCheck, table: TableSpec, statement: Statement): string {
  switch (check.kind) {
    case "nulls":
      return `(${check.columns.map((column) => missing(column, table)).join(" OR ")})`;
    case "range": {
      const column = quoted(check.column);
      const sides = [
        check.min === undefined ? null : `${column} >= ${statement.bind(check.min)}`,
        check.max === undefined ? null : `${column} <= ${statement.bind(check.max)}`,
      ];
      return `NOT (${Statement.and(...sides)})`;
    }
    case "accepted-values":
      return `${quoted(check.column)} NOT IN (${check.values.map((value) => statement.bind(value)).join(", ")})`;
    case "format": {
      const column = quoted(check.column);
      const rest = `translate(${column}, ${statement.bind(check.characters)}, '')`;
      return `(length(${column}) <> ${statement.bind(check.length)} OR length(${rest}) > 0)`;
    }
    case "condition":
      return `NOT ${statement.condition(check.holds)}`;
  }
}

/** An empty text is as good as none for a key. */
function missing(column: string, table: TableSpec): string {
  const isText = table.columns.some(({ name, type }) => name === column && type === "string");
  return isText ? `${quoted(column)} IS NULL OR ${quoted(column)} = ''` : `${quoted(column)} IS NULL`;
}
