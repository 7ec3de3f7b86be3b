import { type AppendBatch, TopicWriter } from "../../../stream/index.ts";

/**
 * A probe is an order so large that the rule order-amount raises an alert for it, and so large for somebody
 * without a visit that the fraud model that ships holds it.
 */
export const PROBE_TOTAL_MINOR = 100_000_000;
export const PROBE_KINDS = ["order-amount", "fraud"] as const;
export type ProbeKind = (typeof PROBE_KINDS)[number];
/** Shared clock at which the first alert of each probe came, by kind and index. */
export type ProbeTimes = Readonly<Record<ProbeKind, number[]>>;
const ORDER_ID = /probe-(\d{8})/;
/** Every probe has a user of its own, so that no other rule speaks. */
const USER_PREFIX = "probe-user-";

export class ProbeWriter {
  private readonly writer: TopicWriter;

  constructor(partitions: number) {
    this.writer = new TopicWriter("orders", partitions, 4096);
  }

  /** The order of one probe as an append. */
  write(index: number, wallClockMs: number, into: AppendBatch[]): void {
    const userId = probeUserId(index);
    const order = {
      eventId: `probe-event-${index}`,
      orderId: `probe-${String(index).padStart(8, "0")}`,
      orderTime: wallClockMs,
      userId,
      status: "placed",
      currency: "USD",
      totalMinor: PROBE_TOTAL_MINOR,
      itemCount: 1,
    };
    this.writer.put(userId, JSON.stringify(order));
    this.writer.drain(into);
  }
}

/** The user of a probe, whose partition it goes to. */
export function probeUserId(index: number): string {
  return `${USER_PREFIX}${index}`;
}

/** Index of the probe that a record or an alert is about, or -1. */
export function probeIndex(text: string): number {
  const match = ORDER_ID.exec(text);
  return match === null ? -1 : Number(match[1]);
}
