import type { SlotArray, StateSection, TextColumn } from "../../../schema/index.ts";
import { KeyedSlots } from "../../operators/keyed-slots.ts";
import type { OrderLine, OrderMarks } from "./refund-bookings.ts";

/** Refunds of payments kept of one order; later ones are left out. */
const REFUNDS_MAX = 32;
/** Lines kept of one order; an order with more is refunded as far as these go. */
const LINES_MAX = 1000;
const Time = { first: 0, void: 1, fail: 2, success: 3 } as const;
const TIMES = 4;
const Whole = { lines: 0, lineCount: 1, refunds: 2, refundCount: 3, revision: 4, isBooked: 5 } as const;
const WHOLES = 6;
/** A line or a refund: (time, amount), (key, currency, next entry + 1). */
const ENTRY_NUMBERS = 2;
const ENTRY_WHOLES = 3;
const USED = 0;
const FREE = 1;

export type Mark = "void" | "fail" | "success";

/** What each order of a task has bought, and what became of it; a slot an order. */
export class OrderAccounts {
  private readonly slots: KeyedSlots;
  private readonly times: SlotArray<Float64Array>;
  private readonly wholes: SlotArray<Int32Array>;
  private readonly entryNumbers: SlotArray<Float64Array>;
  private readonly entryWholes: SlotArray<Int32Array>;
  private readonly numbers: SlotArray<Int32Array>;

  constructor(section: StateSection) {
    this.times = section.float64("order-times");
    this.wholes = section.int32("order-wholes");
    this.slots = new KeyedSlots(section, "order", [
      [this.times, TIMES],
      [this.wholes, WHOLES],
    ]);
    this.entryNumbers = section.float64("order-entry-numbers");
    this.entryWholes = section.int32("order-entry-wholes");
    this.numbers = section.int32("order-entries");
    this.numbers.ensure(2);
  }

  get size(): number {
    return this.slots.size;
  }

  addLine(orderId: TextColumn, row: number, line: OrderLine): number {
    const slot = this.open(orderId, row, line.timeMs);
    this.addEntry(slot, Whole.lines, LINES_MAX, line);
    return slot;
  }

  addRefund(
    orderId: TextColumn,
    row: number,
    refund: { readonly timeMs: number; readonly currency: number; readonly amountMinor: number },
  ): number {
    const slot = this.open(orderId, row, refund.timeMs);
    this.addEntry(slot, Whole.refunds, REFUNDS_MAX, { key: 0, ...refund });
    return slot;
  }

  /** Notes the earliest time at which something befell the order. */
  mark(orderId: TextColumn, row: number, timeMs: number, mark: Mark): number {
    const slot = this.open(orderId, row, timeMs);
    const at = slot * TIMES + Time[mark];
    this.times.values[at] = Math.min(this.times.values[at], timeMs);
    this.times.mark(at);
    return slot;
  }

  /** Counts the records of an order: a number that rises with what is known of it. */
  countRecord(slot: number): number {
    const at = slot * WHOLES + Whole.revision;
    this.wholes.mark(at);
    this.wholes.values[at] += 1;
    return this.wholes.values[at];
  }

  hasLines(slot: number): boolean {
    return this.wholes.values[slot * WHOLES + Whole.lineCount] > 0;
  }

  /** Whether bookings of the order were sent. */
  isBooked(slot: number): boolean {
    return this.wholes.values[slot * WHOLES + Whole.isBooked] === 1;
  }

  setBooked(slot: number): void {
    const at = slot * WHOLES + Whole.isBooked;
    this.wholes.values[at] = 1;
    this.wholes.mark(at);
  }

  linesOf(slot: number): OrderLine[] {
    return this.entriesOf(slot, Whole.lines);
  }

  marksOf(slot: number): OrderMarks {
    const t = slot * TIMES;
    return {
      voidTime: this.times.values[t + Time.void],
      failTime: this.times.values[t + Time.fail],
      successTime: this.times.values[t + Time.success],
      refunds: this.entriesOf(slot, Whole.refunds),
    };
  }

  /** Forgets every order of which the first record is of before that time. */
  dropBefore(timeMs: number): void {
    this.slots.each((slot) => {
      if (this.times.values[slot * TIMES + Time.first] >= timeMs) return;
      this.freeEntries(slot, Whole.lines);
      this.freeEntries(slot, Whole.refunds);
      this.slots.remove(slot);
    });
  }

  afterRestore(): void {
    this.slots.afterRestore();
  }

  private open(orderId: TextColumn, row: number, timeMs: number): number {
    const { slot, isNew } = this.slots.open(orderId, row);
    if (!isNew) return slot;
    const at = slot * TIMES;
    this.times.values.fill(Number.POSITIVE_INFINITY, at, at + TIMES);
    this.times.values[at + Time.first] = timeMs;
    return slot;
  }

  private addEntry(
    slot: number,
    list: typeof Whole.lines | typeof Whole.refunds,
    max: number,
    entry: OrderLine,
  ): void {
    const head = slot * WHOLES + list;
    const wholes = this.wholes.values;
    if (wholes[head + 1] >= max) return;
    const at = this.takeEntry();
    this.entryNumbers.values.set([entry.timeMs, entry.amountMinor], at * ENTRY_NUMBERS);
    this.entryWholes.values.set([entry.key, entry.currency, wholes[head]], at * ENTRY_WHOLES);
    this.entryNumbers.mark(at * ENTRY_NUMBERS);
    this.entryWholes.markRange(at * ENTRY_WHOLES, (at + 1) * ENTRY_WHOLES);
    wholes[head] = at + 1;
    wholes[head + 1] += 1;
    this.wholes.markRange(head, head + 2);
  }

  private entriesOf(slot: number, list: number): OrderLine[] {
    const entries: OrderLine[] = [];
    const wholes = this.entryWholes.values;
    for (
      let at = this.wholes.values[slot * WHOLES + list] - 1;
      at >= 0;
      at = wholes[at * ENTRY_WHOLES + 2] - 1
    ) {
      const numbers = at * ENTRY_NUMBERS;
      entries.push({
        key: wholes[at * ENTRY_WHOLES],
        currency: wholes[at * ENTRY_WHOLES + 1],
        timeMs: this.entryNumbers.values[numbers],
        amountMinor: this.entryNumbers.values[numbers + 1],
      });
    }
    return entries;
  }

  private takeEntry(): number {
    const numbers = this.numbers.values;
    this.numbers.mark(0);
    const free = numbers[FREE] - 1;
    if (free >= 0) {
      numbers[FREE] = this.entryWholes.values[free * ENTRY_WHOLES + 2];
      return free;
    }
    const at = numbers[USED]++;
    this.entryNumbers.ensure((at + 1) * ENTRY_NUMBERS);
    this.entryWholes.ensure((at + 1) * ENTRY_WHOLES);
    return at;
  }

  private freeEntries(slot: number, list: number): void {
    const wholes = this.entryWholes.values;
    let at = this.wholes.values[slot * WHOLES + list] - 1;
    while (at >= 0) {
      const next = wholes[at * ENTRY_WHOLES + 2] - 1;
      wholes[at * ENTRY_WHOLES + 2] = this.numbers.values[FREE];
      this.entryWholes.mark(at * ENTRY_WHOLES + 2);
      this.numbers.values[FREE] = at + 1;
      at = next;
    }
    this.numbers.mark(0);
  }
}
