import { StateSection } from "../../../schema/index.ts";
import type { FeatureState } from "../../plugin.ts";
import { SHOPPER_SESSION_FEATURES, SHOPPER_SESSION_TIME_BOUND } from "../shopper-session.ts";
import { DAY_MS, EntityHistory, HISTORY_FEATURES, NO_ENTITY, RECENT } from "./entity-history.ts";
import { idKey, NO_KEY, shortKey, textKey } from "./entity-key.ts";
import type { LabelRows, OrderRows, PaymentRows } from "./fraud-events.ts";
import {
  FRAUD_ORDERS_MAX,
  type LabelChange,
  LEDGER_ENTITIES,
  type OrderCard,
  OrderLedger,
} from "./order-ledger.ts";
import { NO_LINES, type OrderLines, readOrderLines } from "./order-lines.ts";

const HOUR_MS = 3_600_000;

/** Entities of one kind and task that are remembered unless told otherwise: at most 44 to 63 MB a kind. */
export const FRAUD_ENTITIES_MAX = 100_000;

const ORDER_FEATURES = [
  "order_amount",
  "order_items",
  "order_lines",
  "order_unit_price_max",
  "order_amount_per_item",
  "order_hour_sin",
  "order_hour_cos",
  "order_weekend",
  "order_ships_abroad",
  "order_payment_known",
  "order_card_abroad",
] as const;

const USER_FEATURES = [
  "user_amount_deviations",
  "user_amount_to_median",
  "user_hours_since_third",
  "user_gap_to_usual",
  "user_addresses_1d",
  "user_countries_30d",
  "user_products_1d",
  "user_orders_on_device",
  "user_orders_from_address",
  "user_orders_to_country",
  "user_orders_of_product",
  "user_cancelled_share",
  "user_refunded_share",
] as const;

const PAYER_FEATURES = [
  "payer_attempts_5m",
  "payer_attempts_1h",
  "payer_attempts_1d",
  "payer_attempts_30d",
  "payer_cards_1d",
  "payer_cards_30d",
  "payer_attempts_with_card",
  "payer_failures_1h",
  "payer_failures_1d",
  "payer_failures_30d",
  "payer_hours_since_failure",
  "payer_refunded_share",
] as const;

/** Of countries and products, which many share, a few figures say enough. */
const SHARED_FEATURES = [
  "orders_5m",
  "orders_1h",
  "orders_1d",
  "hours_since_last",
  "amount_to_mean",
  "partners_1d",
  "known_labels",
  "known_frauds",
  "known_fraud_rate",
  "days_since_known_fraud",
] as const satisfies readonly (typeof HISTORY_FEATURES)[number][];
const SHARED_PLACES = SHARED_FEATURES.map((name) => HISTORY_FEATURES.indexOf(name));

const named = (entity: string, partners: string, features: readonly string[]): string[] =>
  features.map((name) => `${entity}_${name.replace("partners", partners)}`);

/** Everything that is known of an order when it is placed, in the order of the vector. */
export const FRAUD_FEATURES: readonly string[] = [
  ...ORDER_FEATURES,
  ...named("user", "devices", HISTORY_FEATURES),
  ...USER_FEATURES,
  ...named("device", "users", HISTORY_FEATURES),
  ...named("address", "users", HISTORY_FEATURES),
  ...named("card", "users", HISTORY_FEATURES),
  ...PAYER_FEATURES,
  ...named("country", "users", SHARED_FEATURES),
  ...named("product", "users", SHARED_FEATURES),
  ...SHOPPER_SESSION_FEATURES.map((name) => `session_${name}`),
];

const CALENDAR_FEATURES: readonly string[] = ["order_hour_sin", "order_hour_cos", "order_weekend"];
/** Windows that an hour of live orders fills as training did; longer ones and all that is known grow with the history. */
const SHORT_WINDOW = /_(5m|1h|1d)$/;

