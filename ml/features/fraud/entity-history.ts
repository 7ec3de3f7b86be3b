import type { SlotArray, StateSection } from "../../../schema/index.ts";
import { BoundedSlots } from "./bounded-slots.ts";
import type { LabelChange } from "./order-ledger.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Newest acts of an entity that are remembered: counts stop here, so that none only ever grows. */
export const RECENT = 16;

const FIRST_MS = 0;
const LAST_FRAUD_MS = 1;
const NOTE = 2;
const TIMES = 3;
const AMOUNTS = TIMES + RECENT;
const DOUBLES = AMOUNTS + RECENT;

const ACTS = 0;
const LABELS = 1;
const FRAUDS = 2;
const TALLIES = 3;
const CURRENCIES = 5;
const PARTNERS = CURRENCIES + RECENT;

/** Known labels of an entity that its rate is taken over as if it had so many more of the usual kind. */
const PRIOR_LABELS = 4;
const PRIOR_RATE = 0.01;
const COUNTED_MAX = 20;

/** For {@link EntityHistory.read}: the order names no entity of the kind. */
export const NO_ENTITY = -2;

/** An order or a payment, as an entity remembers it. */
export interface Act {
  readonly timeMs: number;
  readonly amount: number;
  /** A short key. */
  readonly currency: number;
}

/** What `read` writes, without the entity's name; `partners` are the users of a device, the devices of a user. */
export const HISTORY_FEATURES = [
  "orders_5m",
  "orders_1h",
  "orders_1d",
  "orders_7d",
  "orders_30d",
  "amount_1h",
  "amount_1d",
  "amount_30d",
  "hours_since_last",
  "days_known",
  "amount_to_mean",
  "amount_to_max",
  "partners_1d",
  "partners_30d",
  "known_labels",
  "known_frauds",
  "known_fraud_rate",
  "days_since_known_fraud",
] as const;

const WINDOWS = Float64Array.of(5 * MINUTE_MS, HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS);
/** Places of the windows whose sums are read. */
const W_1H = 1;
const W_1D = 2;
const W_30D = 4;

/**
 * What is remembered of each entity of one kind (user, device, card, address, …): its newest
 * {@link RECENT} orders with time, amount, currency and partners, and the labels known of them.
 * Windows are (now − length, now] of event time; an order that came too early by its time is in none.
 * Sums and means are of orders in the same currency.
 */
export class EntityHistory {
  readonly slots: BoundedSlots;
  private readonly partnerKinds: number;
  private readonly intsWidth: number;
  private readonly doubles: SlotArray<Float64Array>;
  private readonly ints: SlotArray<Int32Array>;
  /** Figures of the windows of the order that is being read. */
  private readonly counts = new Int32Array(WINDOWS.length);
  private readonly sums = new Float64Array(WINDOWS.length);

  /** @param partnerKinds kinds of partners that are remembered of each order */
  constructor(section: StateSection, name: string, options: { capacity: number; partnerKinds: number }) {
    this.partnerKinds = options.partnerKinds;
    this.intsWidth = PARTNERS + RECENT * options.partnerKinds;
    this.doubles = section.float64(`${name}.doubles`);
    this.ints = section.int32(`${name}.ints`);
    this.slots = new BoundedSlots(section, name, options.capacity, (slot) => this.clear(slot));
  }

  /** State of one entity, without its place in the index. */
  get bytesPerEntity(): number {
    return DOUBLES * 8 + this.intsWidth * 4 + 9;
  }

  ensure(): void {
    this.slots.ensure();
  }

  /**
   * Adds an order, returns the entity's slot.
   *
   * @param known the key's slot, below 0 where it has none
   * @param partners one short key for each kind, 0 where there is none
   */
  add(key: number, known: number, act: Act, partners: ArrayLike<number>): number {
    const slot = this.slots.take(key, known);
    this.doubles.ensure(this.slots.size * DOUBLES);
    this.ints.ensure(this.slots.size * this.intsWidth);
    const doubles = this.doubles.values;
    const ints = this.ints.values;
    const d = slot * DOUBLES;
    const n = slot * this.intsWidth;
    const acts = ints[n + ACTS]++;
    const place = acts % RECENT;
    if (acts === 0 || act.timeMs < doubles[d + FIRST_MS]) doubles[d + FIRST_MS] = act.timeMs;
    doubles[d + TIMES + place] = act.timeMs;
    doubles[d + AMOUNTS + place] = act.amount;
    ints[n + CURRENCIES + place] = act.currency;
    for (let kind = 0; kind < this.partnerKinds; kind++) {
      ints[n + PARTNERS + kind * RECENT + place] = partners[kind];
    }
    this.doubles.markRange(d, d + DOUBLES);
    this.ints.markRange(n, n + this.intsWidth);
    return slot;
  }

