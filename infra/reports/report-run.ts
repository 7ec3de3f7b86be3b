import type { QueryEngine } from "../../lakehouse/index.ts";
import { goldReportRuns, type ReportStatus, tableName } from "../../schema/index.ts";
import { sinkOfRecords, type TableSink, type TableSinkOptions } from "../../stream/index.ts";
import type { Row } from "./daily-report.ts";

/** A run of a report of a day, as `gold.report_runs` has it. Times are ms. */
export interface ReportRun {
  readonly report: string;
  /** Start of the UTC day. */
  readonly day: number;
  readonly status: ReportStatus;
  /** 1, or one more than the run before where that failed. */
  readonly attempt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Rows of the report; null where it failed. */
  readonly rows: number | null;
  /** Why it failed. */
  readonly message: string | null;
  readonly failingSince: number | null;
}

/** The newest run of every report and day from `fromDay` on. */
export async function newestRuns(
  engine: QueryEngine,
  fromDay: number,
  signal?: AbortSignal,
): Promise<readonly ReportRun[]> {
  const columns = goldReportRuns.columns.map(({ name }) => name).join(", ");
  const { rows } = await engine.query(
    `SELECT ${columns} FROM (
       SELECT ${columns}, row_number() OVER (PARTITION BY report, day ORDER BY started_at DESC) AS place
       FROM {${tableName(goldReportRuns)}} WHERE day >= $1 AND started_at >= $1) AS placed
     WHERE place = 1 ORDER BY day, report`,
    [new Date(fromDay)],
    { eventTime: { from: fromDay }, ...(signal !== undefined && { signal }) },
  );
  return rows.map(toRun);
}

/** The row of a run, in a sink of its own. */
export function runSink(run: ReportRun, options: TableSinkOptions): TableSink {
  const record = {
    started_at: run.startedAt,
    report: run.report,
    day: run.day,
    status: run.status,
    attempt: run.attempt,
    finished_at: run.finishedAt,
    rows_made: run.rows,
    message: run.message,
    failing_since: run.failingSince,
  };
  return sinkOfRecords(goldReportRuns, [record], options);
}

function toRun(row: Row): ReportRun {
  const time = (name: string): number => (row[name] as Date).getTime();
  return {
    report: String(row.report),
    day: time("day"),
    status: row.status as ReportStatus,
    attempt: Number(row.attempt),
    startedAt: time("started_at"),
    finishedAt: time("finished_at"),
    rows: row.rows_made === null ? null : Number(row.rows_made),
    message: row.message === null ? null : String(row.message),
    failingSince: row.failing_since === null ? null : time("failing_since"),
  };
}
