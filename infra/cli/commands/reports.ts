import type { Command } from "commander";
import { MillraceError } from "../../../schema/index.ts";
import { HISTORY_QUERIES } from "../../platform/adapters.ts";
import type { Platform } from "../../platform/platform.ts";
import { DAY_MS, type DailyReport, dayText } from "../../reports/daily-report.ts";
import { newestDueDay } from "../../reports/due-reports.ts";
import { eventsAreInLake, REPORT_CLAIMS, reportDeps } from "../../reports/platform-reports.ts";
import { newestRuns, type ReportRun } from "../../reports/report-run.ts";
import { dailyReports, reportNamed } from "../../reports/reports.ts";
import { runDueReports } from "../../reports/run-due-reports.ts";
import { runReport } from "../../reports/run-report.ts";
import { runClaims } from "../../turns/run-claims.ts";
import { type CliIo, interrupted, onInterrupt, ReportedFailure } from "../cli-io.ts";
import { utcDay, wholeNumber } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { wrongUsage } from "../replay-history.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface RunOptions extends Record<string, unknown> {
  readonly day?: number;
  readonly from?: number;
  readonly to?: number;
  readonly json?: boolean;
}

interface StatusOptions extends Record<string, unknown> {
  readonly days: number;
  readonly json?: boolean;
}

const DAYS_MAX = 3_660;
/** Status of a day's report that is due and has no run. */
const NOT_MADE = "not made";
/** How long a pipeline that is at work may take for what it has before it. */
const PROCESSED_WAIT_MS = 30_000;

export function registerReports(program: Command, io: CliIo): void {
  const reports = program
    .command("reports")
    .description("the daily reports: making them now, and what became of each day's");
  withSettings(reports.command("run"), ["reportsDaysBack"])
    .description("make reports now: those that are missing, or all of the days that are named")
    .argument("[names...]", `which: ${dailyReports.map(({ name }) => name).join(", ")}; all unless named`)
    .option("--day <day>", "of this UTC day, such as 2026-01-31, also where it is made already", utcDay)
    .option("--from <day>", "of all days from this one on", utcDay)
    .option("--to <day>", "up to this one; yesterday unless given", utcDay)
    .option("--json", "the runs as one JSON document on standard output")
    .addHelpText(
      "after",
      `
Reports:
${dailyReports.map(({ name, doc, dueAfterMs }) => `  ${name.padEnd(20)} ${doc}; by schedule at ${clockText(dueAfterMs)} UTC`).join("\n")}

A day that is reported again takes the place of what was there; of days that are named no alert tells. Exit code 1 where a report could not be made.

Examples:
  $ millrace reports run
  $ millrace reports run top-products --day 2026-01-31
  $ millrace reports run --from 2019-10-01 --to 2019-10-07      a replayed week`,
    )
    .action((names: string[], options: RunOptions) => run(names, options, io));
  withSettings(reports.command("status"))
    .description("what became of the reports of the last days")
    .option("--days <n>", "so many", wholeNumber(1, DAYS_MAX), 7)
    .option("--json", "one JSON document on standard output")
    .action((options: StatusOptions) => status(options, io));
}

