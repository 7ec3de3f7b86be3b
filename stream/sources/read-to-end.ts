import { MillraceError, type RecordBatch } from "../../schema/index.ts";
import type { EventLog } from "../ports/event-log.ts";

const READ = { recordsMax: 1_000, bytesMax: 1 << 20 };
/** Most records of a batch that {@link readToEnd} hands over. */
export const READ_TO_END_RECORDS_MAX = READ.recordsMax;
const WAIT_MS = 100;
/** Waits in a row without a record after which the log is taken for one that does not answer. */
const WAITS_MAX = 100;

/** A partition, and the offset to read from; what is no longer kept is passed over. */
export interface ReadFrom {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Hands over the records that a partition holds now, from the offset on, transactions that are not settled yet
 * included: they are waited for. Rejects with `log-not-read` (retry) where the log does not give them.
 */
export async function readToEnd(
  log: EventLog,
  { topic, partition, offset }: ReadFrom,
  take: (records: RecordBatch) => void,
): Promise<void> {
  const { begin, end } = await log.offsets(topic, partition);
  const from = Math.max(begin, offset);
  if (from >= end) return;
  const reader = await log.reader(topic, partition, from);
  try {
    for (let waits = 0; reader.position < end; ) {
      const records = reader.read(READ);
      if (records?.control === "data") take(records);
      waits = records === null ? waits + 1 : 0;
      if (waits > WAITS_MAX) throw unread(`${topic}/${partition}@${reader.position}`);
      if (records === null) await reader.wait(WAIT_MS);
    }
  } finally {
    reader.close();
  }
}

function unread(place: string): MillraceError {
  return new MillraceError(`The log does not give its records from ${place} on. Try again.`, {
    code: "log-not-read",
    origin: "external",
    retry: true,
  });
}
