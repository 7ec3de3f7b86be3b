import {
  hashBytes,
  type KeyDictionary,
  PAGE_SHIFT,
  type SlotArray,
  type StateSection,
} from "../../schema/index.ts";
import type { FeatureGroup, FeatureKeys, FeatureState } from "../plugin.ts";
import { EventTypeCode, SESSION_GAP_MS, type ShopperEventBatch } from "./shopper-event.ts";

/**
 * What a shopper did in this visit so far, and before it. Counts, sums and durations enter as
 * log(1 + x); recencies as 1 / (1 + x), which is 0 where there was none.
 */
export const SHOPPER_SESSION_FEATURES = [
  "page_views",
  "item_views",
  "clicks",
  "searches",
  "cart_adds",
  "cart_removes",
  "checkouts",
  "purchases",
  "distinct_products",
  "repeat_views",
  "views_since_cart",
  "cart_items",
  "cart_value",
  "cart_recency_min",
  "price_mean",
  "price_max",
  "session_seconds",
  "seconds_since_last",
  "item_view_share",
  "past_sessions",
  "past_purchases",
  "purchase_recency_days",
  "hour_sin",
  "hour_cos",
] as const;

/** Clock of the day, and what of a shopper grows as long as events are kept. */
export const SHOPPER_SESSION_TIME_BOUND: readonly (typeof SHOPPER_SESSION_FEATURES)[number][] = [
  "past_sessions",
  "past_purchases",
  "purchase_recency_days",
  "hour_sin",
  "hour_cos",
];

// One user's state is one record of 8 doubles and one of 16 integers, 128 bytes: two or three cache
// lines, where a slot array per figure would touch twenty. Both sizes divide a page.
const DOUBLES_SHIFT = 3;
const SESSION_START = 0;
const LAST = 1;
const LAST_GAP = 2;
const CART_TIME = 3;
const PURCHASE_TIME = 4;
const CART_MINOR = 5;
const PRICE_SUM = 6;
const PRICE_MAX = 7;

const INTS_SHIFT = 4;
/** 0 … 7: events of the visit by type code. */
const REPEAT_VIEWS = 8;
const VIEWS_SINCE_CART = 9;
const PRICED_VIEWS = 10;
/** 11 and 12: bit set of 64 over the products viewed in the visit. */
const PRODUCT_BITS = 11;
/** Visits begun, this one included; 0 says that the user was never seen. */
const SESSIONS = 13;
const PAST_PURCHASES = 14;
const EVENTS = 15;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** log(1 + n) of small counts. */
const LOG1P = Float64Array.from({ length: 256 }, (_, n) => Math.log1p(n));
/** log(1 + distinct products) by bits set of 64: linear counting (Whang and others, 1990). */
const DISTINCT = Float64Array.from({ length: 65 }, (_, bits) =>
  Math.log1p(bits === 64 ? 64 * Math.log(128) : -64 * Math.log1p(-bits / 64)),
);
const HOUR_SIN = Float64Array.from({ length: 1440 }, (_, minute) => Math.sin((minute / 720) * Math.PI));
const HOUR_COS = Float64Array.from({ length: 1440 }, (_, minute) => Math.cos((minute / 720) * Math.PI));

/** Features of the shopper's visit, keyed by user. Visits are cut by event time in log order. */
export const shopperSession: FeatureGroup<ShopperEventBatch> = {
  name: "shopper-session",
  features: SHOPPER_SESSION_FEATURES,
  timeBound: SHOPPER_SESSION_TIME_BOUND,
  createState: (section, keys) => new ShopperSessionState(section, keys),
};

class ShopperSessionState implements FeatureState<ShopperEventBatch> {
  private readonly keys: FeatureKeys;
  private readonly doublesSlots: SlotArray<Float64Array>;
  private readonly intsSlots: SlotArray<Int32Array>;
  private readonly products: ProductBits;
  // Copies of what the slot arrays point at; renewed by ensure().
  private doubles: Float64Array;
  private ints: Int32Array;
  private doublesDirty: Uint8Array;
  private intsDirty: Uint8Array;
  /** Keeps the loads of {@link readAhead} from being dropped as unused. */
  loaded = 0;

