import type { EventLog } from "../../stream/index.ts";
import { type Alert, READ_LIMITS } from "../../stream/index.ts";
import { ALERTS_TOPIC } from "../platform/topics.ts";

/** The alerts of a log that hold at its end, by id: of each the newest revision, if it was not retracted. */
export async function standingAlerts(log: EventLog): Promise<ReadonlyMap<string, Alert>> {
  const newest = new Map<string, Alert>();
  const { begin, end } = await log.offsets(ALERTS_TOPIC, 0);
  const reader = await log.reader(ALERTS_TOPIC, 0, begin);
  try {
    while (reader.position < end) {
      const batch = reader.read(READ_LIMITS);
      if (batch === null) break;
      for (let i = 0; i < batch.count; i++) {
        const alert = JSON.parse(
          Buffer.from(batch.bytes.subarray(batch.starts[i], batch.ends[i])).toString(),
        ) as Alert;
        if ((newest.get(alert.id)?.revision ?? 0) < alert.revision) newest.set(alert.id, alert);
      }
    }
  } finally {
    reader.close();
  }
  for (const [id, { status }] of newest) if (status === "retracted") newest.delete(id);
  return newest;
}
