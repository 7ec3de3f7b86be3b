import { retryEnvironment } from "../../platform/adapters.ts";
import type { Platform } from "../../platform/platform.ts";
import { fileNonce } from "../../platform/publish-sinks.ts";
import { dailyReports } from "../../reports/reports.ts";
import { runReport } from "../../reports/run-report.ts";

/** Makes every daily report of UTC days, `2026-01-31`, from what the lake has; throws where one fails. */
export async function makeReports(platform: Platform, days: readonly string[]): Promise<void> {
  const { adapters, queryEngine, config } = platform;
  const deps = { ...adapters, ...retryEnvironment, queryEngine, clock: Date.now, nonce: fileNonce };
  for (const day of days) {
    for (const report of dailyReports) {
      const run = await runReport(report, Date.parse(day), null, deps, { fileBytesMax: config.fileBytesMax });
      if (run.status === "failed") throw new Error(`${report.name} of ${day}: ${run.message}`);
    }
  }
}