  /** One number that the owner keeps with an entity; 0 where there is none. */
  note(slot: number): number {
    return slot < 0 ? 0 : this.doubles.values[slot * DOUBLES + NOTE];
  }

  setNote(slot: number, value: number): void {
    this.doubles.values[slot * DOUBLES + NOTE] = value;
    this.doubles.mark(slot * DOUBLES + NOTE);
  }

  /** Counts one more of what the owner tallies of an entity, under 0 or 1. */
  tally(key: number, which: 0 | 1): void {
    const slot = this.slots.find(key);
    if (slot < 0) return;
    const at = slot * this.intsWidth + TALLIES + which;
    this.ints.values[at]++;
    this.ints.mark(at);
  }

  /** What was tallied, as a share of all orders. */
  tallyShare(slot: number, which: 0 | 1): number {
    if (slot < 0) return 0;
    const n = slot * this.intsWidth;
    return this.ints.values[n + TALLIES + which] / Math.max(1, this.ints.values[n + ACTS]);
  }

  /** A label of one of the entity's orders. Entities that were forgotten learn nothing. */
  learn(key: number, change: LabelChange): void {
    const slot = this.slots.find(key);
    if (slot < 0) return;
    const n = slot * this.intsWidth;
    this.ints.values[n + LABELS] += change.labels;
    this.ints.values[n + FRAUDS] += change.frauds;
    this.ints.mark(n + LABELS);
    this.ints.mark(n + FRAUDS);
    const at = slot * DOUBLES + LAST_FRAUD_MS;
    if (change.fraudMs > this.doubles.values[at]) {
      this.doubles.values[at] = change.fraudMs;
      this.doubles.mark(at);
    }
  }

  /** Orders that are remembered, from 0 to {@link RECENT}. */
  remembered(slot: number): number {
    return slot < 0 ? 0 : Math.min(RECENT, this.ints.values[slot * this.intsWidth + ACTS]);
  }

  time(slot: number, place: number): number {
    return this.doubles.values[slot * DOUBLES + TIMES + place];
  }

  amount(slot: number, place: number): number {
    return this.doubles.values[slot * DOUBLES + AMOUNTS + place];
  }

  currency(slot: number, place: number): number {
    return this.ints.values[slot * this.intsWidth + CURRENCIES + place];
  }

  partner(slot: number, kind: number, place: number): number {
    return this.ints.values[slot * this.intsWidth + PARTNERS + kind * RECENT + place];
  }

  /** Different partners of a kind among the orders of the last `windowMs`. */
  distinct(slot: number, kind: number, nowMs: number, windowMs: number): number {
    const count = this.remembered(slot);
    const times = this.doubles.values;
    const partners = this.ints.values;
    const d = slot * DOUBLES + TIMES;
    const n = slot * this.intsWidth + PARTNERS + kind * RECENT;
    let distinct = 0;
    for (let i = 0; i < count; i++) {
      const partner = partners[n + i];
      if (partner === 0 || !isWithin(times[d + i], nowMs, windowMs)) continue;
      let before = 0;
      while (
        before < i &&
        !(partners[n + before] === partner && isWithin(times[d + before], nowMs, windowMs))
      ) {
        before++;
      }
      if (before === i) distinct++;
    }
    return distinct;
  }

  /** Orders of the last `windowMs`. */
  within(slot: number, nowMs: number, windowMs: number): number {
    const count = this.remembered(slot);
    let found = 0;
    for (let i = 0; i < count; i++) if (isWithin(this.time(slot, i), nowMs, windowMs)) found++;
    return found;
  }

  /** Time of the newest order up to `nowMs`, NaN where there is none. */
  newest(slot: number, nowMs: number): number {
    const count = this.remembered(slot);
    let newest = Number.NaN;
    for (let i = 0; i < count; i++) {
      const time = this.time(slot, i);
      if (time <= nowMs && !(time <= newest)) newest = time;
    }
    return newest;
  }

