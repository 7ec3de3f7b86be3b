import { DAY_MS, type DailyReport } from "./daily-report.ts";
import type { ReportRun } from "./report-run.ts";

export interface DueReport {
  readonly report: DailyReport;
  /** Start of the UTC day. */
  readonly day: number;
  /** The newest run of it; null where there is none. */
  readonly previous: ReportRun | null;
}

export interface DueOptions {
  readonly now: number;
  /** Newest days that are looked at. */
  readonly daysBack: number;
  /** The newest run of every report and day that was run. */
  readonly runs: readonly ReportRun[];
}

/** A failed run is tried again after these, doubled from attempt to attempt. */
const RETRY_MS = { min: 600_000, max: 6 * 3_600_000 };

/** The reports that are to be made now, of the oldest day first: those of yesterday, and of days that were missed. */
export function dueReports(
  reports: readonly DailyReport[],
  { now, daysBack, runs }: DueOptions,
): readonly DueReport[] {
  const newest = new Map(runs.map((run) => [keyOf(run.report, run.day), run]));
  const due: DueReport[] = [];
  for (const report of reports) {
    const last = newestDueDay(report, now);
    for (let day = last - (daysBack - 1) * DAY_MS; day <= last; day += DAY_MS) {
      const previous = newest.get(keyOf(report.name, day)) ?? null;
      if (previous === null || isDueAgain(report, previous, now)) due.push({ report, day, previous });
    }
  }
  return due.sort((a, b) => a.day - b.day);
}

/** The newest day whose report is due by the clock. */
export function newestDueDay({ dueAfterMs }: DailyReport, now: number): number {
  return Math.floor((now - dueAfterMs) / DAY_MS) * DAY_MS - DAY_MS;
}

/** Where it failed; or where somebody made it before it was due, when some of the day was still to come. */
function isDueAgain({ dueAfterMs }: DailyReport, run: ReportRun, now: number): boolean {
  if (run.status === "failed")
    return now >= run.finishedAt + Math.min(RETRY_MS.max, RETRY_MS.min * 2 ** (run.attempt - 1));
  return run.startedAt < run.day + DAY_MS + dueAfterMs;
}

function keyOf(report: string, day: number): string {
  return `${report} ${day}`;
}