/**
 * Features whose drift raises no alert, see `FeatureGroup.timeBound`: the calendar, whatever of user, device,
 * address, card and payer looks back further than a day, and countries and products, whose orders within minutes
 * follow the hour.
 */
export const FRAUD_TIME_BOUND: readonly string[] = [
  ...CALENDAR_FEATURES,
  ...FRAUD_FEATURES.filter(
    (name) => /^(user|device|address|card|payer)_/.test(name) && !SHORT_WINDOW.test(name),
  ),
  ...FRAUD_FEATURES.filter((name) => /^(country|product)_/.test(name)),
  ...SHOPPER_SESSION_TIME_BOUND.map((name) => `session_${name}`),
];

// Places of an order's keys, in the ledger and in the partners of a user.
const USER = 0;
const DEVICE = 1;
const ADDRESS = 2;
const COUNTRY = 3;
const PRODUCT = 4;
// Kinds of a user's partners: those of an order without the user.
const BY_DEVICE = 0;
const BY_ADDRESS = 1;
const BY_COUNTRY = 2;
const BY_PRODUCT = 3;

const CANCELLED = 0;
const REFUNDED = 1;

export interface FraudFeaturesOptions {
  /** The features of the shopper's visit, folded elsewhere from the same task's customer events. */
  readonly session: FeatureState;
  readonly entitiesMax?: number;
  /** Newest orders, payments and labels that find one another. */
  readonly ordersMax?: number;
}

/**
 * The fold behind the fraud score: orders, payments and labels as they come, per user, device, address,
 * card, country and product. Stream and training call the same methods, in the order of each topic's
 * log. A vector depends on how many events of each topic came before the order, not on how the topics
 * interleave between two orders.
 */
export class FraudFeatures {
  readonly featureNames = FRAUD_FEATURES;
  readonly timeBound = FRAUD_TIME_BOUND;
  readonly section = new StateSection("features-fraud");
  private readonly session: FeatureState;
  private readonly ledger: OrderLedger;
  private readonly users: EntityHistory;
  private readonly devices: EntityHistory;
  private readonly addresses: EntityHistory;
  private readonly countries: EntityHistory;
  private readonly products: EntityHistory;
  private readonly cards: EntityHistory;
  /** By user: attempts to pay, and those that failed. */
  private readonly payers: EntityHistory;
  private readonly failures: EntityHistory;
  /** By place of the key in an order. */
  private readonly histories: readonly EntityHistory[];
  private readonly order = new Float64Array(LEDGER_ENTITIES);
  private readonly partners = new Int32Array(LEDGER_ENTITIES);
  /** Of the order that is being read: the slots of its entities, below 0 where there is none. */
  private readonly slots = new Int32Array(LEDGER_ENTITIES);
  private readonly current = { timeMs: 0, amount: 0, currency: 0 };
  private lines: OrderLines = NO_LINES;
  private lateLabelCount = 0;
  private readonly scratch = new Float64Array(HISTORY_FEATURES.length);
  private readonly amounts = new Float64Array(RECENT);
  private readonly times = new Float64Array(RECENT);

  constructor({
    session,
    entitiesMax = FRAUD_ENTITIES_MAX,
    ordersMax = FRAUD_ORDERS_MAX,
  }: FraudFeaturesOptions) {
    this.session = session;
    const history = (name: string, partnerKinds: number): EntityHistory =>
      new EntityHistory(this.section, name, { capacity: entitiesMax, partnerKinds });
    this.ledger = new OrderLedger(this.section, ordersMax);
    this.users = history("users", 4);
    this.devices = history("devices", 1);
    this.addresses = history("addresses", 1);
    this.countries = history("countries", 1);
    this.products = history("products", 1);
    this.cards = history("cards", 1);
    this.payers = history("payers", 1);
    this.failures = history("failures", 1);
    this.histories = [this.users, this.devices, this.addresses, this.countries, this.products];
  }

  /** Labels since this was made of orders that are not remembered any more (or not yet placed): no feature knows them. */
  get lateLabels(): number {
    return this.lateLabelCount;
  }