  constructor(section: StateSection, keys: FeatureKeys) {
    this.keys = keys;
    this.doublesSlots = section.float64("doubles");
    this.intsSlots = section.int32("ints");
    this.products = new ProductBits(keys.productId);
    this.doubles = this.doublesSlots.values;
    this.ints = this.intsSlots.values;
    this.doublesDirty = this.doublesSlots.dirty;
    this.intsDirty = this.intsSlots.dirty;
  }

  ensure(): void {
    const users = this.keys.userId.size;
    this.doublesSlots.ensure(users << DOUBLES_SHIFT);
    this.intsSlots.ensure(users << INTS_SHIFT);
    this.doubles = this.doublesSlots.values;
    this.ints = this.intsSlots.values;
    this.doublesDirty = this.doublesSlots.dirty;
    this.intsDirty = this.intsSlots.dirty;
    this.products.ensure();
  }

  readAhead(slots: Int32Array, from: number, to: number): void {
    const { doubles, ints } = this;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const d = slots[i] << DOUBLES_SHIFT;
      const n = slots[i] << INTS_SHIFT;
      // Both ends: a record is as long as a cache line and lies across two.
      sum += doubles[d] + doubles[d + PRICE_MAX] + ints[n] + ints[n + EVENTS];
    }
    this.loaded = sum;
  }

  fold(batch: ShopperEventBatch, row: number): void {
    const { ints } = this;
    const user = batch.userId.ids[row];
    const d = user << DOUBLES_SHIFT;
    const n = user << INTS_SHIFT;
    this.doublesDirty[d >>> PAGE_SHIFT] = 1;
    this.intsDirty[n >>> PAGE_SHIFT] = 1;

    this.foldTime(d, n, batch.eventTime.values[row]);
    ints[n + EVENTS]++;
    const type = batch.eventType.codes[row];
    if (type > EventTypeCode.purchase) return;
    ints[n + type]++;
    if (type <= EventTypeCode.item_view) {
      ints[n + VIEWS_SINCE_CART]++;
      this.foldView(batch, row, d, n);
    } else if (type >= EventTypeCode.cart_add && type !== EventTypeCode.checkout) {
      this.foldCart(batch, row, type, d, n);
    }
  }

  read(slot: number, nowMs: number, out: Float64Array, base: number): void {
    const { doubles, ints } = this;
    const d = slot << DOUBLES_SHIFT;
    const n = slot << INTS_SHIFT;
    const events = ints[n + EVENTS];
    const itemViews = ints[n + EventTypeCode.item_view];
    const pricedViews = ints[n + PRICED_VIEWS];
    const adds = ints[n + EventTypeCode.cart_add];
    const bits = bitCount(ints[n + PRODUCT_BITS]) + bitCount(ints[n + PRODUCT_BITS + 1]);
    for (let type = 0; type < 8; type++) out[base + type] = log1pCount(ints[n + type]);
    out[base + 8] = DISTINCT[bits];
    out[base + 9] = log1pCount(ints[n + REPEAT_VIEWS]);
    out[base + 10] = log1pCount(ints[n + VIEWS_SINCE_CART]);
    out[base + 11] = log1pCount(Math.max(0, adds - ints[n + EventTypeCode.cart_remove]));
    out[base + 12] = log1p(doubles[d + CART_MINOR] / 100);
    out[base + 13] = recency(adds, nowMs - doubles[d + CART_TIME], MINUTE_MS);
    out[base + 14] = pricedViews === 0 ? 0 : log1p(doubles[d + PRICE_SUM] / (100 * pricedViews));
    out[base + 15] = log1p(doubles[d + PRICE_MAX] / 100);
    out[base + 16] = log1p(Math.max(0, nowMs - doubles[d + SESSION_START]) / 1000);
    // Read at the event just folded, the time since the event before; later, since the last one.
    const since = nowMs - doubles[d + LAST];
    out[base + 17] = log1p((since > 0 ? since : doubles[d + LAST_GAP]) / 1000);
    out[base + 18] = events === 0 ? 0 : itemViews / events;
    const purchases = ints[n + PAST_PURCHASES];
    out[base + 19] = log1pCount(Math.max(0, ints[n + SESSIONS] - 1));
    out[base + 20] = log1pCount(purchases);
    out[base + 21] = recency(
      purchases + ints[n + EventTypeCode.purchase],
      nowMs - doubles[d + PURCHASE_TIME],
      DAY_MS,
    );
    const minute = minuteOfDay(nowMs);
    out[base + 22] = HOUR_SIN[minute];
    out[base + 23] = HOUR_COS[minute];
  }

  /** Session boundary and clock. A row behind the user's newest one belongs to the visit it arrives in. */
  private foldTime(d: number, n: number, time: number): void {
    const { doubles, ints } = this;
    const gap = time - doubles[d + LAST];
    if (ints[n + SESSIONS] === 0 || gap > SESSION_GAP_MS) {
      ints[n + PAST_PURCHASES] += ints[n + EventTypeCode.purchase];
      ints[n + SESSIONS]++;
      for (let i = n; i < n + SESSIONS; i++) ints[i] = 0;
      ints[n + EVENTS] = 0;
      doubles[d + SESSION_START] = time;
      doubles[d + LAST] = time;
      doubles[d + LAST_GAP] = 0;
      doubles[d + CART_MINOR] = 0;
      doubles[d + PRICE_SUM] = 0;
      doubles[d + PRICE_MAX] = 0;
    } else if (gap > 0) {
      doubles[d + LAST_GAP] = gap;
      doubles[d + LAST] = time;
    } else {
      doubles[d + LAST_GAP] = 0;
    }
  }

  private foldView(batch: ShopperEventBatch, row: number, d: number, n: number): void {
    const { doubles, ints } = this;
    const product = batch.productId.ids[row];
    if (product >= 0) {
      const code = this.products.codes[product];
      const word = n + PRODUCT_BITS + (code >>> 5);
      const bit = 1 << (code & 31);
      if ((ints[word] & bit) !== 0) ints[n + REPEAT_VIEWS]++;
      else ints[word] |= bit;
    }
    const { priceMinor } = batch;
    if (priceMinor.valid !== null && priceMinor.valid[row] === 0) return;
    const price = priceMinor.values[row];
    ints[n + PRICED_VIEWS]++;
    doubles[d + PRICE_SUM] += price;
    if (price > doubles[d + PRICE_MAX]) doubles[d + PRICE_MAX] = price;
  }

  private foldCart(batch: ShopperEventBatch, row: number, type: number, d: number, n: number): void {
    const { doubles, ints } = this;
    const { priceMinor, quantity } = batch;
    const priced = priceMinor.valid === null || priceMinor.valid[row] === 1;
    const units = quantity.valid === null || quantity.valid[row] === 1 ? quantity.values[row] : 1;
    const value = priced ? priceMinor.values[row] * units : 0;
    const time = doubles[d + LAST];
    if (type === EventTypeCode.cart_add) {
      doubles[d + CART_MINOR] += value;
      doubles[d + CART_TIME] = time;
      ints[n + VIEWS_SINCE_CART] = 0;
      return;
    }
    if (type === EventTypeCode.purchase) doubles[d + PURCHASE_TIME] = time;
    doubles[d + CART_MINOR] = Math.max(0, doubles[d + CART_MINOR] - value);
  }
}

