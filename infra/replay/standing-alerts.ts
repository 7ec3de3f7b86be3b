import type { Alert } from "../../stream/index.ts";

/**
 * The alerts that hold behind all of the given ones, by id: of each the newest revision, unless that
 * takes it back. How many revisions came before depends on which task or topic was read first; what holds
 * at the end does not.
 */
export function standingAlerts(alerts: Iterable<Alert>): ReadonlyMap<string, Alert> {
  const newest = new Map<string, Alert>();
  for (const alert of alerts) {
    if ((newest.get(alert.id)?.revision ?? 0) < alert.revision) newest.set(alert.id, alert);
  }
  for (const [id, { status }] of newest) if (status === "retracted") newest.delete(id);
  return newest;
}

/** Them as texts, without the number of the revision. */
export function standingTexts(alerts: Iterable<Alert>): ReadonlyMap<string, string> {
  return new Map(
    [...standingAlerts(alerts)].map(([id, { revision: _, ...alert }]) => [id, JSON.stringify(alert)]),
  );
}
