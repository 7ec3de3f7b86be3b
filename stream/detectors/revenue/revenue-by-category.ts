import {
  type CustomerEventBatch,
  KeyDictionary,
  type OrderBatch,
  type PaymentBatch,
  RowFlag,
  StateSection,
  type TextColumn,
} from "../../../schema/index.ts";
import { EventKind, eventKindTable } from "../../operators/event-kinds.ts";
import { PaneBlockKind, PaneBlockWriter } from "../../operators/pane-block.ts";
import { revenueOf } from "../../operators/sessionize.ts";
import { sourceName, WindowSums } from "../../operators/window-sums.ts";
import type { Progress } from "../../runtime/operator.ts";
import type { Detector, DetectorDeps } from "../detector.ts";
import { OrderAccounts } from "./order-accounts.ts";
import { refundBookings } from "./refund-bookings.ts";
import { revenueKey } from "./revenue-key.ts";

export interface RevenueConfig {
  readonly revenueWindowMs: number;
  readonly revenueFailedAfterMs: number;
  readonly revenueKeepMs: number;
}

export const REVENUE = "revenue";
export const PANE_MS = 60_000;
/** Gross, units, purchases, refunded, bookings. */
export const WIDTH = 5;
const TOPICS = ["customer-events", "orders", "payments"] as const;
type RevenueTopic = (typeof TOPICS)[number];
/** How often orders that are too old are looked for, ms of event time. */
const DROP_EVERY_MS = 3_600_000;
const SKIPPED = RowFlag.duplicate | RowFlag.tooLate;
const UNKNOWN = new TextEncoder().encode("unknown");
const NO_CURRENCY = new TextEncoder().encode("XXX");

/** The source of a task's purchases, and those of its bookings: one for each topic that can cause one. */
export function revenueSources(taskId: string): string[] {
  return [sourceName(taskId, TOPICS[0]), ...TOPICS.map((topic) => bookingSource(taskId, topic))];
}

function bookingSource(taskId: string, topic: RevenueTopic): string {
  return sourceName(taskId, `bookings/${topic}`);
}

/**
 * First stage. Gross revenue goes out as sums of panes. What is subtracted for an order follows from
 * three topics, which have no order among them: so each change sends all bookings of the order, which
 * take the place of those before, under the number of its records. They go on one stream with markers of
 * how far each of the topics has come, so that no window closes before what it lacks.
 */
