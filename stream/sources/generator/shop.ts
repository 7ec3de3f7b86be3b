import { TopicWriter } from "../batch-writer.ts";
import { SeededRandom } from "../random.ts";
import { ZipfSampler } from "../zipf.ts";
import { makeProducts, makeShoppers, type Product, type Shopper } from "./catalogue.ts";
import { Delivery, type ShopEvent } from "./delivery.ts";
import { Pace } from "./pace.ts";
import { Schedule } from "./schedule.ts";
import {
  LOW_STOCK_UNITS,
  type RingStyle,
  type ShopOptions,
  type ShopTruth,
  type StockChange,
} from "./shop-options.ts";

/** Topics that the generator writes, in the order in which a chunk is appended: products before events about them. */
export const SHOP_TOPICS = [
  "products",
  "user-profiles",
  "inventory-updates",
  "customer-events",
  "orders",
  "payments",
  "fraud-labels",
] as const;
export type ShopTopic = (typeof SHOP_TOPICS)[number];

const WAREHOUSE = "w-1";
const RESTOCK_DELAY_MS = 60_000;

/** The shop that actors act in: catalogue, clockwork, and the events' texts. */
export class Shop {
  readonly options: ShopOptions;
  readonly random: SeededRandom;
  /** How people pay, ship and share devices: drawn apart, so that visits do not depend on it. */
  readonly habits: SeededRandom;
  /** What becomes of orders: drawn apart, as above. */
  readonly aftermath: SeededRandom;
  readonly schedule = new Schedule();
  readonly delivery: Delivery;
  readonly products: readonly Product[];
  readonly shoppers: readonly Shopper[];
  readonly displayed: readonly Product[];
  readonly writers: ReadonlyMap<ShopTopic, TopicWriter>;
  readonly flashSales: { productId: string; startTime: number; endTime: number; views: number }[] = [];
  readonly fraudRings: {
    deviceId: string;
    userIds: string[];
    orderIds: string[];
    startTime: number;
    style: RingStyle;
  }[] = [];
  readonly stockOuts: StockChange[] = [];
  readonly stockLows: StockChange[] = [];
  readonly restocks: StockChange[] = [];
  readonly unpaidOrderIds = new Set<string>();
  readonly pace: Pace;
  /** Prefix of every id of this run: two runs never share one. */
  readonly run: string;
  sessions = 0;
  orders = 0;
  #ids = 0;
  readonly #shopperRank: ZipfSampler;
  readonly #productRank: ZipfSampler;

