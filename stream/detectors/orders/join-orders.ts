import {
  type OrderBatch,
  type PaymentBatch,
  RowFlag,
  StateSection,
  type UserProfileBatch,
} from "../../../schema/index.ts";
import { ProfileTable } from "../../operators/profile-table.ts";
import type { Detector, DetectorDeps } from "../detector.ts";
import { OrderBook } from "./order-book.ts";
import { createOrderRows } from "./order-rows.ts";
import { OrderJudge } from "./rules/judge-orders.ts";

export interface OrdersConfig {
  readonly ordersPaymentWithinMs: number;
  readonly ordersKeepMs: number;
}

export const ORDERS = "orders";
export const PAYMENT_MISSING = "payment-missing";
/** Orders without a payment are looked for in steps of this, ms of event time. */
const STEP_MS = 60_000;
/** How often orders that are too old are looked for, ms of event time. */
const DROP_EVERY_MS = 3_600_000;
/** How far behind orders the first payment may come, ms of event time. */
const FIRST_PAYMENT_MS_MAX = 86_400_000;
/** How far orders and payments may lie behind the task's other topics, ms of event time. */
const TOPICS_APART_MS_MAX = 30 * 86_400_000;

/**
 * Joins orders with their payments, whichever comes first, and with the profile as it was when the order
 * was placed. Every record that changes an order writes its next revision, so the newest one says the
 * same however the topics interleave.
 *
 * A payment is missing where none was authorized or captured until `ordersPaymentWithinMs` after the
 * order, as of when the payments themselves have come that far; where they are silent, the task is
 * waited for twice as long. A payment in time that comes after that retracts the alert.
 */
