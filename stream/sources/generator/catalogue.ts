import { partitionOf } from "../partitioner.ts";
import type { SeededRandom } from "../random.ts";
import type { ShopOptions } from "./shop-options.ts";

export interface Product {
  readonly id: string;
  readonly categoryId: string;
  readonly categoryCode: string;
  readonly brand: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly partition: number;
  /** Members of an event about it, as JSON text. */
  readonly json: string;
  /** Kept for flash sales: shoppers look at it and never buy. */
  readonly displayOnly: boolean;
  stock: number;
  readonly reorderPoint: number;
  /** Whether it is stocked up when it runs low. */
  readonly restocked: boolean;
}

export interface Shopper {
  readonly id: string;
  readonly partition: number;
  readonly country: string;
  readonly device: string;
  readonly segment: string;
  /** Raises the odds of a purchase. */
  readonly returning: boolean;
  /** Tail of an event of this shopper, as JSON text. */
  readonly json: string;
  /** Whether the profile was sent. */
  introduced: boolean;
}

const AREAS = ["electronics", "apparel", "home", "sports", "beauty", "toys", "books", "garden"];
const KINDS = ["basic", "premium", "classic", "outdoor", "travel"];
const BRANDS = ["acorn", "birch", "cobalt", "dune", "ember", "fjord", "grove", "harbor", "iris", "juniper"];
const ADJECTIVES = ["Light", "Solid", "Quiet", "Bright", "Compact", "Soft", "Sturdy", "Smart"];
const NOUNS = ["Lamp", "Jacket", "Speaker", "Bottle", "Backpack", "Keyboard", "Blanket", "Watch", "Chair"];
export const COUNTRIES = ["US", "DE", "FR", "GB", "IN", "BR", "JP", "CA"];
const DEVICES = ["mobile", "mobile", "mobile", "desktop", "desktop", "tablet"];
const SEGMENTS = ["new", "regular", "regular", "loyal"];
/** Every so many products, past the most popular ones, one is for display only. */
const DISPLAY_EVERY = 25;

const keyPartition = (key: string, partitions: number): number => partitionOf(Buffer.from(key), partitions);

/** The products, most popular first. */
export function makeProducts(options: ShopOptions, random: SeededRandom, partitions: number): Product[] {
  return Array.from({ length: options.products }, (_, rank) => {
    const id = `p-${String(rank).padStart(6, "0")}`;
    const category = random.below(options.categories);
    const categoryId = `c-${String(category).padStart(3, "0")}`;
    const categoryCode = `${AREAS[category % AREAS.length]}.${KINDS[Math.floor(category / AREAS.length) % KINDS.length]}`;
    const brand = random.pick(BRANDS);
    const priceMinor = Math.max(199, Math.round(Math.exp(7 + 2.2 * random.unit()) * 3));
    const stockedUp = rank < 5 || rank >= 5 + options.stockOuts;
    return {
      id,
      categoryId,
      categoryCode,
      brand,
      name: `${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}`,
      priceMinor,
      partition: keyPartition(id, partitions),
      json: `"productId":"${id}","categoryId":"${categoryId}","categoryCode":"${categoryCode}","brand":"${brand}","priceMinor":${priceMinor},"currency":"USD",`,
      displayOnly: rank >= DISPLAY_EVERY && rank % DISPLAY_EVERY === 0,
      stock: stockedUp ? options.stockUnits + random.below(4 * options.stockUnits) : 4 + random.below(5),
      reorderPoint: 50,
      restocked: stockedUp,
    };
  });
}

/** The shoppers, most active first. */
export function makeShoppers(options: ShopOptions, random: SeededRandom, partitions: number): Shopper[] {
  return Array.from({ length: options.users }, (_, rank) => {
    const id = `u-${String(rank).padStart(7, "0")}`;
    const country = random.pick(COUNTRIES);
    const device = random.pick(DEVICES);
    const segment = random.pick(SEGMENTS);
    return {
      id,
      partition: keyPartition(id, partitions),
      country,
      device,
      segment,
      returning: segment !== "new",
      json: `"device":"${device}","country":"${country}"}`,
      introduced: false,
    };
  });
}
