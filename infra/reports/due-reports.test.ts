import { describe, expect, it } from "vitest";
import { DAY_MS, dayText } from "./daily-report.ts";
import { type DueOptions, dueReports } from "./due-reports.ts";
import type { ReportRun } from "./report-run.ts";
import { dailyReports } from "./reports.ts";

const HOUR = 3_600_000;
/** Midnight behind the day that is yesterday. */
const MIDNIGHT = Date.UTC(2026, 0, 10);

const due = (at: number, options: Partial<DueOptions> = {}): string[] =>
  dueReports(dailyReports, { now: at, daysBack: 1, runs: [], ...options }).map(
    ({ report, day, previous }) => `${dayText(day)} ${report.name}${previous === null ? "" : " again"}`,
  );

function run(changes: Partial<ReportRun>): ReportRun {
  const day = MIDNIGHT - DAY_MS;
  return {
    ...{
      report: "user-segments",
      day,
      status: "done",
      attempt: 1,
      rows: 3,
      message: null,
      failingSince: null,
    },
    ...{ startedAt: MIDNIGHT + HOUR, finishedAt: MIDNIGHT + HOUR + 1000 },
    ...changes,
  };
}

describe("reports that are due", () => {
  it("are those of yesterday, each from its hour on", () => {
    const yesterday = (...names: string[]): string[] => names.map((name) => `2026-01-09 ${name}`);
    expect(due(MIDNIGHT + HOUR - 1)).toEqual([
      "2026-01-08 user-segments",
      "2026-01-08 top-products",
      "2026-01-08 category-conversion",
    ]);
    expect(due(MIDNIGHT + HOUR)).toEqual([
      "2026-01-08 top-products",
      "2026-01-08 category-conversion",
      ...yesterday("user-segments"),
    ]);
    expect(due(MIDNIGHT + 3 * HOUR)).toEqual(
      yesterday("user-segments", "top-products", "category-conversion"),
    );
    expect(due(MIDNIGHT + DAY_MS)).toEqual(yesterday("user-segments", "top-products", "category-conversion"));
  });

  it("are those of days that were missed, the oldest first, and none that was made", () => {
    const runs = [
      run({}),
      run({ day: MIDNIGHT - 3 * DAY_MS }),
      run({ report: "top-products", startedAt: MIDNIGHT + 2 * HOUR }),
    ];
    const missed = due(MIDNIGHT + 2 * HOUR, { daysBack: 3, runs }).filter(
      (each) => !each.includes("conversion"),
    );
    expect(missed).toEqual([
      "2026-01-07 top-products",
      "2026-01-08 user-segments",
      "2026-01-08 top-products",
    ]);
  });

  it("are made again where somebody made them before they were due", () => {
    const early = run({ startedAt: MIDNIGHT + HOUR - 1 });
    const onTime = run({ startedAt: MIDNIGHT + HOUR });
    const names = (one: ReportRun) => due(MIDNIGHT + HOUR, { runs: [one] });
    expect(names(early)).toContain("2026-01-09 user-segments again");
    expect(names(onTime).filter((name) => name.includes("user-segments"))).toEqual([]);
  });

  it("are tried again where they failed, after a wait that doubles up to six hours", () => {
    const at = MIDNIGHT + 2 * DAY_MS;
    const again = (attempt: number, waitedMs: number): boolean =>
      due(at, {
        daysBack: 3,
        runs: [run({ status: "failed", attempt, finishedAt: at - waitedMs, failingSince: MIDNIGHT })],
      }).includes("2026-01-09 user-segments again");
    const minute = 60_000;
    expect([again(1, 10 * minute - 1), again(1, 10 * minute)]).toEqual([false, true]);
    expect([again(3, 40 * minute - 1), again(3, 40 * minute)]).toEqual([false, true]);
    expect([again(20, 6 * HOUR - 1), again(20, 6 * HOUR)]).toEqual([false, true]);
  });
});
