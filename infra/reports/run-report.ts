import type { QueryEngine, SqlValue } from "../../lakehouse/index.ts";
import { appendRecord, goldReportRuns, RowBuffer, type TableSpec, tableName } from "../../schema/index.ts";
import { type AlertBus, TableSink } from "../../stream/index.ts";
import { nextEpoch, type PublishDeps, publishSinks } from "../platform/publish-sinks.ts";
import { DAY_MS, type DailyReport, type DayOfEvents, type ReportSummary } from "./daily-report.ts";
import { failureAlerts, reportAlert, successAlerts } from "./report-alerts.ts";
import { type ReportRun, runSink } from "./report-run.ts";

const RUNS_TASK = "report-runs";

export interface ReportDeps extends PublishDeps {
  readonly queryEngine: QueryEngine;
  readonly alertBus: AlertBus;
  /** Names the files of one run: never the same twice. */
  readonly nonce: () => string;
}

export interface ReportRunOptions {
  readonly fileBytesMax: number;
  readonly signal?: AbortSignal;
}

/**
 * Makes a report of a day: reads the day's events, makes rows of them, then saves these and tells of them, side by
 * side, and at last records the run in `gold.report_runs`. Where that fails, the run is recorded as failed, and
 * once it was so several times in a row an alert is raised. A crash in front of the record leaves the report
 * unrecorded, so that it is made again: its rows have the next revision then, and take the place of the others.
 *
 * @param previous the newest run of this report and day
 * @throws where the run cannot be recorded, or `signal` is aborted
 */
export async function runReport(
  report: DailyReport,
  day: number,
  previous: ReportRun | null,
  deps: ReportDeps,
  options: ReportRunOptions,
): Promise<ReportRun> {
  const startedAt = deps.clock();
  const failed = previous?.status === "failed" ? previous : null;
  const outcome = await attempted(report, day, deps, options);
  const isDone = outcome.status === "done";
  // In front of the record: behind it, nobody would know any more that there is something to take back.
  if (isDone) await deps.alertBus.publish(successAlerts(failed));
  const run: ReportRun = {
    report: report.name,
    day,
    ...outcome,
    attempt: (failed?.attempt ?? 0) + 1,
    startedAt,
    finishedAt: deps.clock(),
    failingSince: isDone ? null : (failed?.failingSince ?? startedAt),
  };
  const sink = runSink(run, { taskId: RUNS_TASK, nonce: deps.nonce(), fileBytesMax: options.fileBytesMax });
  const epoch = await nextEpoch(RUNS_TASK, goldReportRuns, deps);
  await publishSinks({ taskId: RUNS_TASK, epoch }, [sink], deps);
  await deps.alertBus.publish(failureAlerts(run));
  return run;
}

async function attempted(
  report: DailyReport,
  day: number,
  deps: ReportDeps,
  options: ReportRunOptions,
): Promise<Pick<ReportRun, "status" | "rows" | "message">> {
  try {
    return { status: "done", rows: await make(report, day, deps, options), message: null };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { status: "failed", rows: null, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Resolves with the number of rows. */
async function make(
  report: DailyReport,
  day: number,
  deps: ReportDeps,
  { fileBytesMax, signal }: ReportRunOptions,
): Promise<number> {
  const { table } = report;
  const taskId = `report-${report.name}`;
  const revision = (await newestRevision(table, day, deps.queryEngine, signal)) + 1;
  const sink = new TableSink(table, { taskId, nonce: deps.nonce(), fileBytesMax });
  const rows = new RowBuffer(table, (columns, length) => sink.append(columns, 0, length));
  const making = report.make(eventsOf(day, deps.queryEngine, signal));
  let count = 0;
  let summary: ReportSummary;
  for (;;) {
    const { done, value } = await making.next();
    if (done === true) {
      summary = value;
      break;
    }
    for (const record of value) appendRecord(rows, { ...record, day, revision });
    count += value.length;
  }
  rows.flush();
  const epoch = await nextEpoch(taskId, table, deps);
  await Promise.all([
    publishSinks({ taskId, epoch }, [sink], deps),
    deps.alertBus.publish([reportAlert(report, day, revision, summary)]),
  ]);
  return count;
}

function eventsOf(day: number, engine: QueryEngine, signal: AbortSignal | undefined): DayOfEvents {
  const range = { from: day, to: day + DAY_MS };
  return {
    async query(sql: string, ...parameters: SqlValue[]) {
      const all = [new Date(range.from), new Date(range.to), ...parameters];
      const { rows } = await engine.query(sql, all, {
        eventTime: range,
        ...(signal !== undefined && { signal }),
      });
      return rows;
    },
  };
}

/** 0 where the day has no rows. */
async function newestRevision(
  table: TableSpec,
  day: number,
  engine: QueryEngine,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { rows } = await engine.query(
    `SELECT max(revision) AS newest FROM {${tableName(table)}} WHERE day = $1`,
    [new Date(day)],
    { eventTime: { from: day, to: day + DAY_MS }, ...(signal !== undefined && { signal }) },
  );
  return Number(rows[0].newest ?? 0);
}
