import type { QualityStatus } from "../../lakehouse/index.ts";
import type { PlatformLogger } from "../platform/pipeline-runner.ts";
import { startTurns, type Turns, type TurnsDeps } from "../turns/start-turns.ts";
import type { QualityReport } from "./run-quality.ts";

export interface ScheduledQualityDeps extends Omit<TurnsDeps, "run" | "onFailure"> {
  readonly run: (signal: AbortSignal) => Promise<QualityReport>;
  readonly logger: PlatformLogger;
}

export interface ScheduledQuality extends Turns {
  status(): QualityStatus;
}

/** Checks the tables in every turn, see {@link startTurns}; runs and what they found are logged and counted. */
export function startQuality({ run, logger, ...turns }: ScheduledQualityDeps): ScheduledQuality {
  let status: QualityStatus = { runs: 0, failures: 0, newest: null };
  const { stop } = startTurns({
    ...turns,
    async run(signal) {
      const report = await run(signal);
      status = { ...status, runs: status.runs + 1, newest: report };
      logReport(report, logger);
    },
    onFailure(err) {
      status = { ...status, failures: status.failures + 1 };
      logger.warn({ err }, "the tables could not be checked; it is tried again");
    },
  });
  return { status: () => status, stop };
}

function logReport({ results, seconds }: QualityReport, logger: PlatformLogger): void {
  const count = (wanted: string): number => results.filter((result) => result.status === wanted).length;
  for (const { table, check, severity, status, measured, threshold, rows, note } of results) {
    if (status === "failed")
      logger.warn({ table, check, severity, measured, threshold, rows, note }, "a check of the data failed");
  }
  const counts = { passed: count("passed"), failed: count("failed"), unknown: count("unknown") };
  logger.info({ ...counts, seconds }, "the tables were checked");
}
