import type { Alert } from "../../stream/index.ts";
import type { RecordedResult } from "./quality-rows.ts";

/**
 * The alert of a check of severity error that fails, one for as long as it does, and its retraction once it
 * passes. Said again with every run: the bus drops repeats.
 *
 * @param before since when it failed in the run before, ms; null where it did not
 */
export function qualityAlerts(result: RecordedResult, before: number | null, checkedAt: number): Alert[] {
  if (result.severity !== "error") return [];
  const since = result.failingSince ?? before;
  if (since === null || result.status === "skipped" || result.status === "unknown") return [];
  const { table, check, kind, measured, threshold, rows, note } = result;
  const passes = result.status === "passed";
  return [
    {
      id: `data-quality:${table}:${check}:${since}`,
      revision: passes ? 2 : 1,
      status: passes ? "retracted" : "raised",
      kind: "data-quality",
      severity: "high",
      title: passes ? `${table}: ${check} passes again` : `${table}: ${check} fails`,
      userId: null,
      productId: null,
      orderId: null,
      eventTime: checkedAt,
      windowStart: null,
      windowEnd: null,
      figures: {
        ...{ table, check, checkKind: kind },
        ...(measured !== null && { measured }),
        ...(threshold !== null && { threshold }),
        ...(rows !== null && { rows }),
        ...(note !== null && { note }),
      },
    },
  ];
}
