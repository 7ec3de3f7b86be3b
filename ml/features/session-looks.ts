import {
  type EnumColumn,
  type EventBatch,
  type Float64Column,
  type KeyColumn,
  PAGE_SHIFT,
  RowFlag,
  type SlotArray,
  type StateSection,
} from "../../schema/index.ts";
import type { FeatureKeys } from "../plugin.ts";
import { EventTypeCode } from "./shopper-event.ts";

/** What looks are read from: columns of a `customer-event` batch. */
export interface LookEventBatch extends EventBatch {
  readonly eventType: EnumColumn;
  readonly eventTime: Float64Column;
  readonly userId: KeyColumn;
  readonly productId: KeyColumn;
}

/** Newest looks kept of a running visit: what a recommender weighs. */
export const LOOKS_MAX = 10;
/** Newest bought products kept of a shopper. */
export const BOUGHT_MAX = 3;

// One user's state is 16 integers, one cache line: it divides a page.
export const LOOKS_SHIFT = 4;
/** 0 … 9: looks, a ring. */
const BOUGHT = 10;
/** 10 … 12: bought products, a ring, plus 1; 0 is none. */
const COUNTS = 13;
/** Looks of the visit; from this bit on purchases so far, modulo a multiple of their ring. */
const PURCHASE_BITS = 20;
/** 14 and 15: time of the newest look, ms, divided by 2^30, and the rest plus 1; 0 says never. */
const TIME_HIGH = 14;
const TIME_LOW = 15;
const TIME_UNIT = 2 ** 30;
const LOOKS_MASK = (1 << PURCHASE_BITS) - 1;
const PURCHASES_MODULUS = BOUGHT_MAX << 8;

/** What a row was for the visit of its user. */
export const Look = { none: 0, first: 1, next: 2, purchase: 3 } as const;
export type Look = (typeof Look)[keyof typeof Look];

/**
 * The products that each user looked at in the running visit, newest last, and those bought last.
 * A look is a page or item view of a product; a visit ends where more than the gap lies between two
 * looks. The order is the log's: live, replay and training fold the same rows in the same order.
 * 64 bytes a user.
 */
export class SessionLooks {
  readonly #keys: FeatureKeys;
  readonly #gapMs: number;
  readonly #slots: SlotArray<Int32Array>;

  constructor(section: StateSection, keys: FeatureKeys, gapMs: number) {
    this.#keys = keys;
    this.#gapMs = gapMs;
    this.#slots = section.int32("looks");
  }

  /** Makes room for every user interned so far; returns the slots, `user << LOOKS_SHIFT` is a user's. */
  ensure(): Int32Array {
    this.#slots.ensure(this.#keys.userId.size << LOOKS_SHIFT);
    return this.#slots.values;
  }

  /** Folds row `row`; says what it was. A repeat in the log is nothing. */
  fold(batch: LookEventBatch, row: number): Look {
    const type = batch.eventType.codes[row];
    if (type > EventTypeCode.item_view && type !== EventTypeCode.purchase) return Look.none;
    const product = batch.productId.ids[row];
    if (product < 0 || (batch.flags[row] & RowFlag.duplicate) !== 0) return Look.none;
    const base = batch.userId.ids[row] << LOOKS_SHIFT;
    const { values, dirty } = this.#slots;
    dirty[base >>> PAGE_SHIFT] = 1;
    if (type <= EventTypeCode.item_view) {
      return noteLook(values, base, product, batch.eventTime.values[row], this.#gapMs);
    }
    const purchases = values[base + COUNTS] >>> PURCHASE_BITS;
    values[base + BOUGHT + (purchases % BOUGHT_MAX)] = product + 1;
    values[base + COUNTS] =
      (values[base + COUNTS] & LOOKS_MASK) | (((purchases + 1) % PURCHASES_MODULUS) << PURCHASE_BITS);
    return Look.purchase;
  }

  /** Writes the newest looks of the visit, oldest first, to `out`; returns how many. */
  read(user: number, out: Int32Array): number {
    const base = user << LOOKS_SHIFT;
    const { values } = this.#slots;
    const looks = this.looks(user);
    const kept = Math.min(looks, LOOKS_MAX);
    for (let k = 0; k < kept; k++) out[k] = values[base + ((looks - kept + k) % LOOKS_MAX)];
    return kept;
  }

  /** Writes the products bought last to `out`, in no order; returns how many. */
  readBought(user: number, out: Int32Array): number {
    const base = user << LOOKS_SHIFT;
    const { values } = this.#slots;
    let count = 0;
    for (let k = 0; k < BOUGHT_MAX; k++) {
      const product = values[base + BOUGHT + k] - 1;
      if (product >= 0) out[count++] = product;
    }
    return count;
  }

  /** Looks of the running visit; 0 for a user who never looked at anything. */
  looks(user: number): number {
    return this.#slots.values[(user << LOOKS_SHIFT) + COUNTS] & LOOKS_MASK;
  }

  /** Time of the newest look, ms. */
  lastMs(user: number): number {
    const base = user << LOOKS_SHIFT;
    return this.#slots.values[base + TIME_HIGH] * TIME_UNIT + this.#slots.values[base + TIME_LOW] - 1;
  }
}

function noteLook(
  values: Int32Array,
  base: number,
  product: number,
  timeMs: number,
  gapMs: number,
): typeof Look.first | typeof Look.next {
  const never = values[base + TIME_LOW] === 0;
  const lastMs = values[base + TIME_HIGH] * TIME_UNIT + values[base + TIME_LOW] - 1;
  const begins = never || timeMs - lastMs > gapMs;
  const counts = values[base + COUNTS];
  const looks = begins ? 0 : counts & LOOKS_MASK;
  values[base + (looks % LOOKS_MAX)] = product;
  // A robot's visit: the count goes back by whole rings before it would overflow.
  const next = looks + 1 === LOOKS_MASK ? looks + 1 - (LOOKS_MAX << 10) : looks + 1;
  values[base + COUNTS] = (counts & ~LOOKS_MASK) | next;
  if (never || timeMs > lastMs) {
    const high = Math.floor(timeMs / TIME_UNIT);
    values[base + TIME_HIGH] = high;
    values[base + TIME_LOW] = timeMs - high * TIME_UNIT + 1;
  }
  return begins ? Look.first : Look.next;
}
