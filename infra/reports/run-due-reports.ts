import { silverEvents, tableName } from "../../schema/index.ts";
import { DAY_MS, type DailyReport } from "./daily-report.ts";
import { type DueReport, dueReports } from "./due-reports.ts";
import { newestRuns, type ReportRun } from "./report-run.ts";
import { type ReportDeps, type ReportRunOptions, runReport } from "./run-report.ts";

export interface DueRunsOptions extends ReportRunOptions {
  readonly daysBack: number;
  /** As of `DueOptions`. */
  readonly watermark: number | null;
  /** Told of each run as it ends. */
  readonly onRun: (run: ReportRun) => void;
}

/** Makes the reports that are due, one after another. One that fails is recorded, and the next is made. */
export async function runDueReports(
  reports: readonly DailyReport[],
  deps: ReportDeps,
  options: DueRunsOptions,
): Promise<void> {
  for (const { report, day, previous } of await findDue(reports, deps, options))
    options.onRun(await runReport(report, day, previous, deps, options));
}

/** Those that are due, of days on which there was a shop. */
async function findDue(
  reports: readonly DailyReport[],
  { queryEngine, clock }: ReportDeps,
  { daysBack, watermark, signal }: DueRunsOptions,
): Promise<readonly DueReport[]> {
  const now = clock();
  const from = Math.floor(now / DAY_MS) * DAY_MS - (daysBack + 1) * DAY_MS;
  const runs = await newestRuns(queryEngine, from, signal);
  const due = dueReports(reports, { now, daysBack, watermark, runs });
  if (due.length === 0) return due;
  const { rows } = await queryEngine.query(
    `SELECT min(event_time) AS first FROM {${tableName(silverEvents)}} WHERE event_time >= $1`,
    [new Date(from)],
    { eventTime: { from }, ...(signal !== undefined && { signal }) },
  );
  const first = rows[0].first;
  return first instanceof Date ? due.filter(({ day }) => day + DAY_MS > first.getTime()) : [];
}
