import { customerEventContract, encodeJson } from "../../../schema/index.ts";
import type { EventLog } from "../../../stream/index.ts";

/** Appends page views `e-FROM` and so many more, of a user each, to the first partition of customer events. */
export async function appendPageViews(log: EventLog, from: number, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => {
    const eventId = `e-${from + i}`;
    const event = { eventId, eventType: "page_view", eventTime: Date.now(), userId: `u-${from + i}` };
    return encodeJson(customerEventContract, event as never);
  });
  let at = 0;
  const starts = Int32Array.from(events, ({ length }) => {
    at += length;
    return at - length;
  });
  const ends = Int32Array.from(events, ({ length }, i) => starts[i] + length);
  const { topic } = customerEventContract;
  await log.append([{ topic, partition: 0, count, bytes: Buffer.concat(events), starts, ends }]);
}
