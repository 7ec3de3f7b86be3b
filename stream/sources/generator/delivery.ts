import type { TopicWriter } from "../batch-writer.ts";
import type { SeededRandom } from "../random.ts";
import type { Schedule } from "./schedule.ts";
import type { ShopOptions } from "./shop-options.ts";

const FAULTS = ["cut-off", "time-not-a-number", "unknown-event-type", "negative-time", "no-user"] as const;

/** A customer event on its way: its type for the counts, its partition, its JSON text. */
export interface ShopEvent {
  readonly type: string;
  readonly partition: number;
  readonly text: string;
}

/**
 * The way from the shop to the log: some customer events arrive twice, late or broken. The bytes are
 * ASCII, one JSON object each. Counts are of what has arrived.
 */
export class Delivery {
  readonly counts = { valid: 0, duplicates: 0, outOfOrder: 0, late: 0, tooLate: 0 };
  /** Well-formed events by type, each once. */
  readonly byType: Record<string, number> = {};
  readonly malformed: Record<string, number> = Object.fromEntries(FAULTS.map((fault) => [fault, 0]));
  /** Records written, of all topics. */
  written = 0;
  readonly #events: TopicWriter;
  readonly #options: ShopOptions;
  readonly #random: SeededRandom;
  readonly #schedule: Schedule;
  readonly #faultShare: number;
  #eventsLeft: number;
  #faults = 0;

  constructor(events: TopicWriter, options: ShopOptions, random: SeededRandom, schedule: Schedule) {
    this.#events = events;
    this.#options = options;
    this.#random = random;
    this.#schedule = schedule;
    this.#eventsLeft = options.customerEventsMax;
    const { malformedShare, duplicateShare, outOfOrderShare, lateShare, tooLateShare } = options;
    this.#faultShare = malformedShare + duplicateShare + outOfOrderShare + lateShare + tooLateShare;
  }

  /** Whether as many customer events have arrived as the options allow. */
  get full(): boolean {
    return this.#eventsLeft <= 0;
  }

  /** A record of another topic: arrives as it is. */
  straight(writer: TopicWriter, partition: number, text: string): void {
    const to = writer.partitions[partition];
    to.begin(text.length);
    to.ascii(text);
    to.end();
    this.written++;
  }

  /** A customer event that happens now. */
  event(now: number, event: ShopEvent): void {
    const draw = this.#random.unit();
    if (draw < this.#faultShare) this.#faulty(now, event, draw);
    else this.planted(event);
  }

  /** A customer event that belongs to the planted truth: arrives once, at its time. */
  planted(event: ShopEvent): void {
    this.#arrive(event, null);
  }

  #faulty(now: number, event: ShopEvent, draw: number): void {
    const options = this.#options;
    let left = draw - options.malformedShare;
    if (left < 0) {
      this.#arriveBroken(event);
      return;
    }
    left -= options.duplicateShare;
    if (left < 0) {
      this.planted(event);
      this.#later(now + this.#random.below(5000), event, "duplicates");
      return;
    }
    left -= options.outOfOrderShare;
    if (left < 0) {
      this.#later(now + this.#random.between(1, 2000), event, "outOfOrder");
      return;
    }
    left -= options.lateShare;
    if (left < 0) this.#later(now + this.#random.between(3000, 50_000), event, "late");
    else this.#later(now + this.#random.between(70_000, 180_000), event, "tooLate");
  }

  #later(time: number, event: ShopEvent, how: Exclude<keyof Delivery["counts"], "valid">): void {
    this.#schedule.once(time, () => this.#arrive(event, how));
  }

  #arrive(event: ShopEvent, how: Exclude<keyof Delivery["counts"], "valid"> | null): void {
    if (!this.#write(event.partition, event.text)) return;
    if (how !== null) this.counts[how]++;
    if (how === "duplicates") return;
    this.counts.valid++;
    this.byType[event.type] = (this.byType[event.type] ?? 0) + 1;
  }

  #arriveBroken(event: ShopEvent): void {
    const fault = FAULTS[this.#faults++ % FAULTS.length];
    if (this.#write(event.partition, this.#mangle(event.text, fault))) this.malformed[fault]++;
  }

  #write(partition: number, text: string): boolean {
    if (this.full) return false;
    this.#eventsLeft--;
    this.straight(this.#events, partition, text);
    return true;
  }

  #mangle(text: string, fault: (typeof FAULTS)[number]): string {
    if (fault === "cut-off") return text.slice(0, 20 + this.#random.below(text.length - 25));
    if (fault === "time-not-a-number") return text.replace(/"eventTime":\d+/, '"eventTime":"yesterday"');
    if (fault === "unknown-event-type") return text.replace(/"eventType":"/, '"eventType":"un');
    if (fault === "negative-time") return text.replace(/"eventTime":/, '"eventTime":-');
    return text.replace(/"userId":"[^"]*",/, "");
  }
}
