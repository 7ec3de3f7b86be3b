import { type OrderBatch, type PaymentBatch, type SlotArray, StateSection } from "../../../schema/index.ts";
import { KeyedSlots } from "../../operators/keyed-slots.ts";
import { TextRecords } from "../../operators/text-records.ts";

const ORDER_TEXTS = [
  "orderId",
  "currency",
  "paymentMethod",
  "deviceId",
  "ipAddress",
  "billingCountry",
  "shippingCountry",
] as const;
const PAYMENT_TEXTS = ["paymentId", "currency", "cardFingerprint", "cardCountry"] as const;

/** Times and amounts of an order, side by side. */
const Time = {
  /** Of the first record of it that came; a task forgets it by this. */
  first: 0,
  placed: 1,
  status: 2,
  total: 3,
  payment: 4,
  paid: 5,
  /** Earliest authorization or capture. */
  success: 6,
} as const;
const TIMES = 7;
/** Whole numbers of an order; a new one's are 0. */
const Whole = {
  /** User id + 1. */
  user: 0,
  /** Status code + 1 of the order and of its payment. */
  status: 1,
  payment: 2,
  items: 3,
  failures: 4,
  isPlaced: 5,
  isPaid: 6,
  isMissing: 7,
  revision: 8,
  alertRevision: 9,
  orderTexts: 10,
  paymentTexts: 11,
  /** Slot + 1 of the next order of the user. */
  next: 12,
  /** Rules that found something in the order with what was joined to it, a bit each; a hash of what. */
  found: 13,
  foundHash: 14,
  foundRevision: 15,
} as const;
const WHOLES = 16;

/** An order with its payment, as far as it has come. */
export interface JoinedOrder {
  readonly user: number;
  readonly placedTime: number;
  readonly statusCode: number;
  readonly statusTime: number;
  readonly totalMinor: number;
  readonly items: number;
  readonly texts: Readonly<Record<(typeof ORDER_TEXTS)[number], string | null>>;
  readonly payment: JoinedPayment | null;
  readonly failedPayments: number;
  readonly isMissing: boolean;
}

export interface JoinedPayment {
  readonly statusCode: number;
  readonly time: number;
  readonly amountMinor: number;
  readonly texts: Readonly<Record<(typeof PAYMENT_TEXTS)[number], string | null>>;
}

/**
 * Orders of a task with their payments, whichever came first. What is kept of an order follows from the
 * records of it, not from how the topics interleave.
 */
export class OrderBook {
  readonly state = new StateSection("orders");
  private readonly slots: KeyedSlots;
  private readonly times: SlotArray<Float64Array>;
  private readonly wholes: SlotArray<Int32Array>;
  private readonly orderTexts: TextRecords;
  private readonly paymentTexts: TextRecords;
  /** Slot + 1 of the newest order of each user, 0 where there is none. */
  private readonly userHead: SlotArray<Int32Array>;

  constructor() {
    this.times = this.state.float64("times");
    this.wholes = this.state.int32("wholes");
    this.slots = new KeyedSlots(this.state, "order", [
      [this.times, TIMES],
      [this.wholes, WHOLES],
    ]);
    this.orderTexts = new TextRecords(this.state, "order-texts", ORDER_TEXTS.length);
    this.paymentTexts = new TextRecords(this.state, "payment-texts", PAYMENT_TEXTS.length);
    this.userHead = this.state.int32("user-orders");
  }

  /** Takes a record of an order; the last by order time holds, of equal ones the one that came last. */
  foldOrder(batch: OrderBatch, row: number): { readonly slot: number; readonly isPlacedNow: boolean } {
    const time = batch.orderTime.values[row];
    const slot = this.open(batch, row, time);
    const { times, wholes } = this;
    const [t, w] = [slot * TIMES, slot * WHOLES];
    if (wholes.values[w + Whole.status] === 0 || time >= times.values[t + Time.status]) {
      times.values[t + Time.status] = time;
      times.values[t + Time.total] = batch.totalMinor.values[row];
      wholes.values[w + Whole.status] = batch.status.codes[row] + 1;
      wholes.values[w + Whole.items] = batch.itemCount.values[row];
      const columns = ORDER_TEXTS.map((name) => batch[name]);
      wholes.values[w + Whole.orderTexts] = this.orderTexts.store(
        columns,
        row,
        wholes.values[w + Whole.orderTexts],
      );
    }
    const isPlacedNow = batch.status.symbols[batch.status.codes[row]] === "placed" && !this.isPlaced(slot);
    if (isPlacedNow) {
      times.values[t + Time.placed] = time;
      wholes.values[w + Whole.isPlaced] = 1;
      this.link(slot, batch.userId.ids[row]);
    }
    this.mark(slot);
    return { slot, isPlacedNow };
  }

