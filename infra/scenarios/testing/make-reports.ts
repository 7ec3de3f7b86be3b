import type { Platform } from "../../platform/platform.ts";
import { eventsAreInLake, reportDeps } from "../../reports/platform-reports.ts";
import { newestRuns } from "../../reports/report-run.ts";
import { dailyReports } from "../../reports/reports.ts";
import { runReport } from "../../reports/run-report.ts";

/** Makes every daily report of UTC days, `2026-01-31`, from what the lake has; throws where one fails, or is not recorded. */
export async function makeReports(platform: Platform, days: readonly string[]): Promise<void> {
  const { queryEngine, config } = platform;
  const signal = new AbortController().signal;
  if (!(await eventsAreInLake(platform, { waitMs: 0, signal })))
    throw new Error("events wait to be processed");
  const deps = reportDeps(platform, { queryEngine, clock: Date.now });
  const options = { fileBytesMax: config.fileBytesMax, tells: true, signal };
  const made = new Map<string, number | null>();
  for (const day of days.map((text) => Date.parse(text))) {
    for (const report of dailyReports) {
      const run = await runReport({ report, day, previous: null }, deps, options);
      if (run.status === "failed") throw new Error(`${report.name} of ${day}: ${run.message}`);
      made.set(`${day} ${report.name}`, run.rows);
    }
  }
  const recorded = await newestRuns(queryEngine, Date.parse(days[0]));
  const same = recorded.filter(({ day, report, rows }) => made.get(`${day} ${report}`) === rows);
  if (same.length !== made.size) throw new Error(`recorded are ${JSON.stringify(recorded)}`);
}
