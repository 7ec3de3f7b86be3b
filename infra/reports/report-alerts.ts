import type { Alert } from "../../stream/index.ts";
import { DAY_MS, type DailyReport, dayText, type ReportSummary } from "./daily-report.ts";
import type { ReportRun } from "./report-run.ts";

/** Attempts in a row that fail until somebody is told: servers that are away for a while come back by themselves. */
const FAILURES_TOLD = 3;

/** Says that a report is there, and what it comes to. One that is made again is told of again. */
export function reportAlert(
  report: DailyReport,
  day: number,
  startedAt: number,
  { text, figures }: ReportSummary,
): Alert {
  return {
    ...about(day),
    id: `daily-report:${report.name}:${dayText(day)}:${startedAt}`,
    revision: 1,
    status: "raised",
    kind: "daily-report",
    severity: "low",
    title: `${report.name} of ${dayText(day)}: ${text}`,
    figures: { report: report.name, day: dayText(day), ...figures },
  };
}

/** The alert of a report that has failed several times: the same one for as long as it fails. The bus drops repeats. */
export function failureAlerts(run: ReportRun): Alert[] {
  const { report, day, status, attempt, message, failingSince } = run;
  if (status !== "failed" || attempt < FAILURES_TOLD || failingSince === null) return [];
  return [
    {
      ...failure(report, day, failingSince),
      revision: 1,
      status: "raised",
      title: `${report} of ${dayText(day)} could not be made`,
      figures: { report, day: dayText(day), ...(message !== null && { message }) },
    },
  ];
}

/** Takes the alert of the runs before back, where one was raised. */
export function successAlerts(previous: ReportRun | null): Alert[] {
  if (previous === null || failureAlerts(previous).length === 0 || previous.failingSince === null) return [];
  const { report, day, failingSince } = previous;
  return [
    {
      ...failure(report, day, failingSince),
      revision: 2,
      status: "retracted",
      title: `${report} of ${dayText(day)} is made`,
      figures: { report, day: dayText(day) },
    },
  ];
}

function failure(report: string, day: number, since: number) {
  return {
    ...about(day),
    id: `report-failed:${report}:${dayText(day)}:${since}`,
    kind: "report-failed",
    severity: "medium" as const,
  };
}

function about(day: number) {
  const none = { userId: null, productId: null, orderId: null };
  return { ...none, eventTime: day + DAY_MS, windowStart: day, windowEnd: day + DAY_MS };
}
