import type { SumsCheck } from "../../schema/index.ts";
import { countFinding, type Finding } from "./finding.ts";
import { isoTime, type QualityLake, type TableLook, timeOf } from "./quality-lake.ts";
import { SAMPLE_ROWS_MAX, shownColumns } from "./samples.ts";
import { list, numberSetting, quoted, Statement } from "./statement.ts";

/** What a window may wait for beyond its end and the lateness that corrects it. */
const SETTLE_MS = 60_000;
/** Units that windows are added up to, with what engines call them. */
const UNITS = [
  ["minute", 60_000],
  ["hour", 3_600_000],
  ["day", 86_400_000],
] as const;

/**
 * Adds up windows and the rows that they count, and compares the sums of each group. Only windows that no
 * event can change any more are looked at.
 */
export async function checkSums(lake: QualityLake, look: TableLook, check: SumsCheck): Promise<Finding> {
  const source = await lake.look(check.table);
  if (source.newest === null) return { skipped: `${check.table} has no rows` };
  const windowMs =
    typeof check.windowMs === "number" ? check.windowMs : numberSetting(lake.scope.settings, check.windowMs);
  const unit = UNITS.find(([, ms]) => ms % windowMs === 0);
  if (unit === undefined) return { skipped: `windows of ${windowMs} ms do not divide a day` };
  const until = await settledUntil(lake, look, source, unit[1]);
  if (until === null || (look.from !== null && until <= look.from)) {
    return { skipped: "no window is over for long enough" };
  }
  const statement = lake.statement();
  const compared = comparedSql({ look, source, check, unit: unit[0], until, statement });
  const totals = Object.keys(check.totals);
  const differs = totals
    .map((name) => `${name}_held < ${name}_least OR ${name}_held > ${name}_most`)
    .join(" OR ");
  const [counts] = await lake.rowsAcross(
    `${compared} SELECT count(*) AS looked, count(*) FILTER (WHERE ${differs}) AS failing FROM compared`,
    statement,
    look.from,
  );
  const note = `windows before ${isoTime(until)}, by ${unit[0]}`;
  const finding = {
    ...countFinding({ failing: Number(counts.failing), rows: Number(counts.looked), pinned: false }),
    note,
  };
  if (finding.passed) return finding;
  const columns = ["unit_start", ...shownColumns(Object.keys(check.groups))];
  const figures = totals.flatMap((name) => [`${name}_held`, `${name}_least`, `${name}_most`]);
  const sample = `${compared} SELECT ${list([...columns, ...figures])} FROM compared WHERE ${differs} ORDER BY ${list(columns)} LIMIT ${SAMPLE_ROWS_MAX}`;
  return { ...finding, sample: await lake.rowsAcross(sample, statement, look.from) };
}

/** The end of the windows that have been reported, of whose events the source has all, and that nothing corrects. */
async function settledUntil(
  lake: QualityLake,
  look: TableLook,
  source: TableLook,
  unitMs: number,
): Promise<number | null> {
  const statement = lake.statement();
  const [row] = await lake.rowsOf(look, `SELECT max(window_end) AS newest FROM {${look.name}}`, statement);
  const reported = timeOf(row.newest);
  const seen = await lake.lowestNewest(source);
  if (reported === null || seen === null) return null;
  const { outOfOrdernessMs, allowedLatenessMs } = lake.scope;
  const settled = Math.min(reported, seen - outOfOrdernessMs) - allowedLatenessMs - SETTLE_MS;
  return Math.floor(settled / unitMs) * unitMs;
}

/**
 * `compared`: of each unit and group what windows hold, and the least and the most that rows may add up to:
 * a late row may be counted or not. The windows are named first, so that engines which look tables up in
 * turn have rows at least as new.
 */
function comparedSql(query: {
  readonly look: TableLook;
  readonly source: TableLook;
  readonly check: SumsCheck;
  readonly unit: string;
  readonly until: number;
  readonly statement: Statement;
}): string {
  const { look, source, check, unit, until, statement } = query;
  const from = look.from === null ? null : statement.bind(new Date(look.from));
  const to = statement.bind(new Date(until));
  const within = (column: string) => [from === null ? null : `${column} >= ${from}`, `${column} < ${to}`];
  const groups = Object.entries(check.groups);
  const totals = Object.entries(check.totals);
  const names = groups.map(([name]) => quoted(name));
  const newest = totals.map(([name]) => `max_by(${quoted(name)}, revision) AS ${quoted(name)}`);
  const held = totals.map(([name]) => `sum(${quoted(name)}) AS ${name}_held`);
  const bounds = totals.flatMap(([name, sql]) => [
    `sum(CASE WHEN is_late AND (${sql}) > 0 THEN 0 ELSE ${sql} END) AS ${name}_least`,
    `sum(CASE WHEN is_late AND (${sql}) < 0 THEN 0 ELSE ${sql} END) AS ${name}_most`,
  ]);
  const places = ["unit_start", ...names];
  const either = places.map((name) => `coalesce(h.${name}, c.${name}) AS ${name}`);
  const figures = totals.flatMap(([name]) => [
    `coalesce(h.${name}_held, 0) AS ${name}_held`,
    `coalesce(c.${name}_least, 0) AS ${name}_least`,
    `coalesce(c.${name}_most, 0) AS ${name}_most`,
  ]);
  const counted = groups.map(([name, sql]) => `${sql} AS ${quoted(name)}`);
  return (
    `WITH newest AS (SELECT window_start, ${[...names, ...newest].join(", ")} FROM {${look.name}}` +
    `${Statement.where(...within("window_start"))} GROUP BY ${["window_start", ...names].join(", ")}), ` +
    `held AS (SELECT date_trunc('${unit}', window_start) AS unit_start, ${[...names, ...held].join(", ")} FROM newest ` +
    `GROUP BY ${ordinals(places.length)}), ` +
    `counted AS (SELECT date_trunc('${unit}', ${quoted(source.time)}) AS unit_start, ${[...counted, ...bounds].join(", ")} ` +
    `FROM {${source.name}}${Statement.where(...within(quoted(source.time)), statement.condition(check.where))} ` +
    `GROUP BY ${ordinals(places.length)}), ` +
    `compared AS (SELECT ${[...either, ...figures].join(", ")} FROM held AS h FULL OUTER JOIN counted AS c ` +
    `ON ${places.map((name) => `h.${name} = c.${name}`).join(" AND ")})`
  );
}

function ordinals(count: number): string {
  return Array.from({ length: count }, (_, i) => i + 1).join(", ");
}
