import type { EventLog } from "./event-log.ts";

/** The values of the records that a partition shows at once, as texts, from the offset on. */
export async function recordTexts(
  log: Pick<EventLog, "reader">,
  topic: string,
  partition = 0,
  offset = 0,
): Promise<string[]> {
  const reader = await log.reader(topic, partition, offset);
  const found: string[] = [];
  for (;;) {
    const batch = reader.read({ recordsMax: 1_000, bytesMax: 1 << 20 });
    if (batch === null) break;
    for (let i = 0; i < batch.count; i++)
      found.push(Buffer.from(batch.bytes.subarray(batch.starts[i], batch.ends[i])).toString());
  }
  reader.close();
  return found;
}