  /** Bytes of state by kind: of one entity, and how many there are. */
  get stateBytes(): Readonly<Record<string, { readonly entities: number; readonly bytesEach: number }>> {
    const { users, devices, addresses, countries, products, cards, payers, failures } = this;
    const kinds = { users, devices, addresses, countries, products, cards, payers, failures };
    return Object.fromEntries(
      Object.entries(kinds).map(([name, { slots, bytesPerEntity }]) => [
        name,
        { entities: slots.size, bytesEach: bytesPerEntity },
      ]),
    );
  }

  /** To be called before the rows of a batch, and after a restore. */
  ensure(): void {
    this.ledger.ensure();
    for (const history of this.histories) history.ensure();
    this.cards.ensure();
    this.payers.ensure();
    this.failures.ensure();
    this.session.ensure();
  }

  /**
   * Folds a row of `orders`: an order that is placed, or a later status of one. Where it places an order
   * that was not known, one to be scored, writes its {@link FRAUD_FEATURES} as of before to `out` at
   * `base`; returns whether.
   */
  foldOrder(batch: OrderRows, row: number, out: Float64Array, base: number): boolean {
    const orderKey = textKey(batch.orderId, row);
    const status = batch.status.symbols[batch.status.codes[row]];
    if (status === "placed") {
      if (this.ledger.has(orderKey)) return false;
      this.take(batch, row);
      this.read(batch, row, orderKey, out, base);
      this.place(orderKey);
      return true;
    }
    if (!this.ledger.takesStatus(orderKey, batch.status.codes[row])) return false;
    if (status === "cancelled") this.users.tally(idKey(batch.userId, row), CANCELLED);
    if (status === "refunded") this.users.tally(idKey(batch.userId, row), REFUNDED);
    return false;
  }

  /** Folds a row of `payments`. A payment is an attempt at its first event, whatever its status. */
  foldPayment(batch: PaymentRows, row: number): void {
    const status = batch.status.symbols[batch.status.codes[row]];
    const news = this.ledger.payment(textKey(batch.paymentId, row), batch.status.codes[row]);
    if (news < 0) return;
    const user = idKey(batch.userId, row);
    const act = {
      timeMs: batch.paymentTime.values[row],
      amount: batch.amountMinor.values[row],
      currency: shortKey(textKey(batch.currency, row)),
    };
    const card = textKey(batch.cardFingerprint, row);
    this.partners[0] = shortKey(card);
    if (news === 0) {
      const payer = this.payers.add(user, this.payers.slots.find(user), act, this.partners);
      if (card !== NO_KEY) this.payers.setNote(payer, card);
    }
    if (status === "failed") this.failures.add(user, this.failures.slots.find(user), act, this.partners);
    if (status === "refunded") this.payers.tally(user, REFUNDED);
    if (news !== 0 || card === NO_KEY) return;
    this.partners[0] = shortKey(user);
    this.cards.add(card, this.cards.slots.find(card), act, this.partners);
    const country = shortKey(textKey(batch.cardCountry, row));
    const label = this.ledger.pay(textKey(batch.orderId, row), card, country);
    if (label !== null) this.cards.learn(card, label);
  }

  /** Folds a row of `fraud-labels`: from now on it is known. */
  foldLabel(batch: LabelRows, row: number): void {
    const orderKey = textKey(batch.orderId, row);
    const change = this.ledger.judge(orderKey, batch.isFraud.values[row] === 1, batch.labelTime.values[row]);
    if (change === null) return;
    if (this.ledger.entities(orderKey, this.order)) this.learn(change);
    else if (this.ledger.forgets) this.lateLabelCount++;
    const card = this.ledger.firstCardOf(orderKey);
    if (card !== NO_KEY) this.cards.learn(card, change);
  }

