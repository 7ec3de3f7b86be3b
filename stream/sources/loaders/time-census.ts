import { isEventTime, type TimeRange } from "./time-plan.ts";

/** Event times `[fromMs, toMs)` of a file. */
export interface TimeSlice {
  readonly fromMs: number;
  readonly toMs: number;
}

const MINUTE_MS = 60_000;

/** What a first look at a file tells of its times: their range, their order, and how many lie where. */
export class TimeCensus {
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #inOrder = true;
  readonly #newestByTopic = new Map<string, number>();
  readonly #recordsByMinute = new Map<number, number>();

  add(topic: string, ms: number): void {
    if (isEventTime(ms)) {
      this.#firstMs = Math.min(this.#firstMs, ms);
      this.#lastMs = Math.max(this.#lastMs, ms);
    }
    if (ms < (this.#newestByTopic.get(topic) ?? Number.NEGATIVE_INFINITY)) this.#inOrder = false;
    else this.#newestByTopic.set(topic, ms);
    const minute = Math.floor(ms / MINUTE_MS);
    this.#recordsByMinute.set(minute, (this.#recordsByMinute.get(minute) ?? 0) + 1);
  }

  /** Whether no record of a topic is older than one of the same topic before it. */
  get inOrder(): boolean {
    return this.#inOrder;
  }

  /** Of the times that an event may have; zeros where there is none. */
  get range(): TimeRange {
    return this.#firstMs <= this.#lastMs
      ? { firstMs: this.#firstMs, lastMs: this.#lastMs }
      : { firstMs: 0, lastMs: 0 };
  }

  /** All of the time, oldest first, in slices of so many records at most, or of one minute that has more. */
  slices(recordsMax: number): TimeSlice[] {
    const slices: TimeSlice[] = [];
    let fromMs = Number.NEGATIVE_INFINITY;
    let records = 0;
    for (const [minute, count] of [...this.#recordsByMinute].sort(([a], [b]) => a - b)) {
      if (records > 0 && records + count > recordsMax) {
        slices.push({ fromMs, toMs: minute * MINUTE_MS });
        fromMs = minute * MINUTE_MS;
        records = 0;
      }
      records += count;
    }
    return [...slices, { fromMs, toMs: Number.POSITIVE_INFINITY }];
  }
}
