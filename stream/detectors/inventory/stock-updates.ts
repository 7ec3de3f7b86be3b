import type { SlotArray, StateSection } from "../../../schema/index.ts";
import { NO_REORDER_POINT } from "./stock-levels.ts";

const NONE = -1;
/** Numbers of an update that is kept. */
export const Update = {
  time: 0,
  offset: 1,
  isSnapshot: 2,
  quantity: 3,
  /** The reorder point that it names, or NO_REORDER_POINT. */
  named: 4,
  /** Which of the line's updates of this time it is, from 0. */
  ordinal: 5,
  /** What was reported of it: stock, reorder point, level, demand. */
  stock: 6,
  reorderPoint: 7,
  level: 8,
  demandUnits: 9,
  demandMs: 10,
  /** Revision of its row; of its alert, by level; the level of the alert that holds, or -1. */
  revision: 11,
  alertRevisions: 12,
  alerted: 15,
} as const;
export const STRIDE = 16;
/** Numbers of a line: what held before the oldest update that is kept. */
const STOCK = 0;
const LEVEL = 1;
const REORDER_POINT = 2;
const FIRST = 3;
const LINE = 4;
const COUNT = 0;
const FREE = 1;

/** Where a line's stock stands. */
export interface StockState {
  stock: number;
  level: number;
  reorderPoint: number;
}

/**
 * The updates of each line (a product in a warehouse) that a late one may still come in front of, in the
 * order of event time, and what held before them.
 */
export class StockUpdates {
  readonly updates: SlotArray<Float64Array>;
  private readonly nexts: SlotArray<Int32Array>;
  private readonly lines: SlotArray<Float64Array>;
  private readonly numbers: SlotArray<Int32Array>;

  constructor(section: StateSection) {
    this.updates = section.float64("updates");
    this.nexts = section.int32("update-next", NONE);
    this.lines = section.float64("lines");
    this.numbers = section.int32("update-numbers");
    this.numbers.ensure(FREE + 1);
    this.numbers.values[FREE] = NONE;
    this.numbers.mark(0);
  }

  /** A line that has no update yet. */
  open(line: number): void {
    if (this.lines.length >= (line + 1) * LINE) return;
    this.lines.ensure((line + 1) * LINE);
    this.lines.values.set([0, 0, NO_REORDER_POINT, NONE], line * LINE);
    this.lines.markRange(line * LINE, (line + 1) * LINE);
  }

  before(line: number): StockState {
    const { values } = this.lines;
    const at = line * LINE;
    return { stock: values[at + STOCK], level: values[at + LEVEL], reorderPoint: values[at + REORDER_POINT] };
  }

  /** Places of the kept updates of a line in {@link updates}, in order. */
  *of(line: number): IterableIterator<number> {
    for (
      let update = this.lines.values[line * LINE + FIRST];
      update !== NONE;
      update = this.nexts.values[update]
    ) {
      yield update * STRIDE;
    }
  }

  /** Puts an update in its place: behind those of its time, which came before it. */
  insert(
    line: number,
    update: {
      readonly time: number;
      readonly offset: number;
      readonly isSnapshot: boolean;
      readonly quantity: number;
      readonly named: number;
    },
  ): void {
    let before = NONE;
    let ordinal = 0;
    let next = this.lines.values[line * LINE + FIRST];
    while (next !== NONE && this.updates.values[next * STRIDE + Update.time] <= update.time) {
      if (this.updates.values[next * STRIDE + Update.time] === update.time) ordinal += 1;
      before = next;
      next = this.nexts.values[next];
    }
    const slot = this.takeSlot();
    const { time, offset, isSnapshot, quantity, named } = update;
    this.updates.values.fill(0, slot * STRIDE, (slot + 1) * STRIDE);
    this.updates.values.set([time, offset, isSnapshot ? 1 : 0, quantity, named, ordinal], slot * STRIDE);
    this.updates.values[slot * STRIDE + Update.alerted] = NONE;
    this.updates.mark(slot * STRIDE);
    this.setNext(slot, next);
    if (before === NONE) this.setFirst(line, slot);
    else this.setNext(before, slot);
  }

  /** Forgets updates that no admitted one can come in front of; what they left is where the line begins. */
  settle(line: number, closeMs: number): void {
    const at = line * LINE;
    for (
      let update = this.lines.values[at + FIRST];
      update !== NONE && this.updates.values[update * STRIDE + Update.time] < closeMs;
      update = this.lines.values[at + FIRST]
    ) {
      const { values } = this.updates;
      const from = update * STRIDE;
      this.lines.values[at + STOCK] = values[from + Update.stock];
      this.lines.values[at + LEVEL] = values[from + Update.level];
      this.lines.values[at + REORDER_POINT] = values[from + Update.reorderPoint];
      this.setFirst(line, this.nexts.values[update]);
      this.setNext(update, this.numbers.values[FREE]);
      this.numbers.values[FREE] = update;
      this.numbers.mark(0);
    }
  }

  private takeSlot(): number {
    const { values } = this.numbers;
    this.numbers.mark(0);
    const free = values[FREE];
    if (free !== NONE) {
      values[FREE] = this.nexts.values[free];
      return free;
    }
    const slot = values[COUNT];
    values[COUNT] = slot + 1;
    this.updates.ensure((slot + 1) * STRIDE);
    this.nexts.ensure(slot + 1);
    return slot;
  }

  private setNext(update: number, next: number): void {
    this.nexts.values[update] = next;
    this.nexts.mark(update);
  }

  private setFirst(line: number, update: number): void {
    this.lines.values[line * LINE + FIRST] = update;
    this.lines.markRange(line * LINE, (line + 1) * LINE);
  }
}