  private read(batch: OrderRows, row: number, orderKey: number, out: Float64Array, base: number): void {
    const { slots, current } = this;
    for (let i = USER; i < LEDGER_ENTITIES; i++) slots[i] = this.histories[i].slots.find(this.order[i]);
    const paid = this.ledger.cardOf(orderKey);
    const payer = this.payers.slots.find(this.order[USER]);
    // Of an order whose payment has not come yet, the card that the user paid with last.
    const card = paid?.card ?? this.payers.note(payer);
    let at = this.readOwn(batch, row, paid, out, base);
    at = this.users.read(slots[USER], current, out, at);
    at = this.readUser(out, at);
    at = this.readEntity(DEVICE, out, at);
    at = this.readEntity(ADDRESS, out, at);
    at = this.cards.read(card === NO_KEY ? NO_ENTITY : this.cards.slots.find(card), current, out, at);
    at = this.readPayer(payer, card, out, at);
    at = this.readShared(COUNTRY, out, at);
    at = this.readShared(PRODUCT, out, at);
    this.session.read(batch.userId.ids[row], current.timeMs, out, at);
  }

  private place(orderKey: number): void {
    const { order, partners, slots, current } = this;
    for (let i = DEVICE; i < LEDGER_ENTITIES; i++) partners[i - 1] = shortKey(order[i]);
    this.users.add(order[USER], slots[USER], current, partners);
    partners[0] = shortKey(order[USER]);
    for (let i = DEVICE; i < LEDGER_ENTITIES; i++) {
      if (order[i] !== NO_KEY) this.histories[i].add(order[i], slots[i], current, partners);
    }
    const label = this.ledger.place(orderKey, order);
    if (label !== null) this.learn(label);
  }

  private learn(change: LabelChange): void {
    for (let i = USER; i < LEDGER_ENTITIES; i++) this.histories[i].learn(this.order[i], change);
  }

  /** What the row's order is about, for {@link read} and {@link place}. */
  private take(batch: OrderRows, row: number): void {
    const { order, current } = this;
    this.lines = readOrderLines(batch.lines, row);
    order[USER] = idKey(batch.userId, row);
    order[DEVICE] = textKey(batch.deviceId, row);
    order[ADDRESS] = textKey(batch.ipAddress, row);
    order[COUNTRY] = textKey(batch.shippingCountry, row);
    order[PRODUCT] = this.lines.product;
    current.timeMs = batch.orderTime.values[row];
    current.amount = batch.totalMinor.values[row];
    current.currency = shortKey(textKey(batch.currency, row));
  }

  private readOwn(
    batch: OrderRows,
    row: number,
    paid: OrderCard | null,
    out: Float64Array,
    base: number,
  ): number {
    const { lines } = this;
    const { timeMs, amount } = this.current;
    const items = batch.itemCount.values[row];
    const turn = ((timeMs % DAY_MS) / DAY_MS) * 2 * Math.PI;
    // The epoch began on a Thursday: days 2 and 3 after it were the weekend.
    const weekday = Math.floor(timeMs / DAY_MS) % 7;
    const billing = textKey(batch.billingCountry, row);
    let at = base;
    out[at++] = amount;
    out[at++] = items;
    out[at++] = lines.count;
    out[at++] = lines.unitPriceMax;
    out[at++] = amount / Math.max(1, items);
    out[at++] = Math.sin(turn);
    out[at++] = Math.cos(turn);
    out[at++] = weekday === 2 || weekday === 3 ? 1 : 0;
    out[at++] = differ(billing, this.order[COUNTRY]);
    out[at++] = paid === null ? 0 : 1;
    out[at++] = paid === null ? Number.NaN : differ(shortKey(billing), paid.country);
    return at;
  }

