import { describe, expect, it } from "vitest";
import { PAGE_SHIFT, StateSection } from "../../schema/index.ts";
import { createRandom } from "../training/random.ts";
import { createKeys, type ShopperEvent, shopperBatch } from "./shopper-batch.fixture.ts";
import { EventTypeCode, SESSION_GAP_MS } from "./shopper-event.ts";
import { SHOPPER_SESSION_FEATURES, shopperSession } from "./shopper-session.ts";

const T0 = Date.UTC(2026, 0, 5, 6, 0, 0);
const WIDTH = SHOPPER_SESSION_FEATURES.length;

/** Folds all events, in batches of `cut`, and returns the vector after each. */
function fold(events: readonly ShopperEvent[], cut = events.length): Float64Array {
  const keys = createKeys();
  const section = new StateSection("test");
  const state = shopperSession.createState(section, keys);
  const out = new Float64Array(events.length * WIDTH);
  for (let from = 0; from < events.length; from += cut) {
    const batch = shopperBatch(events.slice(from, from + cut), keys);
    state.ensure();
    for (let row = 0; row < batch.length; row++) {
      state.fold(batch, row);
      state.read(batch.userId.ids[row], batch.eventTime.values[row], out, (from + row) * WIDTH);
    }
  }
  return out;
}

function named(vectors: Float64Array, row: number): Record<string, number> {
  return Object.fromEntries(SHOPPER_SESSION_FEATURES.map((name, j) => [name, vectors[row * WIDTH + j]]));
}

function last(events: readonly ShopperEvent[]): Record<string, number> {
  return named(fold(events), events.length - 1);
}

const view = (time: number, product: string, priceMinor?: number): ShopperEvent => ({
  type: "item_view",
  time,
  user: "u",
  product,
  ...(priceMinor === undefined ? {} : { priceMinor }),
});

function randomEvents(count: number, seed: number): ShopperEvent[] {
  const random = createRandom(seed);
  const types = Object.keys(EventTypeCode) as (keyof typeof EventTypeCode)[];
  let time = T0;
  return Array.from({ length: count }, () => {
    time += random() < 0.01 ? 3 * SESSION_GAP_MS * random() : 30_000 * random();
    const late = random() < 0.1 ? 2_000_000 * random() : 0;
    return {
      type: types[Math.floor(types.length * random() ** 2)],
      time: Math.floor(time - late),
      user: `u${Math.floor(40 * random() ** 3)}`,
      ...(random() < 0.8 ? { product: `p${Math.floor(300 * random() ** 2)}` } : {}),
      ...(random() < 0.7 ? { priceMinor: Math.floor(100_000 * random()) } : {}),
      ...(random() < 0.3 ? { quantity: 1 + Math.floor(3 * random()) } : {}),
    };
  });
}

