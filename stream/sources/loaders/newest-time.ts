import {
  createDecoder,
  type EventContract,
  type Float64Column,
  MillraceError,
} from "../../../schema/index.ts";
import type { EventLog } from "../../ports/event-log.ts";
import { READ_TO_END_RECORDS_MAX, readToEnd } from "../read-to-end.ts";

/** Records at the end of a partition that are looked at: more than are refused, or late, in a row. */
const RECORDS = 500;

/** Newest event time at the end of a partition, ms, as far as its last records tell; `-Infinity` where there are none. */
export async function newestTime(log: EventLog, contract: EventContract, partition: number): Promise<number> {
  const { topic } = contract;
  const { end } = await log.offsets(topic, partition);
  const time = contract.fields.findIndex(({ name }) => name === contract.timeField);
  // What is after its own ingest time is no measure of the others, and may be refused.
  const decoder = createDecoder(contract, { capacity: READ_TO_END_RECORDS_MAX, futureSkewMs: 0 });
  let newest = Number.NEGATIVE_INFINITY;
  try {
    await readToEnd(log, { topic, partition, offset: end - RECORDS }, (records) => {
      const batch = decoder.decode(records, 0, records.count);
      const { values } = batch.columns[time] as Float64Column;
      for (let row = 0; row < batch.length; row++) newest = Math.max(newest, values[row]);
    });
  } catch (error) {
    // A transaction that does not settle: what is in front of it tells enough.
    if (!(error instanceof MillraceError && error.code === "log-not-read")) throw error;
  }
  return newest;
}