  /** Takes a record of a payment; one that did not fail goes before one that did, then the newer one. */
  foldPayment(batch: PaymentBatch, row: number): { readonly slot: number; readonly isPaidNow: boolean } {
    const time = batch.paymentTime.values[row];
    const slot = this.open(batch, row, time);
    const { times, wholes } = this;
    const [t, w] = [slot * TIMES, slot * WHOLES];
    const { codes, symbols } = batch.status;
    const status = symbols[codes[row]];
    if (status === "failed") wholes.values[w + Whole.failures] += 1;
    const isSuccess = status === "authorized" || status === "captured";
    const isPaidNow = isSuccess && wholes.values[w + Whole.isPaid] === 0;
    if (isSuccess) {
      const before = wholes.values[w + Whole.isPaid] === 1 ? times.values[t + Time.success] : time;
      times.values[t + Time.success] = Math.min(before, time);
      wholes.values[w + Whole.isPaid] = 1;
    }
    const held = wholes.values[w + Whole.payment] - 1;
    const heldFailed = held >= 0 && symbols[held] === "failed";
    const isFailed = status === "failed";
    const isBetter = heldFailed === isFailed ? time >= times.values[t + Time.payment] : heldFailed;
    if (held < 0 || isBetter) {
      times.values[t + Time.payment] = time;
      times.values[t + Time.paid] = batch.amountMinor.values[row];
      wholes.values[w + Whole.payment] = codes[row] + 1;
      const columns = PAYMENT_TEXTS.map((name) => batch[name]);
      wholes.values[w + Whole.paymentTexts] = this.paymentTexts.store(
        columns,
        row,
        wholes.values[w + Whole.paymentTexts],
      );
    }
    this.mark(slot);
    return { slot, isPaidNow };
  }

  isPlaced(slot: number): boolean {
    return this.wholes.values[slot * WHOLES + Whole.isPlaced] === 1;
  }

  placedTime(slot: number): number {
    return this.times.values[slot * TIMES + Time.placed];
  }

  /** Time of the first authorization or capture; null where there was none. */
  successTime(slot: number): number | null {
    return this.wholes.values[slot * WHOLES + Whole.isPaid] === 1
      ? this.times.values[slot * TIMES + Time.success]
      : null;
  }

  isMissing(slot: number): boolean {
    return this.wholes.values[slot * WHOLES + Whole.isMissing] === 1;
  }

  /** Says whether the payment is missing; the revision of the alert about it. */
  setMissing(slot: number, isMissing: boolean): number {
    const w = slot * WHOLES;
    this.wholes.values[w + Whole.isMissing] = isMissing ? 1 : 0;
    this.wholes.values[w + Whole.alertRevision] += 1;
    this.mark(slot);
    return this.wholes.values[w + Whole.alertRevision];
  }

  /** The rules that found something in the joined order, a bit each, and a hash of what they found. */
  found(slot: number): { readonly rules: number; readonly hash: number } {
    const w = slot * WHOLES;
    return { rules: this.wholes.values[w + Whole.found], hash: this.wholes.values[w + Whole.foundHash] };
  }

  /** Sets what rules found now; the revision of the alerts about it. */
  setFound(slot: number, { rules, hash }: { readonly rules: number; readonly hash: number }): number {
    const w = slot * WHOLES;
    this.wholes.values[w + Whole.found] = rules;
    this.wholes.values[w + Whole.foundHash] = hash;
    this.wholes.values[w + Whole.foundRevision] += 1;
    this.mark(slot);
    return this.wholes.values[w + Whole.foundRevision];
  }