describe("shopper session features", () => {
  it("count the visit's events, products and prices, ignoring what lies under nulls", () => {
    const vector = last([
      { type: "page_view", time: T0, user: "u" },
      view(T0 + 10_000, "a", 2000),
      view(T0 + 20_000, "b", 4000),
      view(T0 + 30_000, "a"),
      { type: "search", time: T0 + 40_000, user: "other" },
      { type: "cart_add", time: T0 + 50_000, user: "u", product: "a", priceMinor: 2000, quantity: 3 },
      view(T0 + 110_000, "a"),
    ]);
    expect(vector.page_views).toBeCloseTo(Math.log(2), 12);
    expect(vector.item_views).toBeCloseTo(Math.log(5), 12);
    expect(vector.searches).toBe(0);
    expect(vector.repeat_views).toBeCloseTo(Math.log(3), 12);
    expect(vector.distinct_products).toBeCloseTo(Math.log(1 - 64 * Math.log(62 / 64)), 12);
    expect(vector.views_since_cart).toBeCloseTo(Math.log(2), 12);
    expect(vector.cart_items).toBeCloseTo(Math.log(2), 12);
    expect(vector.cart_value).toBeCloseTo(Math.log(61), 12);
    expect(vector.cart_recency_min).toBeCloseTo(0.5, 12);
    expect(vector.price_mean).toBeCloseTo(Math.log(31), 12);
    expect(vector.price_max).toBeCloseTo(Math.log(41), 12);
    expect(vector.session_seconds).toBeCloseTo(Math.log(111), 12);
    expect(vector.seconds_since_last).toBeCloseTo(Math.log(61), 12);
    expect(vector.item_view_share).toBeCloseTo(4 / 6, 12);
    expect(vector.hour_sin).toBeCloseTo(1, 4);
  });

  it("begin a new visit only after more than the gap, and remember past visits and purchases", () => {
    const bought: ShopperEvent = { type: "purchase", time: T0, user: "u", product: "a", priceMinor: 500 };
    const stays = last([bought, view(T0 + SESSION_GAP_MS, "a")]);
    expect(stays.purchases).toBeCloseTo(Math.log(2), 12);
    expect(stays.past_sessions).toBe(0);

    const returns = last([bought, view(T0 + SESSION_GAP_MS + 1, "a")]);
    expect(returns.purchases).toBe(0);
    expect(returns.past_sessions).toBeCloseTo(Math.log(2), 12);
    expect(returns.past_purchases).toBeCloseTo(Math.log(2), 12);
    expect(returns.session_seconds).toBe(0);
    expect(returns.purchase_recency_days).toBeCloseTo(48 / 49, 6);
  });

  it("take rows behind the user's newest one without negative times, however old", () => {
    for (const back of [1, SESSION_GAP_MS, 10 * SESSION_GAP_MS]) {
      const vector = last([view(T0, "a", 100), view(T0 - back, "b", 100)]);
      expect(vector.session_seconds).toBe(0);
      expect(vector.seconds_since_last).toBe(0);
      expect(vector.item_views).toBeCloseTo(Math.log(3), 12);
    }
  });

  it("are finite, and never negative but for the hour, over random events", () => {
    const vectors = fold(randomEvents(20_000, 7));
    for (let i = 0; i < vectors.length; i++) {
      const name = SHOPPER_SESSION_FEATURES[i % WIDTH];
      if (!Number.isFinite(vectors[i]) || (vectors[i] < 0 && !name.startsWith("hour"))) {
        expect.fail(`${name} of row ${Math.floor(i / WIDTH)} is ${vectors[i]}`);
      }
    }
  });

  it("are the same byte for byte however the log is cut, and whatever ids the keys have", () => {
    const events = randomEvents(5_000, 11);
    const whole = Buffer.from(fold(events).buffer);
    for (const cut of [1, 7, 1000]) expect(whole.equals(Buffer.from(fold(events, cut).buffer))).toBe(true);

    const keys = createKeys();
    for (let i = 2000; i > 0; i--) keys.productId.internText(`p${i}`);
    for (let i = 100; i > 0; i--) keys.userId.internText(`u${i}`);
    const state = shopperSession.createState(new StateSection("test"), keys);
    const batch = shopperBatch(events, keys);
    const out = new Float64Array(events.length * WIDTH);
    state.ensure();
    for (let row = 0; row < batch.length; row++) {
      state.fold(batch, row);
      state.read(batch.userId.ids[row], batch.eventTime.values[row], out, row * WIDTH);
    }
    expect(whole.equals(Buffer.from(out.buffer))).toBe(true);
  });

  it("mark every page that they write", () => {
    const keys = createKeys();
    for (let i = 0; i < 3000; i++) keys.userId.internText(`u${i}`);
    const section = new StateSection("test");
    const state = shopperSession.createState(section, keys);
    const batch = shopperBatch([{ type: "page_view", time: T0, user: "u2999" }], keys);
    state.ensure();
    for (const array of section.arrays) array.dirty.fill(0);
    state.fold(batch, 0);
    expect(
      section.arrays.map((array) => [...array.dirty.keys()].filter((page) => array.dirty[page] === 1)),
    ).toEqual([[(2999 * 8) >>> PAGE_SHIFT], [(2999 * 16) >>> PAGE_SHIFT]]);
  });
});