/**
 * Which of 64 bits stands for a product: by its key's bytes, not its id, because ids differ from
 * task to task and a vector must not. Derived from the dictionary, so no checkpoint holds it.
 */
class ProductBits {
  codes = new Uint8Array(1024);
  private readonly dictionary: KeyDictionary;
  private known = 0;

  constructor(dictionary: KeyDictionary) {
    this.dictionary = dictionary;
  }

  ensure(): void {
    const { dictionary } = this;
    const { size } = dictionary;
    if (size > this.codes.length) {
      const grown = new Uint8Array(Math.max(size, this.codes.length * 2));
      grown.set(this.codes);
      this.codes = grown;
    }
    for (; this.known < size; this.known++) {
      const end = dictionary.ends[this.known];
      this.codes[this.known] = hashBytes(dictionary.heap, dictionary.start(this.known), end, 1) & 63;
    }
  }
}

function log1pCount(count: number): number {
  return count < 256 ? LOG1P[count] : Math.log1p(count);
}

/** V8's log is three times as fast as its log1p, whose care for tiny x serves nothing here. */
function log1p(value: number): number {
  return value === 0 ? 0 : Math.log(1 + value);
}

function recency(times: number, sinceMs: number, unitMs: number): number {
  return times === 0 ? 0 : unitMs / (unitMs + Math.max(0, sinceMs));
}

function minuteOfDay(timeMs: number): number {
  const minute = Math.floor(timeMs / MINUTE_MS) % 1440;
  return minute < 0 ? minute + 1440 : minute;
}

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
