import type { StateSection } from "../../../schema/index.ts";
import { RecentKeys } from "./recent-keys.ts";

/**
 * Newest orders, payments and labels of a task by which one topic's event finds the others'. A label of an
 * order before them teaches the features nothing: {@link OrderLedger.forgets} and what counts by it tell of that.
 */
export const FRAUD_ORDERS_MAX = 1 << 16;

// Of an order: the keys of what it concerned, and the statuses that it had, one bit each.
const ENTITIES = 0;
export const LEDGER_ENTITIES = 5;
const STATUSES = LEDGER_ENTITIES;
// Of a payment's order: its first and its newest card, the newest card's country.
const FIRST_CARD = 0;
const CARD = 1;
const CARD_COUNTRY = 2;
// Of a label: 1 genuine, 2 fraud; and the newest time at which fraud was said.
const VERDICT = 0;
const FRAUD_MS = 1;
const GENUINE = 1;
const FRAUD = 2;

/** What a label changes: labels and frauds more (or less) than were known, and when fraud was last said (0: never). */
export interface LabelChange {
  readonly labels: number;
  readonly frauds: number;
  readonly fraudMs: number;
}

export interface OrderCard {
  readonly card: number;
  readonly country: number;
}

/**
 * Orders, their payments and their labels, each in a memory of its own, so that what is remembered
 * does not depend on how the topics interleave.
 */
export class OrderLedger {
  private readonly orders: RecentKeys;
  private readonly cards: RecentKeys;
  private readonly labels: RecentKeys;
  private readonly payments: RecentKeys;

  private readonly capacity: number;

  constructor(section: StateSection, capacity = FRAUD_ORDERS_MAX) {
    this.capacity = capacity;
    this.orders = new RecentKeys(section, "orders", { capacity, width: LEDGER_ENTITIES + 1 });
    this.cards = new RecentKeys(section, "order-cards", { capacity, width: 3 });
    this.labels = new RecentKeys(section, "order-labels", { capacity, width: 2 });
    this.payments = new RecentKeys(section, "payments", { capacity, width: 1 });
  }

  ensure(): void {
    this.orders.ensure();
    this.cards.ensure();
    this.labels.ensure();
    this.payments.ensure();
  }

  /** Whether there were more orders than are remembered. */
  get forgets(): boolean {
    return this.orders.size === this.capacity;
  }

  has(order: number): boolean {
    return this.orders.find(order) >= 0;
  }

  /** Notes a placed order; returns what is known of it from a label that came before. */
  place(order: number, entities: ArrayLike<number>): LabelChange | null {
    const place = this.orders.add(order);
    for (let i = 0; i < LEDGER_ENTITIES; i++) this.orders.set(place, ENTITIES + i, entities[i]);
    return this.known(order);
  }

  /** Whether an order that is known takes this status for the first time. */
  takesStatus(order: number, status: number): boolean {
    return takesBit(this.orders, this.orders.find(order), STATUSES, status);
  }

  /** Writes the keys of what the order concerned; false where it is not known (any more). */
  entities(order: number, out: Float64Array): boolean {
    const place = this.orders.find(order);
    if (place < 0) return false;
    for (let i = 0; i < LEDGER_ENTITIES; i++) out[i] = this.orders.get(place, ENTITIES + i);
    return true;
  }

  /** 0: a new payment; 1: its first event of this status; -1: a repeat. */
  payment(payment: number, status: number): -1 | 0 | 1 {
    const known = this.payments.find(payment);
    const place = known < 0 ? this.payments.add(payment) : known;
    const isFirst = takesBit(this.payments, place, 0, status);
    return known < 0 ? 0 : isFirst ? 1 : -1;
  }

  /** Notes the order's card; returns what a label that came before says about its first one. */
  pay(order: number, card: number, country: number): LabelChange | null {
    const known = this.cards.find(order);
    const place = known < 0 ? this.cards.add(order) : known;
    if (known < 0) this.cards.set(place, FIRST_CARD, card);
    this.cards.set(place, CARD, card);
    this.cards.set(place, CARD_COUNTRY, country);
    return known < 0 ? this.known(order) : null;
  }

  /** The card that pays the order, as far as a payment has come. */
  cardOf(order: number): OrderCard | null {
    const place = this.cards.find(order);
    if (place < 0) return null;
    return { card: this.cards.get(place, CARD), country: this.cards.get(place, CARD_COUNTRY) };
  }

  /** The first card with which somebody tried to pay, which labels count for; 0 where there is none. */
  firstCardOf(order: number): number {
    const place = this.cards.find(order);
    return place < 0 ? 0 : this.cards.get(place, FIRST_CARD);
  }

  /** Notes a verdict; null where it is the one that is known already. */
  judge(order: number, isFraud: boolean, labelMs: number): LabelChange | null {
    const known = this.labels.find(order);
    const place = known < 0 ? this.labels.add(order) : known;
    const before = this.labels.get(place, VERDICT);
    const verdict = isFraud ? FRAUD : GENUINE;
    if (before === verdict) return null;
    this.labels.set(place, VERDICT, verdict);
    if (isFraud) this.labels.set(place, FRAUD_MS, Math.max(labelMs, this.labels.get(place, FRAUD_MS)));
    if (known < 0) return this.known(order);
    return { labels: 0, frauds: isFraud ? 1 : -1, fraudMs: this.labels.get(place, FRAUD_MS) };
  }

  private known(order: number): LabelChange | null {
    const place = this.labels.find(order);
    if (place < 0) return null;
    const frauds = this.labels.get(place, VERDICT) === FRAUD ? 1 : 0;
    return { labels: 1, frauds, fraudMs: this.labels.get(place, FRAUD_MS) };
  }
}

function takesBit(keys: RecentKeys, place: number, field: number, bit: number): boolean {
  if (place < 0) return false;
  const bits = keys.get(place, field);
  if ((bits & (1 << bit)) !== 0) return false;
  keys.set(place, field, bits | (1 << bit));
  return true;
}
