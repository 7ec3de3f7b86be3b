import type { QueryEngine, SqlValue } from "../../lakehouse/index.ts";
import { RowBuffer, recordAppender, type TableSpec, tableName } from "../../schema/index.ts";
import { type AlertBus, TableSink } from "../../stream/index.ts";
import { type PublishDeps, publishSinks } from "../platform/publish-sinks.ts";
import { DAY_MS, type DayOfEvents, type ReportSummary } from "./daily-report.ts";
import type { DueReport } from "./due-reports.ts";
import { failureAlerts, reportAlert, successAlerts } from "./report-alerts.ts";
import { type ReportRun, runSink } from "./report-run.ts";

const RUNS_TASK = "report-runs";
/** Rows that are taken over before others have a turn of the thread: a few milliseconds. */
const ROWS_A_TURN = 2_000;

export interface ReportDeps extends PublishDeps {
  readonly queryEngine: QueryEngine;
  readonly alertBus: AlertBus;
  /** Names the files of one run: never the same twice. */
  readonly nonce: () => string;
  /** Lets others have the thread. */
  readonly nextTurn: () => Promise<void>;
}

export interface ReportRunOptions {
  readonly fileBytesMax: number;
  /** Whether an alert tells that the report is there: not where somebody makes those of a year. */
  readonly tells: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Makes a report of a day: reads the day's events, makes rows of them, then saves these and tells of them, side by
 * side, and at last records the run in `gold.report_runs`. Where that fails, the run is recorded as failed, and
 * once it was so several times in a row an alert is raised. A crash in front of the record leaves the report
 * unrecorded, so that it is made, and told of, again: its rows have the next revision then, and take the place of
 * the others.
 *
 * @throws where the run cannot be recorded, or `signal` is aborted
 */
export async function runReport(
  due: DueReport,
  deps: ReportDeps,
  options: ReportRunOptions,
): Promise<ReportRun> {
  const startedAt = deps.clock();
  const failed = due.previous?.status === "failed" ? due.previous : null;
  const outcome = await attempted(due, startedAt, deps, options);
  const isDone = outcome.status === "done";
  // In front of the record: behind it, nobody would know any more that there is something to take back.
  if (isDone) await deps.alertBus.publish(successAlerts(failed));
  const run: ReportRun = {
    report: due.report.name,
    day: due.day,
    ...outcome,
    attempt: (failed?.attempt ?? 0) + 1,
    startedAt,
    finishedAt: deps.clock(),
    failingSince: isDone ? null : (failed?.failingSince ?? startedAt),
  };
  const sink = runSink(run, { taskId: RUNS_TASK, nonce: deps.nonce(), fileBytesMax: options.fileBytesMax });
  await publishSinks(RUNS_TASK, [sink], deps);
  await deps.alertBus.publish(failureAlerts(run));
  return run;
}

async function attempted(
  due: DueReport,
  startedAt: number,
  deps: ReportDeps,
  options: ReportRunOptions,
): Promise<Pick<ReportRun, "status" | "rows" | "message">> {
  try {
    return { status: "done", rows: await make(due, startedAt, deps, options), message: null };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { status: "failed", rows: null, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Resolves with the number of rows. */
async function make(
  { report, day }: DueReport,
  startedAt: number,
  deps: ReportDeps,
  { fileBytesMax, tells, signal }: ReportRunOptions,
): Promise<number> {
  const { table } = report;
  const taskId = `report-${report.name}`;
  const revision = (await newestRevision(table, day, deps.queryEngine, signal)) + 1;
  const sink = new TableSink(table, { taskId, nonce: deps.nonce(), fileBytesMax });
  const rows = new RowBuffer(table, (columns, length) => sink.append(columns, 0, length));
  const append = recordAppender(rows);
  const making = report.make(eventsOf(day, deps.queryEngine, signal));
  let count = 0;
  let summary: ReportSummary;
  for (;;) {
    const { done, value } = await making.next();
    if (done === true) {
      summary = value;
      break;
    }
    for (const record of value) {
      append({ ...record, day, revision });
      // The process serves the API, too.
      if (++count % ROWS_A_TURN === 0) await deps.nextTurn();
    }
  }
  rows.flush();
  const alerts = tells ? [reportAlert(report, day, startedAt, summary)] : [];
  const outcomes = await Promise.allSettled([
    publishSinks(taskId, [sink], deps),
    deps.alertBus.publish(alerts),
  ]);
  // Both are over: what fails here leaves nothing under way.
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
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
