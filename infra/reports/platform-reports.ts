import { Counter, Gauge, type Registry } from "prom-client";
import { eventLoopScheduling, lowestWatermark } from "../../stream/index.ts";
import { HISTORY_QUERIES, retryEnvironment } from "../platform/adapters.ts";
import type { Platform, PlatformLogger } from "../platform/platform.ts";
import { fileNonce } from "../platform/publish-sinks.ts";
import { runClaims } from "../turns/run-claims.ts";
import { startTurns, type Turns } from "../turns/start-turns.ts";
import type { ReportRun } from "./report-run.ts";
import { dailyReports } from "./reports.ts";
import { runDueReports } from "./run-due-reports.ts";

/** Where the platform's processes, and commands, see to it that reports are made by one of them at a time. */
export const REPORT_CLAIMS = "reports/turns/";

/** Makes a platform's daily reports as they fall due; of several processes one at a time does. */
export function platformReports(platform: Platform, logger: PlatformLogger, registry: Registry): Turns {
  const { adapters, config } = platform;
  const told = runMetrics(registry);
  return startTurns({
    intervalMs: config.reportsIntervalMs,
    clock: Date.now,
    after: eventLoopScheduling.after,
    claims: runClaims(adapters.objects, REPORT_CLAIMS, Date.now),
    async run(signal) {
      await platform.refreshTasks();
      // One of its own: what the API asks for must not wait behind it.
      const queryEngine = adapters.openQueryEngine(HISTORY_QUERIES);
      try {
        await runDueReports(
          dailyReports,
          { ...adapters, ...retryEnvironment, queryEngine, clock: Date.now, nonce: fileNonce },
          {
            daysBack: config.reportsDaysBack,
            watermark: lowestWatermark(platform),
            fileBytesMax: config.fileBytesMax,
            signal,
            onRun(run) {
              told(run);
              logRun(run, logger);
            },
          },
        );
      } finally {
        await queryEngine.close();
      }
    },
    onFailure: (err) => logger.warn({ err }, "daily reports could not be looked after; it is tried again"),
  });
}

function logRun(
  { report, day, status, attempt, rows, message, startedAt, finishedAt }: ReportRun,
  logger: PlatformLogger,
): void {
  const fields = {
    report,
    day: new Date(day).toISOString().slice(0, 10),
    attempt,
    seconds: (finishedAt - startedAt) / 1000,
  };
  if (status === "done") logger.info({ ...fields, rows }, "a daily report is made");
  else logger.warn({ ...fields, message }, "a daily report could not be made; it is tried again");
}

function runMetrics(registry: Registry): (run: ReportRun) => void {
  const registers = [registry];
  const runs = new Counter({
    name: "millrace_report_runs_total",
    help: "Runs of daily reports by this process.",
    labelNames: ["report", "status"],
    registers,
  });
  const failing = new Gauge({
    name: "millrace_report_failing_attempts",
    help: "Runs in a row of a daily report and day that failed, up to the newest run of the report; 0 where that is done.",
    labelNames: ["report"],
    registers,
  });
  return ({ report, status, attempt }) => {
    runs.inc({ report, status });
    failing.set({ report }, status === "failed" ? attempt : 0);
  };
}
