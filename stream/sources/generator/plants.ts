import { SeededRandom } from "../random.ts";
import type { Product, Shopper } from "./catalogue.ts";
import { FAR_COUNTRIES, placeOrder, type RingMarks } from "./order-flow.ts";
import type { Actor } from "./schedule.ts";
import type { Shop } from "./shop.ts";
import type { RingStyle } from "./shop-options.ts";

const FLASH_FIRST_MS = 3000;
const FLASH_VIEWS = 180;
/** 150 views in the first 8 s: over the threshold before the first minute is over, wherever it began. */
const FLASH_BURST_VIEWS = 150;
const FLASH_BURST_GAP_MS = 8000 / FLASH_BURST_VIEWS;
const FLASH_TAIL_GAP_MS = 1500;
const RING_FIRST_MS = 5000;
const RING_MEMBERS = 3;
/** In turn. A local ring orders less: more would be told by the number alone. */
const RING_STYLES: readonly RingStyle[] = ["bold", "slow", "local"];
const RING_ORDERS_EACH: Readonly<Record<RingStyle, number>> = { bold: 6, slow: 6, local: 3 };
const RING_ORDER_GAP_MS: Readonly<Record<RingStyle, number>> = { bold: 2000, slow: 60_000, local: 20_000 };

/** A surge, or a slump. */
const SURGE_FACTORS = [3, 0.1];
const SURGE_MS = 2 * 3_600_000;
/** Of the usual visits of a week's hour: where fewer come, a slump is none. */
const SURGE_PACE_MIN = 1;
const SURGE_RETRY_MS = 3_600_000;

/** Plants a flash sale every so often: many views of one product that nobody buys. */
export class FlashSales implements Actor {
  readonly #shop: Shop;
  #next = 0;

  constructor(shop: Shop) {
    this.#shop = shop;
  }

  static firstTime(shop: Shop): number {
    return shop.options.startTime + FLASH_FIRST_MS;
  }

  act(now: number): number {
    const product = this.#shop.displayed[this.#next++ % this.#shop.displayed.length];
    this.#shop.schedule.add(now, new FlashSale(this.#shop, product, now));
    return now + this.#shop.options.flashSaleEveryMs;
  }
}

class FlashSale implements Actor {
  readonly #shop: Shop;
  readonly #product: Product;
  readonly #truth: { productId: string; startTime: number; endTime: number; views: number };

  constructor(shop: Shop, product: Product, now: number) {
    this.#shop = shop;
    this.#product = product;
    const time = Math.floor(now);
    this.#truth = { productId: product.id, startTime: time, endTime: time, views: 0 };
    shop.flashSales.push(this.#truth);
  }

  act(now: number): number {
    const shop = this.#shop;
    const time = Math.floor(now);
    const shopper = shop.drawShopper();
    shop.introduce(shopper, time);
    const details = `${this.#product.json}"pageUrl":"/p/${this.#product.id}","referrer":"https://social.example/",`;
    shop.delivery.planted(shop.event("item_view", time, shopper, `f-${shop.nextId()}`, details));
    this.#truth.views++;
    this.#truth.endTime = time;
    if (this.#truth.views >= FLASH_VIEWS) return -1;
    return now + (this.#truth.views < FLASH_BURST_VIEWS ? FLASH_BURST_GAP_MS : FLASH_TAIL_GAP_MS);
  }
}

/** Plants fraud rings: few people, one device and card, dear orders in succession, mostly shipped abroad. */
export class FraudRings implements Actor {
  readonly #shop: Shop;
  #planted = 0;

  constructor(shop: Shop) {
    this.#shop = shop;
  }

  static firstTime(shop: Shop): number {
    return shop.options.startTime + RING_FIRST_MS;
  }

  act(now: number): number {
    const shop = this.#shop;
    const members = new Set<Shopper>();
    while (members.size < Math.min(RING_MEMBERS, shop.shoppers.length)) {
      members.add(shop.random.pick(shop.shoppers));
    }
    const style = RING_STYLES[this.#planted++ % RING_STYLES.length];
    shop.schedule.add(now, new FraudRing(shop, [...members], style, now));
    return now + shop.options.fraudRingEveryMs;
  }
}

class FraudRing implements Actor {
  readonly #shop: Shop;
  readonly #members: readonly Shopper[];
  readonly #ring: RingMarks;
  readonly #truth: Shop["fraudRings"][number];
  #ordered = 0;

  constructor(shop: Shop, members: readonly Shopper[], style: RingStyle, now: number) {
    this.#shop = shop;
    this.#members = members;
    const name = shop.nextId();
    const destination = shop.random.pick(FAR_COUNTRIES);
    this.#ring = {
      deviceId: `d-${name}`,
      card: `card-${name}`,
      shippingCountry: style === "local" ? null : destination,
    };
    const userIds = members.map((member) => member.id);
    const { deviceId } = this.#ring;
    this.#truth = { deviceId, userIds, orderIds: [], startTime: Math.floor(now), style };
    shop.fraudRings.push(this.#truth);
  }

  act(now: number): number {
    const shop = this.#shop;
    const time = Math.floor(now);
    const { style } = this.#truth;
    const ordersEach = RING_ORDERS_EACH[style];
    const shopper = this.#members[Math.floor(this.#ordered++ / ordersEach)];
    shop.introduce(shopper, time);
    const sessionId = `x-${shop.nextId()}`;
    const product = this.#dearProduct();
    // A bold ring goes straight to the checkout; the others look around like anybody.
    for (let i = style === "bold" ? 0 : shop.habits.between(1, 6); i > 0; i--) {
      const details = `${product.json}"pageUrl":"/p/${product.id}",`;
      shop.delivery.planted(
        shop.event(i === 1 ? "cart_add" : "item_view", time, shopper, sessionId, details),
      );
    }
    shop.delivery.planted(shop.event("checkout", time, shopper, sessionId, ""));
    const lines = [{ product, quantity: 2 }];
    this.#truth.orderIds.push(placeOrder(shop, shopper, { time, sessionId, lines, ring: this.#ring }));
    return this.#ordered < this.#members.length * ordersEach ? now + RING_ORDER_GAP_MS[style] : -1;
  }

  /** The dearest of a few that can be bought. */
  #dearProduct(): Product {
    let dear: Product | null = null;
    for (let i = 0; i < 20; i++) {
      const product = this.#shop.random.pick(this.#shop.products);
      if (product.displayOnly || product.stock < 2) continue;
      if (dear === null || product.priceMinor > dear.priceMinor) dear = product;
    }
    return dear ?? this.#shop.products[0];
  }
}

/** Plants two hours of far more visits than usual, or far fewer, at no round time. */
export class Surges implements Actor {
  readonly #shop: Shop;
  readonly #random: SeededRandom;

  constructor(shop: Shop) {
    this.#shop = shop;
    this.#random = new SeededRandom(shop.options.seed, 6);
  }

  static firstTime(shop: Shop): number {
    return shop.options.startTime + shop.options.surgeFirstMs;
  }

  act(now: number): number {
    const { pace, schedule, options } = this.#shop;
    if (pace.usual(now) < SURGE_PACE_MIN) return now + SURGE_RETRY_MS * this.#random.unit();
    const surge = pace.begin(Math.floor(now), SURGE_MS, this.#random.pick(SURGE_FACTORS));
    schedule.once(surge.endTime, () => pace.end());
    return now + Math.max(2 * SURGE_MS, options.surgeEveryMs * (0.5 + this.#random.unit()));
  }
}