export function createJoinOrders(config: OrdersConfig, deps: DetectorDeps): Detector {
  const { keys, outputs } = deps;
  const { ordersPaymentWithinMs: withinMs, ordersKeepMs: keepMs } = config;
  const book = new OrderBook();
  const judge = new OrderJudge(ORDERS, book, deps);
  const profileState = new StateSection("orders-profiles");
  const profiles = new ProfileTable(profileState, keys);
  const paymentState = new StateSection("orders-payments");
  const writeRow = createOrderRows(outputs, keys);
  /** Placed orders without a payment, by the step in which it is missing; derived. */
  let waiting: Map<number, Set<number>> | null = null;
  let paymentsMs = Number.NEGATIVE_INFINITY;
  let ordersMs = Number.NEGATIVE_INFINITY;
  let taskMs = Number.NEGATIVE_INFINITY;
  let droppedMs = Number.NEGATIVE_INFINITY;

  function changed(slot: number): void {
    if (!book.isPlaced(slot)) return;
    judgePayment(slot);
    write(slot);
  }

  function write(slot: number): void {
    const order = book.read(slot);
    const profile = profiles.at(order.user, order.placedTime);
    judge.judgeJoined(slot, order, profile);
    writeRow(order, profile, book.nextRevision(slot));
  }

  function isPaidInTime(slot: number): boolean {
    const success = book.successTime(slot);
    return success !== null && success <= book.placedTime(slot) + withinMs;
  }

  function stepOf(slot: number): number {
    return Math.ceil((book.placedTime(slot) + withinMs) / STEP_MS);
  }

  /** Waits for the payment, or takes back that it is missing. */
  function judgePayment(slot: number): void {
    const step = stepOf(slot);
    if (!isPaidInTime(slot)) {
      if (!book.isMissing(slot)) waitFor(slot, step);
      return;
    }
    waitingOrders().get(step)?.delete(slot);
    if (book.isMissing(slot)) tell(slot, false);
  }

  function waitFor(slot: number, step: number): void {
    const steps = waitingOrders();
    const slots = steps.get(step) ?? new Set();
    steps.set(step, slots.add(slot));
  }

  function waitingOrders(): Map<number, Set<number>> {
    if (waiting !== null) return waiting;
    waiting = new Map();
    book.eachPlaced((slot) => {
      if (!book.isMissing(slot) && !isPaidInTime(slot)) waitFor(slot, stepOf(slot));
    });
    return waiting;
  }

  function tell(slot: number, isMissing: boolean): void {
    const revision = book.setMissing(slot, isMissing);
    const { user, placedTime, totalMinor, texts } = book.read(slot);
    const minutes = Math.round(withinMs / 60_000);
    outputs.emitAlert({
      id: `${PAYMENT_MISSING}:${texts.orderId}`,
      revision,
      status: isMissing ? "raised" : "retracted",
      kind: PAYMENT_MISSING,
      severity: "medium",
      title: `Order ${texts.orderId}: no payment within ${minutes} minutes`,
      userId: keys.userId.text(user),
      productId: null,
      orderId: texts.orderId,
      eventTime: placedTime + withinMs,
      windowStart: null,
      windowEnd: null,
      figures: { totalMinor, currency: texts.currency ?? "XXX", minutes },
    });
  }

  /** Tells of payments that are missing by now. */
  function takeMissing(): void {
    const dueMs = Math.max(paymentsMs, taskMs - withinMs);
    const steps = waitingOrders();
    if (steps.size === 0) return;
    const due = [...steps.keys()].filter((step) => step * STEP_MS <= dueMs).sort((a, b) => a - b);
    for (const step of due) {
      const slots = [...(steps.get(step) ?? [])].sort((a, b) => a - b);
      steps.delete(step);
      for (const slot of slots) {
        tell(slot, true);
        write(slot);
      }
    }
  }

  /**
   * Up to where orders and payments have been judged. The task may have come days further by another topic,
   * whose backlog lies before theirs; one that has stopped is not waited for without end.
   */
  function judgedMs(taskTimeMs: number): number {
    const paidMs = paymentsMs === Number.NEGATIVE_INFINITY ? ordersMs - FIRST_PAYMENT_MS_MAX : paymentsMs;
    const ms = Math.min(ordersMs, paidMs);
    return ms === Number.NEGATIVE_INFINITY ? ms : Math.max(ms, taskTimeMs - TOPICS_APART_MS_MAX);
  }

  function dropOld(): void {
    if (!Number.isFinite(taskMs) || taskMs < droppedMs + DROP_EVERY_MS) return;
    droppedMs = taskMs;
    book.dropBefore(taskMs - Math.max(keepMs, 2 * withinMs));
    waiting = null;
  }

  return {
    sections: judge.sections,
    readsAlong: { "rule-changes": (batch) => judge.takeChanges(batch) },
    steps: {
      orders: {
        name: ORDERS,
        state: book.state,
        process(batch: OrderBatch, from, to) {
          for (let row = from; row < to; row++) {
            if ((batch.flags[row] & RowFlag.duplicate) !== 0) continue;
            const { slot, isPlacedNow } = book.foldOrder(batch, row);
            if (isPlacedNow) judge.judgePlaced(batch, row);
            changed(slot);
          }
        },
        advance({ watermarkMs }) {
          ordersMs = watermarkMs;
        },
        afterRestore() {
          book.afterRestore();
          judge.afterRestore();
          waiting = null;
        },
      },
      payments: {
        name: "orders-payments",
        state: paymentState,
        process(batch: PaymentBatch, from, to) {
          for (let row = from; row < to; row++) {
            if ((batch.flags[row] & RowFlag.duplicate) !== 0) continue;
            const { slot, isPaidNow } = book.foldPayment(batch, row);
            if (isPaidNow) judge.judgePaid(batch, row);
            changed(slot);
          }
        },
        advance({ watermarkMs }) {
          paymentsMs = watermarkMs;
          takeMissing();
        },
      },
      "user-profiles": {
        name: "orders-profiles",
        state: profileState,
        process(batch: UserProfileBatch, from, to) {
          for (let row = from; row < to; row++) {
            if ((batch.flags[row] & RowFlag.duplicate) !== 0) continue;
            profiles.fold(batch, row);
            const since = batch.updateTime.values[row];
            book.eachOfUser(batch.userId.ids[row], (slot) => {
              if (book.placedTime(slot) >= since) changed(slot);
            });
          }
        },
        advance: () => undefined,
      },
    },
    markIdle: () => judge.markIdle(),
    advanceTask(taskTimeMs) {
      judge.advanceTask(judgedMs(taskTimeMs));
      taskMs = taskTimeMs;
      takeMissing();
      dropOld();
    },
  };
}
