import { utf8Decoder } from "../../../schema/index.ts";
import type { PaneBlockReader } from "../../operators/pane-block.ts";
import type { SummedWindows } from "../../operators/summed-windows.ts";

/** What an order subtracts, as it was sent last. */
interface HeldOrder {
  readonly revision: number;
  /** (time, key as base64, amount). */
  readonly bookings: readonly (readonly [timeMs: number, key: string, amountMinor: number])[];
  /** Time of the newest booking that it ever had: while that window is open, the order is remembered. */
  readonly untilMs: number;
}

/** How often orders whose windows have closed are looked for, in windows. */
const FORGET_EVERY_WINDOWS = 8;

/**
 * Puts the bookings of an order in the place of those that it had before: of several the one made of most
 * records holds, in whatever order and however often they come. Orders are remembered while a window of
 * theirs is open; what is closed nothing changes any more.
 */
export class HeldBookings {
  private readonly windows: SummedWindows;
  private readonly windowMs: number;
  /** By source and order id, as JSON. */
  private orders = new Map<string, HeldOrder>();
  private forgottenMs = Number.NEGATIVE_INFINITY;

  constructor(windows: SummedWindows, windowMs: number) {
    this.windows = windows;
    this.windowMs = windowMs;
  }

  /** Folds a replacement block that is open behind its kind. */
  fold(reader: PaneBlockReader): void {
    const revision = reader.f64();
    reader.f64();
    // Revisions count records of one task, and tasks know nothing of one another's lines: two of them may have
    // purchases under one order id, each with bookings of its own.
    const source = textOf(reader);
    const orderId = textOf(reader);
    const id = JSON.stringify([source, orderId]);
    // Checkpoints of earlier versions have it by the order alone.
    const before = this.orders.get(id) ?? this.orders.get(orderId);
    if (before !== undefined && before.revision >= revision) return;
    const bookings: [number, string, number][] = [];
    let untilMs = before?.untilMs ?? Number.NEGATIVE_INFINITY;
    for (let left = reader.u32(); left > 0; left--) {
      const timeMs = reader.f64();
      reader.text();
      const key = Buffer.from(reader.bytes.subarray(reader.textStart, reader.textEnd)).toString("base64");
      bookings.push([timeMs, key, reader.f64()]);
      untilMs = Math.max(untilMs, timeMs);
    }
    this.orders.delete(orderId);
    this.orders.set(id, { revision, bookings, untilMs });
    this.apply(before?.bookings ?? [], bookings);
    this.forget();
    this.windows.evaluate();
  }

  save(): unknown {
    return [...this.orders];
  }

  restore(saved: unknown): void {
    this.orders = new Map(saved as [string, HeldOrder][]);
  }

  /** Adds what is new and takes back what is not there any more. */
  private apply(before: HeldOrder["bookings"], now: HeldOrder["bookings"]): void {
    const changes = new Map<string, { timeMs: number; key: string; amount: number; count: number }>();
    const add = ([timeMs, key, amount]: HeldOrder["bookings"][number], sign: 1 | -1): void => {
      const id = `${timeMs} ${key}`;
      const change = changes.get(id) ?? { timeMs, key, amount: 0, count: 0 };
      changes.set(id, change);
      change.amount += sign * amount;
      change.count += sign;
    };
    for (const booking of before) add(booking, -1);
    for (const booking of now) add(booking, 1);
    for (const { timeMs, key, amount, count } of changes.values()) {
      if (amount === 0 && count === 0) continue;
      this.windows.add(timeMs, Buffer.from(key, "base64"), [0, 0, 0, amount, count]);
    }
  }

  private forget(): void {
    const closedMs = this.windows.closedMs;
    if (closedMs < this.forgottenMs + FORGET_EVERY_WINDOWS * this.windowMs) return;
    this.forgottenMs = closedMs;
    for (const [id, { untilMs }] of this.orders) if (untilMs < closedMs) this.orders.delete(id);
  }
}

/** The next text of a block. */
function textOf(reader: PaneBlockReader): string {
  reader.text();
  return utf8Decoder.decode(reader.bytes.subarray(reader.textStart, reader.textEnd));
}
