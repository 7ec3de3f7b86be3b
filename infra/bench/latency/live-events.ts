import { type AppendBatch, createReferenceEvents, type ReferenceEvents } from "../../../stream/index.ts";

const TIME_MARK = Buffer.from('"eventTime":');
const TIME_DIGITS = 13;
const START_TIME = Date.UTC(2026, 0, 1);
const EVENTS_PER_MS = 5;

/** The reference events with their times moved to now; disorder stays as it is. */
export class LiveEvents {
  private readonly source: ReferenceEvents;
  private readonly chunkEvents: number;
  private taken = 0;

  constructor(options: { readonly partitions: number; readonly seed: number; readonly chunkEvents: number }) {
    this.chunkEvents = options.chunkEvents;
    this.source = createReferenceEvents({
      ...options,
      events: Number.MAX_SAFE_INTEGER,
      startTime: START_TIME,
      // Their times could not be moved.
      malformedShare: 0,
    });
  }

  /** The next chunk, as of the wall clock. */
  next(wallClockMs: number, into: AppendBatch[]): void {
    this.taken += this.chunkEvents;
    const newest = START_TIME + Math.floor(this.taken / EVENTS_PER_MS);
    for (const batch of this.source.next() ?? []) {
      moveTimes(batch, wallClockMs - newest);
      into.push(batch);
    }
  }
}

function moveTimes(batch: AppendBatch, byMs: number): void {
  const bytes = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.length);
  for (let i = 0; i < batch.count; i++) {
    const at = bytes.indexOf(TIME_MARK, batch.starts[i]) + TIME_MARK.length;
    const time = Number(bytes.toString("latin1", at, at + TIME_DIGITS));
    bytes.write(String(time + byMs), at, TIME_DIGITS, "latin1");
  }
}
