import { silverEvents, tableName } from "../../schema/index.ts";
import { DAY_MS, type DailyReport } from "./daily-report.ts";
import { type DueReport, dueReports } from "./due-reports.ts";
import { newestRuns, type ReportRun } from "./report-run.ts";
import { type ReportDeps, type ReportRunOptions, runReport } from "./run-report.ts";

export interface DueRunsDeps extends ReportDeps {
  /** Whether all events that the log holds now are in the lake; may wait for that for a while. */
  readonly isProcessed: () => Promise<boolean>;
}

export interface DueRunsOptions extends Omit<ReportRunOptions, "tells"> {
  readonly daysBack: number;
  /** Told of each run as it ends. */
  readonly onRun: (run: ReportRun) => void;
  /** Called before each run. */
  readonly renew: () => Promise<void>;
}

/**
 * Makes the reports that are due, one after another. One that fails is recorded, and the next is made.
 *
 * @returns false where some are due, and the pipeline has yet to process what they are about
 */
export async function runDueReports(
  reports: readonly DailyReport[],
  deps: DueRunsDeps,
  { daysBack, onRun, renew, ...options }: DueRunsOptions,
): Promise<boolean> {
  const due = await findDue(reports, deps, { daysBack, ...options });
  if (due.length === 0) return true;
  if (!(await deps.isProcessed())) return false;
  for (const one of due) {
    await renew();
    onRun(await runReport(one, deps, { ...options, tells: true }));
  }
  return true;
}

/** The newest runs of the days that are looked at. */
export function recentRuns(
  { queryEngine, clock }: Pick<ReportDeps, "queryEngine" | "clock">,
  daysBack: number,
  signal?: AbortSignal,
): Promise<readonly ReportRun[]> {
  return newestRuns(queryEngine, firstDay(clock(), daysBack), signal);
}

function firstDay(now: number, daysBack: number): number {
  return Math.floor(now / DAY_MS) * DAY_MS - (daysBack + 1) * DAY_MS;
}

/** Those that are due, of days on which there was a shop. */
async function findDue(
  reports: readonly DailyReport[],
  { queryEngine, clock }: ReportDeps,
  { daysBack, signal }: Pick<DueRunsOptions, "daysBack" | "signal">,
): Promise<readonly DueReport[]> {
  const runs = await recentRuns({ queryEngine, clock }, daysBack, signal);
  const now = clock();
  const due = dueReports(reports, { now, daysBack, runs });
  if (due.length === 0) return due;
  const from = firstDay(now, daysBack);
  const { rows } = await queryEngine.query(
    `SELECT min(event_time) AS first FROM {${tableName(silverEvents)}} WHERE event_time >= $1`,
    [new Date(from)],
    { eventTime: { from }, ...(signal !== undefined && { signal }) },
  );
  const first = rows[0].first;
  return first instanceof Date ? due.filter(({ day }) => day + DAY_MS > first.getTime()) : [];
}
