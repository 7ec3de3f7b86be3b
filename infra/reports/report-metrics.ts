import { Counter, Gauge, type Registry } from "prom-client";
import { dayText } from "./daily-report.ts";
import type { ReportRun } from "./report-run.ts";
import { dailyReports } from "./reports.ts";

/** How daily reports fare: runs of this process, and what the record says of all. */
export class ReportMetrics {
  private readonly runs: Counter;
  private readonly failing: Gauge;
  private readonly lookedAt: Gauge | null;
  private readonly clock: () => number;

  /** @param options.intervalMs 0 where nobody looks after reports */
  constructor(registry: Registry, options: { readonly intervalMs: number; readonly clock: () => number }) {
    const registers = [registry];
    this.clock = options.clock;
    this.runs = new Counter({
      name: "millrace_report_runs_total",
      help: "Runs of daily reports by this process.",
      labelNames: ["report", "status"],
      registers,
    });
    this.failing = new Gauge({
      name: "millrace_report_failing_attempts",
      help: "Most runs in a row that failed of a day of the report, up to its newest run, by whichever process; 0 where all are done.",
      labelNames: ["report"],
      registers,
    });
    if (options.intervalMs === 0) {
      this.lookedAt = null;
      return;
    }
    this.lookedAt = new Gauge({
      name: "millrace_reports_looked_timestamp_seconds",
      help: "When daily reports were last looked after by this process without a failure; before that, the start.",
      registers,
    });
    this.lookedAt.set(this.clock() / 1000);
  }

  ran({ report, status }: ReportRun): void {
    this.runs.inc({ report, status });
  }

  /** @param runs the newest of every report and day */
  looked(runs: readonly ReportRun[]): void {
    for (const { name } of dailyReports) {
      const failing = runs.filter(({ report, status }) => report === name && status === "failed");
      this.failing.set({ report: name }, Math.max(0, ...failing.map(({ attempt }) => attempt)));
    }
    this.lookedAt?.set(this.clock() / 1000);
  }
}

/** A run in words for the log, with its fields. */
export function toldRun({ report, day, status, attempt, rows, message, startedAt, finishedAt }: ReportRun): {
  readonly fields: object;
  readonly message: string;
} {
  const fields = { report, day: dayText(day), attempt, seconds: (finishedAt - startedAt) / 1000 };
  return status === "done"
    ? { fields: { ...fields, rows }, message: "a daily report is made" }
    : {
        fields: { ...fields, cause: message },
        message: "a daily report could not be made; it is tried again",
      };
}
