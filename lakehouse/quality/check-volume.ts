import type { VolumeCheck } from "../../schema/index.ts";
import type { Finding } from "./finding.ts";
import { DAY_MS, isoTime, type QualityLake, type TableLook, timeOf } from "./quality-lake.ts";
import { quoted } from "./statement.ts";

/** The unit, what separates it from its like, and how many of these are looked back at. */
const SPANS = {
  hour: { unitMs: 3_600_000, stepMs: DAY_MS, steps: 14, like: "that hour of earlier days" },
  day: { unitMs: DAY_MS, stepMs: 7 * DAY_MS, steps: 8, like: "that weekday of earlier weeks" },
} as const;
/** Fewer of its like say nothing. */
const LIKE_MIN = 3;
/** Fewer rows come and go by chance. */
const MEDIAN_MIN = 50;
/** What may still be on its way. */
const SETTLE_MS = 300_000;

/**
 * Rows of the last whole hour or day. Of a lake under way, one that got rows within a day, that is the last one
 * by the clock, so that nothing at all is found, too; else the last before the newest row.
 */
export async function checkVolume(lake: QualityLake, look: TableLook, check: VolumeCheck): Promise<Finding> {
  if (look.newest === null) return { skipped: "the table has no rows" };
  const { unitMs, stepMs, steps, like } = SPANS[check.per];
  const now = lake.scope.clock();
  const end = look.newest > now - DAY_MS ? Math.min(now - SETTLE_MS, look.newest + DAY_MS) : look.newest;
  const start = Math.floor(end / unitMs) * unitMs - unitMs;
  const earliest = start - steps * stepMs;
  const counts = await countsOf(lake, look, check.per, { from: earliest, to: start + unitMs });
  const first = Math.min(...counts.keys());
  const earlier: number[] = [];
  for (let at = start - stepMs; at >= Math.max(earliest, first); at -= stepMs)
    earlier.push(counts.get(at) ?? 0);
  if (earlier.length < LIKE_MIN) return { skipped: `fewer than ${LIKE_MIN} of ${like} are known` };
  const median = medianOf(earlier);
  if (median < MEDIAN_MIN) return { skipped: `the median of ${like} is ${median}, too few to tell` };
  const rows = counts.get(start) ?? 0;
  const least = check.least * median;
  const most = check.most * median;
  return {
    passed: rows >= least && rows <= most,
    measured: rows,
    threshold: rows < median ? least : most,
    rows,
    note: `${rows} rows in the ${check.per} from ${isoTime(start)}; the median of ${like} is ${median}`,
    pinned: true,
  };
}

async function countsOf(
  lake: QualityLake,
  look: TableLook,
  unit: "hour" | "day",
  range: { readonly from: number; readonly to: number },
): Promise<ReadonlyMap<number, number>> {
  const statement = lake.statement();
  const time = quoted(look.time);
  const sql =
    `SELECT date_trunc('${unit}', ${time}) AS unit_start, count(*) AS rows_of FROM {${look.name}} ` +
    `WHERE ${time} >= ${statement.bind(new Date(range.from))} AND ${time} < ${statement.bind(new Date(range.to))} GROUP BY 1`;
  const rows = await lake.rowsOf(look, sql, statement, range.from);
  return new Map(rows.map((row) => [timeOf(row.unit_start) ?? 0, Number(row.rows_of)]));
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