  private readUser(out: Float64Array, base: number): number {
    const { users, order, amounts, times } = this;
    const { timeMs: nowMs, amount, currency } = this.current;
    const slot = this.slots[USER];
    const remembered = users.remembered(slot);
    let [same, sum, squares, past] = [0, 0, 0, 0];
    for (let i = 0; i < remembered; i++) {
      if (users.time(slot, i) > nowMs) continue;
      times[past++] = users.time(slot, i);
      if (users.currency(slot, i) !== currency) continue;
      const before = users.amount(slot, i);
      amounts[same++] = before;
      sum += before;
      squares += before * before;
    }
    const mean = sum / same;
    const deviation = Math.sqrt(Math.max(0, squares / same - mean * mean));
    const earlier = times.subarray(0, past).sort();
    const ordered = amounts.subarray(0, same).sort();
    const usualGap = (earlier[past - 1] - earlier[0]) / (past - 1);
    let at = base;
    out[at++] = same < 3 ? Number.NaN : (amount - mean) / Math.max(1, deviation);
    out[at++] = same === 0 ? Number.NaN : amount / Math.max(1, ordered[same >> 1]);
    out[at++] = past < 3 ? Number.NaN : (nowMs - earlier[past - 3]) / HOUR_MS;
    out[at++] = past < 2 ? Number.NaN : (nowMs - earlier[past - 1]) / Math.max(1, usualGap);
    out[at++] = users.distinct(slot, BY_ADDRESS, nowMs, DAY_MS);
    out[at++] = users.distinct(slot, BY_COUNTRY, nowMs, 30 * DAY_MS);
    out[at++] = users.distinct(slot, BY_PRODUCT, nowMs, DAY_MS);
    out[at++] = users.ordersWith(slot, BY_DEVICE, shortKey(order[DEVICE]));
    out[at++] = users.ordersWith(slot, BY_ADDRESS, shortKey(order[ADDRESS]));
    out[at++] = users.ordersWith(slot, BY_COUNTRY, shortKey(order[COUNTRY]));
    out[at++] = users.ordersWith(slot, BY_PRODUCT, shortKey(order[PRODUCT]));
    out[at++] = users.tallyShare(slot, CANCELLED);
    out[at++] = users.tallyShare(slot, REFUNDED);
    return at;
  }

  private readPayer(payer: number, card: number, out: Float64Array, base: number): number {
    const { payers, failures, order } = this;
    const { timeMs: nowMs } = this.current;
    const failed = failures.slots.find(order[USER]);
    let at = base;
    out[at++] = payers.within(payer, nowMs, HOUR_MS / 12);
    out[at++] = payers.within(payer, nowMs, HOUR_MS);
    out[at++] = payers.within(payer, nowMs, DAY_MS);
    out[at++] = payers.within(payer, nowMs, 30 * DAY_MS);
    out[at++] = payers.distinct(payer, 0, nowMs, DAY_MS);
    out[at++] = payers.distinct(payer, 0, nowMs, 30 * DAY_MS);
    out[at++] = card === NO_KEY ? 0 : payers.ordersWith(payer, 0, shortKey(card));
    out[at++] = failures.within(failed, nowMs, HOUR_MS);
    out[at++] = failures.within(failed, nowMs, DAY_MS);
    out[at++] = failures.within(failed, nowMs, 30 * DAY_MS);
    out[at++] = (nowMs - failures.newest(failed, nowMs)) / HOUR_MS;
    out[at++] = payers.tallyShare(payer, REFUNDED);
    return at;
  }

  private readEntity(which: number, out: Float64Array, base: number): number {
    const slot = this.order[which] === NO_KEY ? NO_ENTITY : this.slots[which];
    return this.histories[which].read(slot, this.current, out, base);
  }

  private readShared(which: number, out: Float64Array, base: number): number {
    const { scratch } = this;
    this.readEntity(which, scratch, 0);
    for (let i = 0; i < SHARED_PLACES.length; i++) out[base + i] = scratch[SHARED_PLACES[i]];
    return base + SHARED_PLACES.length;
  }
}

/** 1 where two keys differ, 0 where they are the same, NaN where one is missing. */
function differ(a: number, b: number): number {
  return a === 0 || b === 0 ? Number.NaN : a === b ? 0 : 1;
}
