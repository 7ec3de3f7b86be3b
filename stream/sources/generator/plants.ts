import type { Product, Shopper } from "./catalogue.ts";
import { placeOrder } from "./order-flow.ts";
import type { Actor } from "./schedule.ts";
import type { Shop } from "./shop.ts";

const FLASH_FIRST_MS = 3000;
const FLASH_VIEWS = 180;
/** 150 views in the first 8 s: over the threshold before the first minute is over, wherever it began. */
const FLASH_BURST_VIEWS = 150;
const FLASH_BURST_GAP_MS = 8000 / FLASH_BURST_VIEWS;
const FLASH_TAIL_GAP_MS = 1500;
const RING_FIRST_MS = 5000;
const RING_MEMBERS = 3;
const RING_ORDERS_EACH = 6;
const RING_ORDER_GAP_MS = 2000;
const RING_DESTINATIONS = ["NG", "RO", "VN", "PA"];

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

/** Plants fraud rings: few people, one device, many dear orders at once, shipped to another country. */
export class FraudRings implements Actor {
  readonly #shop: Shop;

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
    shop.schedule.add(now, new FraudRing(shop, [...members], now));
    return now + shop.options.fraudRingEveryMs;
  }
}

class FraudRing implements Actor {
  readonly #shop: Shop;
  readonly #members: readonly Shopper[];
  readonly #ring: { deviceId: string; card: string; shippingCountry: string };
  readonly #truth: { deviceId: string; userIds: string[]; orderIds: string[]; startTime: number };
  #ordered = 0;

  constructor(shop: Shop, members: readonly Shopper[], now: number) {
    this.#shop = shop;
    this.#members = members;
    const name = shop.nextId();
    const shippingCountry = shop.random.pick(RING_DESTINATIONS);
    this.#ring = { deviceId: `d-ring-${name}`, card: `card-ring-${name}`, shippingCountry };
    const userIds = members.map((member) => member.id);
    this.#truth = { deviceId: this.#ring.deviceId, userIds, orderIds: [], startTime: Math.floor(now) };
    shop.fraudRings.push(this.#truth);
  }

  act(now: number): number {
    const shop = this.#shop;
    const time = Math.floor(now);
    const shopper = this.#members[Math.floor(this.#ordered++ / RING_ORDERS_EACH)];
    shop.introduce(shopper, time);
    const sessionId = `x-${shop.nextId()}`;
    const product = this.#dearProduct();
    shop.delivery.planted(shop.event("checkout", time, shopper, sessionId, ""));
    const lines = [{ product, quantity: 2 }];
    this.#truth.orderIds.push(placeOrder(shop, shopper, { time, sessionId, lines, ring: this.#ring }));
    return this.#ordered < this.#members.length * RING_ORDERS_EACH ? now + RING_ORDER_GAP_MS : -1;
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
