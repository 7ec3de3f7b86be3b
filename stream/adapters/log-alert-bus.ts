import { MillraceError, utf8Decoder } from "../../schema/index.ts";
import { type Alert, type AlertBus, alertRecordId, type PositionedAlert } from "../ports/alert-bus.ts";
import type { EventLog, LogReader } from "../ports/event-log.ts";
import type { UniqueEntry } from "./log-writes.ts";

/** What the bus needs of an event log: one that keeps an index of record ids beside a partition. */
export interface AlertLog extends Pick<EventLog, "offsets" | "reader"> {
  appendUnique(topic: string, partition: number, entries: readonly UniqueEntry[]): Promise<number>;
  /**
   * For a log whose processes share no index, so that a repeat can get into it: whether the record at
   * the offset is a later one of the id. Every reader drops it.
   */
  isRepeat?(id: string, offset: number): Promise<boolean>;
}

export const ALERTS_TOPIC = "alerts";
const PARTITION = 0;
const READ_LIMITS = { recordsMax: 256, bytesMax: 1 << 20 };
/** A wait only has to end for a look at the signal, which ends it anyway. */
const WAIT_MS = 60_000;

const utf8Encoder = new TextEncoder();

/**
 * AlertBus over the one partition of the topic `alerts`: an alert is one JSON record, its cursor the
 * record's partition and offset. No cursor points to an alert that the death of a process takes back; what a power
 * loss does is the log's to say. The index of ids is kept by the log in
 * the append's transaction and is as bounded as the topic: a repeat that comes after retention has
 * dropped the first one is published again.
 *
 * Each subscription has its own reader; a slow one holds a position, never a queue.
 */
export class LogAlertBus implements AlertBus {
  private readonly log: AlertLog;
  private readonly topic: string;
  private readonly readers = new Set<LogReader>();
  private closed = false;

  /** The log has to hold the topic, with one partition; it is not closed with the bus. */
  constructor(log: AlertLog, topic: string = ALERTS_TOPIC) {
    this.log = log;
    this.topic = topic;
  }

  async publish(alerts: readonly Alert[]): Promise<void> {
    if (this.closed) throw closedError();
    if (alerts.length === 0) return;
    const entries = alerts.map((alert) => ({
      id: alertRecordId(alert),
      value: utf8Encoder.encode(JSON.stringify(alert)),
    }));
    await this.log.appendUnique(this.topic, PARTITION, entries);
  }

  /** The position is taken at the call, not at the first `next`. */
  subscribe(after: string | null, signal: AbortSignal): AsyncIterable<PositionedAlert> {
    const opening = this.open(after);
    // Whoever iterates gets the error; a subscription that is never iterated must not end the process, nor keep its
    // reader: one that ends before the first `next` never enters the generator.
    const close = (): void => void opening.then((reader) => this.end(reader)).catch(() => undefined);
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    else opening.catch(() => undefined);
    return this.tail(opening, signal, close);
  }

  async position(of: "oldest" | "next"): Promise<string> {
    const { begin, end } = await this.log.offsets(this.topic, PARTITION);
    return cursorOf((of === "oldest" ? begin : end) - 1);
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const reader of this.readers) reader.close();
  }

  private async open(after: string | null): Promise<LogReader> {
    if (this.closed) throw closedError();
    const { begin, end } = await this.log.offsets(this.topic, PARTITION);
    const offset = after === null ? end : after === "begin" ? begin : cursorOffset(after) + 1;
    try {
      const reader = await this.log.reader(this.topic, PARTITION, offset);
      this.readers.add(reader);
      return reader;
    } catch (error) {
      throw asGap(error);
    }
  }

  private end(reader: LogReader): void {
    this.readers.delete(reader);
    reader.close();
  }

  private async *tail(
    opening: Promise<LogReader>,
    signal: AbortSignal,
    close: () => void,
  ): AsyncGenerator<PositionedAlert> {
    const reader = await opening;
    try {
      while (!signal.aborted && !this.closed) {
        const batch = read(reader);
        if (batch === null) {
          await reader.wait(WAIT_MS);
          continue;
        }
        for (let i = 0; i < batch.count && !signal.aborted && !this.closed; i++) {
          const alert = parseAlert(batch.bytes.subarray(batch.starts[i], batch.ends[i]));
          if (alert === null) continue;
          const offset = batch.baseOffset + i;
          if (this.log.isRepeat !== undefined && (await this.log.isRepeat(alertRecordId(alert), offset)))
            continue;
          yield { alert, cursor: cursorOf(offset) };
        }
      }
    } finally {
      signal.removeEventListener("abort", close);
      this.end(reader);
    }
  }
}

function read(reader: LogReader) {
  try {
    return reader.read(READ_LIMITS);
  } catch (error) {
    throw asGap(error);
  }
}

/** A record that is no alert (another program's) is passed over. */
export function parseAlert(bytes: Uint8Array): Alert | null {
  try {
    const value: unknown = JSON.parse(utf8Decoder.decode(bytes));
    return typeof value === "object" && value !== null && "id" in value ? (value as Alert) : null;
  } catch {
    return null;
  }
}

function cursorOf(offset: number): string {
  return Buffer.from(`${PARTITION}:${offset}`).toString("base64url");
}

/** @throws MillraceError `cursor-invalid` */
function cursorOffset(cursor: string): number {
  // Behind -1 comes the first of all.
  const match = /^0:(-1|\d{1,16})$/.exec(Buffer.from(cursor, "base64url").toString("latin1"));
  if (match !== null) return Number(match[1]);
  throw new MillraceError(
    `${JSON.stringify(cursor.slice(0, 64))} is no cursor of an alert; pass one that a subscription gave`,
    { code: "cursor-invalid", origin: "user" },
  );
}

function asGap(error: unknown): unknown {
  if (!(error instanceof MillraceError) || error.code !== "offset-out-of-range") return error;
  return new MillraceError(
    "alerts after the cursor are not kept any more; query the alerts of the time in between, then subscribe anew",
    { code: "cursor-gap", origin: "user", cause: error },
  );
}

function closedError(): MillraceError {
  return new MillraceError("the alert bus is closed", { code: "alert-bus-closed", origin: "internal" });
}
