import {
  createDecoder,
  customerEventContract,
  type EventBatch,
  RECORD_PADDING,
  type RecordBatch,
} from "../../schema/index.ts";
import { createShopEvents, SHOP_DEFAULTS } from "../../stream/index.ts";

const HOUR_MS = 3_600_000;
const DECODE_ROWS = 4096;

/**
 * Customer events of a generated shop from its first hour on, as one partition of a log would give
 * them: without duplicates and malformed records, and without a log.
 */
export async function* generatedEvents(
  hours: number,
  { seed, eventsPerSecond }: { readonly seed: number; readonly eventsPerSecond: number },
): AsyncGenerator<EventBatch> {
  const shop = createShopEvents({ seed, eventsPerSecond, duplicateShare: 0, malformedShare: 0 }, () => 1);
  const decoder = createDecoder(customerEventContract, { capacity: DECODE_ROWS, futureSkewMs: null });
  const end = SHOP_DEFAULTS.startTime + hours * HOUR_MS;
  let baseOffset = 0;
  for (let batches = shop.until(end, DECODE_ROWS); batches !== null; batches = shop.until(end, DECODE_ROWS)) {
    for (const { topic, bytes, starts, ends, count } of batches) {
      if (topic !== customerEventContract.topic) continue;
      const records: RecordBatch = {
        topic,
        partition: 0,
        baseOffset,
        count,
        bytes: Buffer.concat([bytes, Buffer.alloc(RECORD_PADDING)]),
        starts,
        ends,
        ingestedAt: end,
        sequence: 0,
        control: "data",
      };
      baseOffset += count;
      for (let from = 0; from < count; from += DECODE_ROWS) {
        yield decoder.decode(records, from, Math.min(count, from + DECODE_ROWS));
      }
    }
  }
}