export function createRevenue(config: RevenueConfig, deps: DetectorDeps): Detector {
  const { keys, products, time, taskId } = deps;
  const state = new StateSection(REVENUE);
  const source = sourceName(taskId, TOPICS[0]);
  const options = { channel: REVENUE, width: WIDTH, paneMs: PANE_MS, time };
  const sums = new WindowSums(state, {
    ...options,
    source,
    send: (bytes, sequence) => deps.sendBlock(source, bytes, sequence),
  });
  const bookings = `${taskId}/bookings`;
  const states = {
    "customer-events": new StateSection("revenue-purchases"),
    orders: new StateSection("revenue-orders"),
    payments: new StateSection("revenue-payments"),
  };
  const markers = TOPICS.map((topic) => {
    // Empty: a marker may come again, so the stream needs no sequence of its own.
    const send = (bytes: Uint8Array): void => deps.sendBlock(bookings, bytes, null);
    return new WindowSums(states[topic], { ...options, source: bookingSource(taskId, topic), send });
  });
  const accounts = new OrderAccounts(state);
  const currencies = state.dictionary(new KeyDictionary("currency", 64));
  const writer = new PaneBlockWriter();
  const amounts = new Float64Array(WIDTH);
  let droppedMs = Number.NEGATIVE_INFINITY;

  function categoryOf(batch: CustomerEventBatch, row: number): number {
    const own = batch.categoryId.ids[row];
    if (own >= 0) return own;
    const version = products.versionAt(batch.productId.ids[row], batch.eventTime.values[row]);
    return version < 0 ? -1 : products.categoryOf(version);
  }

  function addPurchase(batch: CustomerEventBatch, row: number): void {
    const category = categoryOf(batch, row);
    const { currency, quantity, orderId } = batch;
    const dictionary = keys.categoryId;
    const key = revenueKey(
      category < 0
        ? { bytes: UNKNOWN, start: 0, end: UNKNOWN.length }
        : { bytes: dictionary.heap, start: dictionary.start(category), end: dictionary.ends[category] },
      currency.start[row] < 0
        ? { bytes: NO_CURRENCY, start: 0, end: NO_CURRENCY.length }
        : { bytes: currency.bytes, start: currency.start[row], end: currency.end[row] },
    );
    amounts[0] = revenueOf(batch, row);
    amounts[1] = quantity.valid !== null && quantity.valid[row] === 0 ? 1 : quantity.values[row];
    amounts[2] = 1;
    amounts[4] = 1;
    const at = batch.eventTime.values[row];
    sums.add(at, key.bytes, 0, key.length, amounts);
    if (orderId.start[row] < 0) return;
    const line = {
      timeMs: at,
      key: sums.keys.intern(key.bytes, 0, key.length),
      currency: currencyOf(currency, row),
      amountMinor: amounts[0],
    };
    settle(accounts.addLine(orderId, row, line), orderId, row);
  }

  function currencyOf(column: TextColumn, row: number): number {
    return column.start[row] < 0
      ? currencies.intern(NO_CURRENCY, 0, NO_CURRENCY.length)
      : currencies.intern(column.bytes, column.start[row], column.end[row]);
  }

  /** Sends what is subtracted for the order, where anything is or was. */
  function settle(slot: number, orderId: TextColumn, row: number): void {
    const revision = accounts.countRecord(slot);
    if (!accounts.hasLines(slot)) return;
    const marks = accounts.marksOf(slot);
    const isUntouched =
      marks.voidTime === Infinity && marks.failTime === Infinity && marks.refunds.length === 0;
    if (isUntouched) return;
    const compare = (a: number, b: number): number =>
      Buffer.compare(sums.keys.bytesOf(a), sums.keys.bytesOf(b));
    const booked = refundBookings(accounts.linesOf(slot), marks, config.revenueFailedAfterMs, compare);
    if (booked.length === 0 && !accounts.isBooked(slot)) return;
    accounts.setBooked(slot);
    writer.begin({
      channel: REVENUE,
      kind: PaneBlockKind.replacement,
      source: bookings,
      sequence: revision,
      watermarkMs: Number.NEGATIVE_INFINITY,
    });
    writer.text(orderId.bytes, orderId.start[row], orderId.end[row]);
    writer.u32(booked.length);
    for (const { timeMs, key, amountMinor } of booked) {
      writer.f64(timeMs);
      writer.text(sums.keys.heap, sums.keys.start(key), sums.keys.ends[key]);
      writer.f64(amountMinor);
    }
    deps.sendBlock(bookings, writer.finish(), null);
  }

  function foldOrder(batch: OrderBatch, row: number): void {
    const status = batch.status.symbols[batch.status.codes[row]];
    if (status !== "cancelled" && status !== "refunded") return;
    settle(accounts.mark(batch.orderId, row, batch.orderTime.values[row], "void"), batch.orderId, row);
  }

  function foldPayment(batch: PaymentBatch, row: number): void {
    const { orderId, currency } = batch;
    const status = batch.status.symbols[batch.status.codes[row]];
    const timeMs = batch.paymentTime.values[row];
    if (status === "refunded") {
      const refund = {
        timeMs,
        currency: currencyOf(currency, row),
        amountMinor: batch.amountMinor.values[row],
      };
      settle(accounts.addRefund(orderId, row, refund), orderId, row);
    } else {
      settle(accounts.mark(orderId, row, timeMs, status === "failed" ? "fail" : "success"), orderId, row);
    }
  }

  function dropOld(taskTimeMs: number): void {
    if (!Number.isFinite(taskTimeMs) || taskTimeMs < droppedMs + DROP_EVERY_MS) return;
    droppedMs = taskTimeMs;
    accounts.dropBefore(taskTimeMs - config.revenueKeepMs);
  }

  return {
    steps: {
      "customer-events": {
        name: REVENUE,
        state,
        process(batch, from, to) {
          const kinds = eventKindTable(batch.eventType);
          const { codes } = batch.eventType;
          for (let row = from; row < to; row++) {
            if (kinds[codes[row]] !== EventKind.purchase || (batch.flags[row] & SKIPPED) !== 0) continue;
            addPurchase(batch, row);
          }
        },
        advance(progress: Progress) {
          sums.advance(progress);
          markers[0].advance(progress);
        },
        emitSome: (rowsMax) => sums.emitSome(rowsMax),
        afterRestore: () => accounts.afterRestore(),
      },
      orders: {
        name: "revenue-orders",
        state: states.orders,
        process(batch, from, to) {
          for (let row = from; row < to; row++) if ((batch.flags[row] & SKIPPED) === 0) foldOrder(batch, row);
        },
        advance: (progress) => markers[1].advance(progress),
      },
      payments: {
        name: "revenue-payments",
        state: states.payments,
        process(batch, from, to) {
          for (let row = from; row < to; row++)
            if ((batch.flags[row] & SKIPPED) === 0) foldPayment(batch, row);
        },
        advance: (progress) => markers[2].advance(progress),
      },
    },
    sections: [states["customer-events"]],
    advanceTask(taskTimeMs) {
      for (const one of [sums, ...markers]) one.advanceTask(taskTimeMs);
      dropOld(taskTimeMs);
    },
    markIdle() {
      for (const one of [sums, ...markers]) one.markIdle();
    },
  };
}
