import { DAY_MS, type DailyReport } from "./daily-report.ts";
import type { ReportRun } from "./report-run.ts";

export interface DueReport {
  readonly report: DailyReport;
  /** Start of the UTC day. */
  readonly day: number;
  /** The newest run of it, which failed; null where there is none. */
  readonly previous: ReportRun | null;
}

export interface DueOptions {
  readonly now: number;
  /** Newest days that are looked at. */
  readonly daysBack: number;
  /** Event time that the whole pipeline has come to; null where a task has seen nothing yet. */
  readonly watermark: number | null;
  /** The newest run of every report and day that was run. */
  readonly runs: readonly ReportRun[];
}

/** Behind the watermark by this, the lake has what was processed: late events of some minutes among it. */
const SETTLE_MS = 900_000;
/** A shop in which nothing happens has no watermark that moves: so much later a day is reported all the same. */
const OVERDUE_MS = 6 * 3_600_000;
/** A failed run is tried again after these, doubled from attempt to attempt. */
const RETRY_MS = { min: 600_000, max: 6 * 3_600_000 };

/** The reports that are to be made now, of the oldest day first: those of yesterday, and of days that were missed. */
export function dueReports(
  reports: readonly DailyReport[],
  { now, daysBack, watermark, runs }: DueOptions,
): readonly DueReport[] {
  const newest = new Map(runs.map((run) => [keyOf(run.report, run.day), run]));
  const due: DueReport[] = [];
  for (const report of reports) {
    const last = newestDueDay(report, now);
    for (let day = last - (daysBack - 1) * DAY_MS; day <= last; day += DAY_MS) {
      const previous = newest.get(keyOf(report.name, day)) ?? null;
      if (previous?.status === "done" || (previous !== null && now < triedAgainAt(previous))) continue;
      const dayEnd = day + DAY_MS;
      const isProcessed = watermark !== null && watermark >= dayEnd + SETTLE_MS;
      if (isProcessed || now >= dayEnd + report.dueAfterMs + OVERDUE_MS) due.push({ report, day, previous });
    }
  }
  return due.sort((a, b) => a.day - b.day);
}

/** The newest day whose report is due by the clock. */
export function newestDueDay({ dueAfterMs }: DailyReport, now: number): number {
  return Math.floor((now - dueAfterMs) / DAY_MS) * DAY_MS - DAY_MS;
}

function triedAgainAt({ finishedAt, attempt }: ReportRun): number {
  return finishedAt + Math.min(RETRY_MS.max, RETRY_MS.min * 2 ** (attempt - 1));
}

function keyOf(report: string, day: number): string {
  return `${report} ${day}`;
}