/** `01:00`, of the time since midnight. */
function clockText(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

async function run(names: readonly string[], options: RunOptions, io: CliIo): Promise<void> {
  const wanted = names.length === 0 ? dailyReports : names.map(reportNamed);
  const days = daysOf(options, io.clock());
  const config = configOf(options, io);
  const interruption = onInterrupt();
  const runs: ReportRun[] = [];
  const onRun = (done: ReportRun): void => {
    runs.push(done);
    io.err(`${inWords(done)}\n`);
  };
  try {
    await withPlatform(
      config,
      io,
      { runsWorkers: false, runsQueries: true, queryLimits: HISTORY_QUERIES, interruption },
      (platform) =>
        claimed(platform, io.clock, async (renew) => {
          const making = { reports: wanted, onRun, renew, signal: interruption.signal };
          if (days === null) await makeMissing(platform, making, io);
          else await makeDays(platform, days, making, io);
        }),
    );
  } catch (error) {
    if (interruption.signal.aborted) throw interrupted(`${counted(runs.length)} made before stay`);
    throw error;
  } finally {
    interruption.dispose();
  }
  const made =
    runs.length === 0 ? "no report is missing" : `${counted(runs.length)}; see millrace reports status`;
  io.out(options.json === true ? `${JSON.stringify({ runs: runs.map(asJson) })}\n` : `${made}\n`);
  const failed = runs.filter((each) => each.status === "failed");
  if (failed.length > 0)
    throw new ReportedFailure(`${failed.length} of ${counted(runs.length)} could not be made`);
}

function counted(reports: number): string {
  return reports === 1 ? "1 report" : `${reports} reports`;
}

/** The days that are named; null for those that are missing. */
function daysOf({ day, from, to }: RunOptions, now: number): readonly number[] | null {
  if (day !== undefined && (from !== undefined || to !== undefined))
    throw wrongUsage("--day names one day, --from and --to several: leave out one of them");
  if (to !== undefined && from === undefined) throw wrongUsage("--to needs --from");
  const first = day ?? from;
  if (first === undefined) return null;
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const last = day ?? to ?? today - DAY_MS;
  if (Math.max(first, last) >= today)
    throw wrongUsage(
      `${dayText(Math.max(first, last))} is not over (in UTC); name days before ${dayText(today)}`,
    );
  if (last < first) throw wrongUsage("--from must not be behind --to");
  const count = (last - first) / DAY_MS + 1;
  if (count > DAYS_MAX) throw wrongUsage(`${count} days are more than ${DAYS_MAX}; name fewer`);
  return Array.from({ length: count }, (_, i) => first + i * DAY_MS);
}

/** Nobody else makes reports meanwhile: two runs of a report would give their rows the same revision. */
async function claimed(
  platform: Platform,
  clock: () => number,
  work: (renew: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const claims = runClaims(platform.adapters.objects, REPORT_CLAIMS, clock);
  const turn = clock();
  if (!(await claims.claim(turn))) {
    throw new MillraceError(
      "another process makes reports just now, or was killed while it did less than an hour ago; try again later",
      { code: "reports-under-way", origin: "user", retry: true },
    );
  }
  try {
    await work(() => claims.renew(turn));
  } finally {
    await claims.finish(turn);
  }
}

interface Making {
  readonly reports: readonly DailyReport[];
  readonly onRun: (run: ReportRun) => void;
  readonly renew: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** What the schedule would make, now. */
async function makeMissing(
  platform: Platform,
  { reports, ...making }: Making,
  { clock, err }: CliIo,
): Promise<void> {
  const { queryEngine, config } = platform;
  const { reportsDaysBack: daysBack, fileBytesMax } = config;
  const isProcessed = (): Promise<boolean> => {
    err("looking whether all events are processed\n");
    return eventsAreInLake(platform, { waitMs: PROCESSED_WAIT_MS, signal: making.signal });
  };
  const deps = { ...reportDeps(platform, { queryEngine, clock }), isProcessed };
  if (await runDueReports(reports, deps, { ...making, daysBack, fileBytesMax })) return;
  throw new MillraceError(
    "events wait to be processed, and would be missing in the reports: start the platform (millrace up), or name the days that are to be made without them",
    { code: "not-processed", origin: "user", retry: true },
  );
}

/** Named days, whatever became of them. */
async function makeDays(
  platform: Platform,
  days: readonly number[],
  { reports, onRun, renew, signal }: Making,
  { clock, err }: CliIo,
): Promise<void> {
  const { queryEngine, config } = platform;
  if (!(await eventsAreInLake(platform, { waitMs: 0, signal })))
    err("some events are not processed yet, and not in these reports\n");
  const deps = reportDeps(platform, { queryEngine, clock });
  const options = { fileBytesMax: config.fileBytesMax, tells: false, signal };
  const before = await newestRuns(queryEngine, days[0], signal);
  for (const day of days) {
    for (const report of reports) {
      const previous = before.find((each) => each.report === report.name && each.day === day) ?? null;
      await renew();
      onRun(await runReport({ report, day, previous }, deps, options));
    }
  }
}

async function status(options: StatusOptions, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  const now = io.clock();
  const last = Math.max(...dailyReports.map((report) => newestDueDay(report, now)));
  const first = last - (options.days - 1) * DAY_MS;
  const runs = await withPlatform(config, io, { runsWorkers: false, runsQueries: true }, ({ queryEngine }) =>
    newestRuns(queryEngine, first),
  );
  const days = Array.from({ length: options.days }, (_, i) => last - i * DAY_MS);
  const known = days
    .flatMap((day) =>
      dailyReports.map((report) => {
        const made = runs.find((each) => each.report === report.name && each.day === day) ?? null;
        return { day: dayText(day), report: report.name, made, isDue: day <= newestDueDay(report, now) };
      }),
    )
    .filter(({ made, isDue }) => made !== null || isDue);
  if (options.json === true) {
    const shown = known.map(({ day, report, made }) =>
      made === null ? { report, day, status: NOT_MADE } : asJson(made),
    );
    io.out(`${JSON.stringify({ runs: shown })}\n`);
    return;
  }
  const heading = ["day", "report", "status", "attempt", "rows", "made at"];
  const rows = known.map(({ day, report, made }) =>
    made === null
      ? [day, report, NOT_MADE, "", "", ""]
      : [day, report, made.status, made.attempt, made.rows ?? "", new Date(made.finishedAt).toISOString()],
  );
  const remarks = known.flatMap(({ day, report, made }) =>
    made === null || made.message === null ? [] : [`${day} ${report}: ${made.message}\n`],
  );
  io.out(`${textTable([heading, ...rows], "")}${remarks.length > 0 ? `\n${remarks.join("")}` : ""}`);
}

function inWords({ day, report, status: came, rows, message, startedAt, finishedAt }: ReportRun): string {
  const seconds = ((finishedAt - startedAt) / 1000).toFixed(1);
  const what = came === "done" ? `${rows} rows (${seconds} s)` : `failed: ${message}`;
  return `${dayText(day)} ${report}: ${what}`;
}

function asJson({ day, startedAt, finishedAt, failingSince, ...run }: ReportRun): object {
  return {
    ...run,
    day: dayText(day),
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(finishedAt).toISOString(),
    failingSince: failingSince === null ? null : new Date(failingSince).toISOString(),
  };
}
