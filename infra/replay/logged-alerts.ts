import { type Alert, type EventLog, READ_LIMITS } from "../../stream/index.ts";
import { ALERTS_TOPIC } from "../platform/topics.ts";

/** Every alert of a log, in its order. */
export async function loggedAlerts(log: EventLog): Promise<Alert[]> {
  const alerts: Alert[] = [];
  const { begin, end } = await log.offsets(ALERTS_TOPIC, 0);
  const reader = await log.reader(ALERTS_TOPIC, 0, begin);
  try {
    while (reader.position < end) {
      const batch = reader.read(READ_LIMITS);
      if (batch === null) break;
      for (let i = 0; i < batch.count; i++) {
        const bytes = batch.bytes.subarray(batch.starts[i], batch.ends[i]);
        alerts.push(JSON.parse(Buffer.from(bytes).toString()) as Alert);
      }
    }
  } finally {
    reader.close();
  }
  return alerts;
}