  /** Orders among those remembered that had the partner. */
  ordersWith(slot: number, kind: number, partner: number): number {
    const count = this.remembered(slot);
    let found = 0;
    for (let i = 0; i < count; i++) if (this.partner(slot, kind, i) === partner) found++;
    return found;
  }

  /** Share of known frauds among known labels, towards {@link PRIOR_RATE} where few are known. */
  fraudRate(slot: number): number {
    const n = slot * this.intsWidth;
    const labels = slot < 0 ? 0 : this.ints.values[n + LABELS];
    const frauds = slot < 0 ? 0 : this.ints.values[n + FRAUDS];
    return (frauds + PRIOR_LABELS * PRIOR_RATE) / (labels + PRIOR_LABELS);
  }

  /**
   * Writes {@link HISTORY_FEATURES} of an order that is not yet added: NaN where it has no such
   * entity ({@link NO_ENTITY}) or a figure needs an earlier order. `slot` is -1 of an entity that is new.
   */
  read(slot: number, { timeMs: nowMs, amount, currency }: Act, out: Float64Array, base: number): number {
    const end = base + HISTORY_FEATURES.length;
    if (slot === NO_ENTITY) {
      out.fill(Number.NaN, base, end);
      return end;
    }
    const remembered = this.remembered(slot);
    const doubles = this.doubles.values;
    const d = slot * DOUBLES;
    const currencies = slot * this.intsWidth + CURRENCIES;
    const { counts, sums } = this;
    counts.fill(0);
    sums.fill(0);
    let [last, same, sum, max] = [Number.NEGATIVE_INFINITY, 0, 0, 0];
    for (let i = 0; i < remembered; i++) {
      const time = doubles[d + TIMES + i];
      if (time > nowMs) continue;
      if (time > last) last = time;
      const isSame = this.ints.values[currencies + i] === currency;
      const before = isSame ? doubles[d + AMOUNTS + i] : 0;
      if (isSame) {
        same++;
        sum += before;
        if (before > max) max = before;
      }
      for (let w = WINDOWS.length - 1; w >= 0 && time > nowMs - WINDOWS[w]; w--) {
        counts[w]++;
        sums[w] += before;
      }
    }
    let at = base;
    for (let w = 0; w < WINDOWS.length; w++) out[at++] = counts[w];
    out[at++] = sums[W_1H];
    out[at++] = sums[W_1D];
    out[at++] = sums[W_30D];
    out[at++] = last === Number.NEGATIVE_INFINITY ? Number.NaN : (nowMs - last) / HOUR_MS;
    out[at++] = remembered === 0 ? 0 : (nowMs - doubles[d + FIRST_MS]) / DAY_MS;
    out[at++] = sum === 0 ? Number.NaN : (amount * same) / sum;
    out[at++] = max === 0 ? Number.NaN : amount / max;
    out[at++] = this.distinct(slot, 0, nowMs, DAY_MS);
    out[at++] = this.distinct(slot, 0, nowMs, 30 * DAY_MS);
    this.readLabels(slot, nowMs, out, at);
    return end;
  }

  private readLabels(slot: number, nowMs: number, out: Float64Array, base: number): void {
    const n = slot * this.intsWidth;
    out[base] = slot < 0 ? 0 : Math.min(COUNTED_MAX, this.ints.values[n + LABELS]);
    out[base + 1] = slot < 0 ? 0 : Math.min(COUNTED_MAX, this.ints.values[n + FRAUDS]);
    out[base + 2] = this.fraudRate(slot);
    const fraudMs = slot < 0 ? 0 : this.doubles.values[slot * DOUBLES + LAST_FRAUD_MS];
    out[base + 3] = fraudMs === 0 ? Number.NaN : Math.max(0, nowMs - fraudMs) / DAY_MS;
  }

  private clear(slot: number): void {
    const [d, n] = [slot * DOUBLES, slot * this.intsWidth];
    this.doubles.values.fill(0, d, d + DOUBLES);
    this.ints.values.fill(0, n, n + this.intsWidth);
    this.doubles.markRange(d, d + DOUBLES);
    this.ints.markRange(n, n + this.intsWidth);
  }
}

function isWithin(timeMs: number, nowMs: number, windowMs: number): boolean {
  return timeMs <= nowMs && timeMs > nowMs - windowMs;
}