  constructor(options: ShopOptions, partitionsOf: (topic: string) => number) {
    this.options = options;
    this.random = new SeededRandom(options.seed, 1);
    this.habits = new SeededRandom(options.seed, 4);
    this.aftermath = new SeededRandom(options.seed, 5);
    const catalogueRandom = new SeededRandom(options.seed, 2);
    this.writers = new Map(SHOP_TOPICS.map((topic) => [topic, new TopicWriter(topic, partitionsOf(topic))]));
    this.delivery = new Delivery(
      this.writers.get("customer-events")!,
      options,
      new SeededRandom(options.seed, 3),
      this.schedule,
    );
    this.products = makeProducts(options, catalogueRandom, partitionsOf("products"));
    this.shoppers = makeShoppers(options, catalogueRandom, partitionsOf("customer-events"));
    this.displayed = this.products.filter((product) => product.displayOnly);
    this.#shopperRank = new ZipfSampler(options.users, 0.6);
    this.#productRank = new ZipfSampler(options.products, 0.9);
    this.pace = new Pace(options);
    this.run = `${(options.seed >>> 0).toString(36)}-${options.startTime.toString(36)}`;
    this.schedule.once(options.startTime, (now) => this.#open(now));
  }

  nextId(): string {
    return `${this.run}-${(this.#ids++).toString(36)}`;
  }

  drawShopper(): Shopper {
    return this.shoppers[this.#shopperRank.draw(this.random)];
  }

  drawProduct(): Product {
    return this.products[this.#productRank.draw(this.random)];
  }

  /** Sends a record of any topic but the customer events; undefined members are left out. */
  send(topic: ShopTopic, partition: number, value: Readonly<Record<string, unknown>>): void {
    this.delivery.straight(this.writers.get(topic)!, partition, JSON.stringify(value));
  }

  /** A customer event; `details` are its members from the product to the referrer, each with a comma. */
  event(type: string, time: number, shopper: Shopper, sessionId: string, details: string): ShopEvent {
    const head = `{"eventId":"e-${this.nextId()}","eventType":"${type}","eventTime":${time}`;
    const who = `"userId":"${shopper.id}","sessionId":"${sessionId}"`;
    return { type, partition: shopper.partition, text: `${head},${who},${details}${shopper.json}` };
  }

  /** The profile, before the first event of a shopper. */
  introduce(shopper: Shopper, now: number): void {
    if (shopper.introduced) return;
    shopper.introduced = true;
    this.send("user-profiles", shopper.partition, {
      eventId: `u-${this.run}-${shopper.id}`,
      userId: shopper.id,
      updateTime: now,
      email: `${shopper.id}@example.com`,
      country: shopper.country,
      signupTime: now - (shopper.returning ? 90 * 86_400_000 : 0),
      segment: shopper.segment,
    });
  }

  /** Takes items from the stock; says what is left to the inventory. */
  takeStock(product: Product, quantity: number, now: number): void {
    const before = product.stock;
    product.stock = Math.max(0, before - quantity);
    this.#stockDelta(product, product.stock - before, "sale", now);
    const change = { productId: product.id, time: now };
    if (product.stock === 0) this.stockOuts.push(change);
    else if (product.stock < LOW_STOCK_UNITS && before >= LOW_STOCK_UNITS) this.stockLows.push(change);
    if (!product.restocked || product.stock > product.reorderPoint || before <= product.reorderPoint) return;
    this.schedule.once(now + RESTOCK_DELAY_MS, (later) => {
      product.stock += 500;
      this.restocks.push({ productId: product.id, time: later });
      this.#stockDelta(product, 500, "restock", later);
    });
  }

  truth(): ShopTruth {
    const { valid, duplicates, outOfOrder, late, tooLate } = this.delivery.counts;
    const malformed = { ...this.delivery.malformed };
    return {
      options: this.options,
      customerEvents: {
        valid,
        byType: { ...this.delivery.byType },
        duplicates,
        malformed,
        outOfOrder,
        late,
        tooLate,
      },
      sessions: this.sessions,
      orders: this.orders,
      flashSales: this.flashSales,
      fraudRings: this.fraudRings,
      stockOuts: this.stockOuts,
      stockLows: this.stockLows,
      restocks: this.restocks,
      unpaidOrderIds: [...this.unpaidOrderIds],
      surges: this.pace.surges,
    };
  }

  #stockDelta(product: Product, quantity: number, reason: string, now: number): void {
    this.send("inventory-updates", product.partition, {
      eventId: `i-${this.nextId()}`,
      productId: product.id,
      updateTime: now,
      warehouseId: WAREHOUSE,
      kind: "delta",
      quantity,
      reason,
      reorderPoint: product.reorderPoint,
    });
  }

  /** Opening: the catalogue and the stock, before any shopper comes. */
  #open(now: number): void {
    for (const product of this.products) {
      const { id, name, categoryId, categoryCode, brand, priceMinor, partition, stock, reorderPoint } =
        product;
      this.send("products", partition, {
        eventId: `c-${this.run}-${id}`,
        productId: id,
        updateTime: now,
        name,
        categoryId,
        categoryCode,
        brand,
        priceMinor,
        currency: "USD",
        active: true,
      });
      this.send("inventory-updates", partition, {
        eventId: `s-${this.run}-${id}`,
        productId: id,
        updateTime: now,
        warehouseId: WAREHOUSE,
        kind: "snapshot",
        quantity: stock,
        reason: "opening",
        reorderPoint,
      });
      if (stock < LOW_STOCK_UNITS) this.stockLows.push({ productId: id, time: now });
    }
  }
}