  /** The next revision of the order's row. */
  nextRevision(slot: number): number {
    this.wholes.values[slot * WHOLES + Whole.revision] += 1;
    this.mark(slot);
    return this.wholes.values[slot * WHOLES + Whole.revision];
  }

  read(slot: number): JoinedOrder {
    const times = this.times.values.subarray(slot * TIMES, (slot + 1) * TIMES);
    const wholes = this.wholes.values.subarray(slot * WHOLES, (slot + 1) * WHOLES);
    return {
      user: wholes[Whole.user] - 1,
      placedTime: times[Time.placed],
      statusCode: wholes[Whole.status] - 1,
      statusTime: times[Time.status],
      totalMinor: times[Time.total],
      items: wholes[Whole.items],
      texts: named(ORDER_TEXTS, this.orderTexts.read(wholes[Whole.orderTexts])),
      payment:
        wholes[Whole.payment] === 0
          ? null
          : {
              statusCode: wholes[Whole.payment] - 1,
              time: times[Time.payment],
              amountMinor: times[Time.paid],
              texts: named(PAYMENT_TEXTS, this.paymentTexts.read(wholes[Whole.paymentTexts])),
            },
      failedPayments: wholes[Whole.failures],
      isMissing: wholes[Whole.isMissing] === 1,
    };
  }

  /** Visits the placed orders of a user, newest arrival first. */
  eachOfUser(user: number, visit: (slot: number) => void): void {
    if (user >= this.userHead.length) return;
    for (let slot = this.userHead.values[user] - 1; slot >= 0; slot = this.nextOfUser(slot)) visit(slot);
  }

  eachPlaced(visit: (slot: number) => void): void {
    this.slots.each((slot) => {
      if (this.isPlaced(slot)) visit(slot);
    });
  }

  /** Forgets every order of which the first record is of before that time. */
  dropBefore(timeMs: number): void {
    this.slots.each((slot) => {
      if (this.times.values[slot * TIMES + Time.first] < timeMs) this.drop(slot);
    });
  }

  afterRestore(): void {
    this.slots.afterRestore();
  }

  private open(batch: OrderBatch | PaymentBatch, row: number, time: number): number {
    const { slot, isNew } = this.slots.open(batch.orderId, row);
    if (isNew) this.times.values[slot * TIMES + Time.first] = time;
    return slot;
  }

  private drop(slot: number): void {
    const w = slot * WHOLES;
    if (this.isPlaced(slot)) this.unlink(slot);
    this.orderTexts.free(this.wholes.values[w + Whole.orderTexts]);
    this.paymentTexts.free(this.wholes.values[w + Whole.paymentTexts]);
    this.slots.remove(slot);
  }

  private link(slot: number, user: number): void {
    this.userHead.ensure(user + 1);
    this.wholes.values[slot * WHOLES + Whole.user] = user + 1;
    this.wholes.values[slot * WHOLES + Whole.next] = this.userHead.values[user];
    this.userHead.values[user] = slot + 1;
    this.userHead.mark(user);
  }

  private unlink(slot: number): void {
    const user = this.wholes.values[slot * WHOLES + Whole.user] - 1;
    const after = this.nextOfUser(slot) + 1;
    let before = this.userHead.values[user] - 1;
    if (before === slot) {
      this.userHead.values[user] = after;
      this.userHead.mark(user);
      return;
    }
    while (this.nextOfUser(before) !== slot) before = this.nextOfUser(before);
    this.wholes.values[before * WHOLES + Whole.next] = after;
    this.wholes.mark(before * WHOLES + Whole.next);
  }

  private nextOfUser(slot: number): number {
    return this.wholes.values[slot * WHOLES + Whole.next] - 1;
  }

  private mark(slot: number): void {
    this.times.markRange(slot * TIMES, (slot + 1) * TIMES);
    this.wholes.markRange(slot * WHOLES, (slot + 1) * WHOLES);
  }
}

function named<N extends string>(
  names: readonly N[],
  texts: readonly (string | null)[],
): Record<N, string | null> {
  return Object.fromEntries(names.map((name, i) => [name, texts[i]])) as Record<N, string | null>;
}
