import type { Product, Shopper } from "./catalogue.ts";
import { placeOrder } from "./order-flow.ts";
import type { Actor } from "./schedule.ts";
import type { Shop } from "./shop.ts";

const QUERIES = [
  "lamp",
  "winter jacket",
  "speaker",
  "water bottle",
  "backpack",
  "keyboard",
  "blanket",
  "watch",
];
const REFERRERS = ["https://search.example/", "https://social.example/", "https://mail.example/"];
const THINK_MS_MEAN = 4000;
const CART_ITEMS_MAX = 4;
const STEPS_MAX = 60;
/** Of the products bought, those of which the shopper takes two or three. */
const SEVERAL_SHARE = 0.2;

/**
 * One visit. Who returns, searches and fills a cart buys more often: that is what a propensity model
 * can learn. Steps: landing page, then pages, searches, items, cart, checkout, purchase or leaving.
 */
export class ShoppingSession implements Actor {
  readonly #shop: Shop;
  readonly #shopper: Shopper;
  readonly #id: string;
  readonly #cart: Product[] = [];
  #viewed: Product | null = null;
  #searched = false;
  #searchedNow = false;
  #checkedOut = false;
  #steps = 0;

  constructor(shop: Shop, shopper: Shopper) {
    this.#shop = shop;
    this.#shopper = shopper;
    this.#id = `v-${shop.nextId()}`;
    shop.sessions++;
  }

  act(now: number): number {
    const time = Math.floor(now);
    if (this.#steps++ === 0) return this.#land(time);
    if (this.#steps > STEPS_MAX) return -1;
    if (this.#checkedOut) return this.#purchase(time);
    if (this.#searchedNow) return this.#click(time);
    return this.#browse(time);
  }

  #browse(time: number): number {
    const random = this.#shop.random;
    const draw = random.unit();
    if (draw < 0.17) return this.#cart.length > 0 ? this.#checkout(time) : -1;
    if (draw < 0.55 && this.#viewed !== null) return this.#maybeAdd(time, this.#viewed);
    if (draw < 0.62) return this.#search(time);
    if (draw < 0.64 && this.#cart.length > 0) return this.#remove(time);
    if (draw < 0.9) return this.#view(time, this.#shop.drawProduct(), "item_view");
    return this.#page(time, `"pageUrl":"/c/${random.below(this.#shop.options.categories)}",`);
  }

  #land(time: number): number {
    const random = this.#shop.random;
    this.#shop.introduce(this.#shopper, time);
    const referrer = random.chance(0.4) ? `"referrer":"${random.pick(REFERRERS)}",` : "";
    return this.#page(time, `"pageUrl":"/",${referrer}`);
  }

  #page(time: number, details: string): number {
    return this.#emit(time, "page_view", details);
  }

  #view(time: number, product: Product, type: "item_view" | "click"): number {
    this.#viewed = product;
    return this.#emit(time, type, `${product.json}"pageUrl":"/p/${product.id}",`);
  }

  #search(time: number): number {
    this.#searched = true;
    this.#searchedNow = true;
    return this.#emit(time, "search", `"query":"${this.#shop.random.pick(QUERIES)}",`);
  }

  #click(time: number): number {
    this.#searchedNow = false;
    return this.#view(time, this.#shop.drawProduct(), "click");
  }

  #maybeAdd(time: number, product: Product): number {
    const odds = 0.22 + (this.#shopper.returning ? 0.15 : 0) + (this.#searched ? 0.15 : 0);
    const free = !product.displayOnly && product.stock > 0 && this.#cart.length < CART_ITEMS_MAX;
    if (!free || !this.#shop.random.chance(odds))
      return this.#view(time, this.#shop.drawProduct(), "item_view");
    this.#viewed = null;
    this.#cart.push(product);
    return this.#emit(time, "cart_add", `${product.json}"quantity":1,`);
  }

  #remove(time: number): number {
    const product = this.#cart.pop()!;
    return this.#emit(time, "cart_remove", product.json);
  }

  #checkout(time: number): number {
    const odds = 0.3 + (this.#shopper.returning ? 0.25 : 0) + (this.#searched ? 0.15 : 0);
    if (!this.#shop.random.chance(odds)) return -1;
    this.#checkedOut = true;
    return this.#emit(time, "checkout", "");
  }

  #purchase(time: number): number {
    const lines = this.#cart
      .filter((product) => product.stock > 0)
      .map((product) => ({ product, quantity: this.#quantity(product) }));
    // The last piece may have gone to someone else since it was put into the cart.
    if (lines.length === 0 || !this.#shop.random.chance(0.85)) return -1;
    placeOrder(this.#shop, this.#shopper, { time, sessionId: this.#id, lines });
    return -1;
  }

  #quantity(product: Product): number {
    const { habits } = this.#shop;
    return habits.chance(SEVERAL_SHARE) ? Math.min(product.stock, habits.between(2, 3)) : 1;
  }

  #emit(time: number, type: string, details: string): number {
    const shop = this.#shop;
    shop.delivery.event(time, shop.event(type, time, this.#shopper, this.#id, details));
    return time + 200 + shop.random.exponential(THINK_MS_MEAN);
  }
}

/** Mean customer events of a session, measured over a million: turns a rate of events into one of visits. */
export const SESSION_EVENTS_MEAN = 6.85;

/** Lets shoppers come in at the options' rate, for ever. */
export class Arrivals implements Actor {
  readonly #shop: Shop;
  readonly #gapMsMean: number;

  constructor(shop: Shop) {
    this.#shop = shop;
    this.#gapMsMean = (1000 * SESSION_EVENTS_MEAN) / shop.options.eventsPerSecond;
  }

  act(now: number): number {
    this.#shop.schedule.add(now, new ShoppingSession(this.#shop, this.#shop.drawShopper()));
    return now + this.#shop.random.exponential(this.#gapMsMean / this.#shop.pace.at(now));
  }
}
