import { createDecoder, type EventContract, type Float64Column } from "../../../schema/index.ts";
import type { EventLog } from "../../ports/event-log.ts";

/** Records at the end of a partition that are looked at: more than are refused, or late, in a row. */
const RECORDS = 500;
const BYTES_MAX = 1 << 24;
const WAIT_MS = 500;
const WAITS_MAX = 20;

/** Newest event time at the end of a partition, ms, as far as its last records tell; `-Infinity` where there are none. */
export async function newestTime(log: EventLog, contract: EventContract, partition: number): Promise<number> {
  const { topic } = contract;
  const { begin, end } = await log.offsets(topic, partition);
  if (begin === end) return Number.NEGATIVE_INFINITY;
  const time = contract.fields.findIndex(({ name }) => name === contract.timeField);
  // What is after its own ingest time is no measure of the others, and may be refused.
  const decoder = createDecoder(contract, { capacity: RECORDS, futureSkewMs: 0 });
  const reader = await log.reader(topic, partition, Math.max(begin, end - RECORDS));
  let newest = Number.NEGATIVE_INFINITY;
  try {
    for (let waits = 0; reader.position < end && waits < WAITS_MAX; ) {
      const records = reader.read({ recordsMax: RECORDS, bytesMax: BYTES_MAX });
      if (records === null) {
        waits++;
        await reader.wait(WAIT_MS);
      } else if (records.control === "data") {
        const batch = decoder.decode(records, 0, records.count);
        const { values } = batch.columns[time] as Float64Column;
        for (let row = 0; row < batch.length; row++) newest = Math.max(newest, values[row]);
      }
    }
  } finally {
    reader.close();
  }
  return newest;
}
