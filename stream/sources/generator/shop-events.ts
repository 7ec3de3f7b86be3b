import { MillraceError } from "../../../schema/index.ts";
import type { AppendBatch } from "../../ports/event-log.ts";
import { FlashSales, FraudRings, Surges } from "./plants.ts";
import { Shop } from "./shop.ts";
import { SHOP_DEFAULTS, type ShopOptions, type ShopTruth } from "./shop-options.ts";
import { Arrivals } from "./shopping-session.ts";

/** The records of a generated shop, in order of arrival. */
export class ShopEvents {
  readonly #shop: Shop;

  constructor(options: Partial<ShopOptions>, partitionsOf: (topic: string) => number) {
    const whole = { ...SHOP_DEFAULTS, ...options };
    check(whole);
    const shop = new Shop(whole, partitionsOf);
    this.#shop = shop;
    shop.schedule.add(whole.startTime, new Arrivals(shop));
    if (whole.flashSaleEveryMs > 0 && shop.displayed.length > 0) {
      shop.schedule.add(FlashSales.firstTime(shop), new FlashSales(shop));
    }
    if (whole.fraudRingEveryMs > 0) shop.schedule.add(FraudRings.firstTime(shop), new FraudRings(shop));
    if (whole.surgeEveryMs > 0) shop.schedule.add(Surges.firstTime(shop), new Surges(shop));
  }

  /**
   * The next records that arrive up to `timeMs`, at most about `recordsMax`: one batch for each topic
   * and partition that has any, topics in the order of SHOP_TOPICS. Null where nothing is left to come
   * up to then.
   */
  until(timeMs: number, recordsMax: number): readonly AppendBatch[] | null {
    const { schedule, delivery } = this.#shop;
    if (schedule.nextTime > timeMs || delivery.full) return null;
    const end = delivery.written + recordsMax;
    while (!delivery.full && delivery.written < end && schedule.nextTime <= timeMs) schedule.step();
    const batches: AppendBatch[] = [];
    for (const writer of this.#shop.writers.values()) writer.drain(batches);
    return batches;
  }

  /** What was planted so far. */
  truth(): ShopTruth {
    return this.#shop.truth();
  }
}

function check(options: ShopOptions): void {
  const shares = [options.malformedShare, options.duplicateShare, options.outOfOrderShare, options.lateShare];
  const sum = shares.reduce((total, share) => total + share, options.tooLateShare);
  const counts = [options.users, options.products, options.categories];
  const rate = options.eventsPerSecond;
  if (
    shares.some((share) => !(share >= 0)) ||
    !(sum <= 1) ||
    counts.some((count) => !(count >= 1)) ||
    !(rate > 0)
  ) {
    throw new MillraceError(
      "The generator needs at least one user, product and category, a rate of events above 0, and shares of faults that are not negative and add up to at most 1.",
      { code: "bad-generator-options", origin: "user" },
    );
  }
}

/** A seeded shop: the same options and partition counts give the same bytes. */
export function createShopEvents(
  options: Partial<ShopOptions>,
  partitionsOf: (topic: string) => number,
): ShopEvents {
  return new ShopEvents(options, partitionsOf);
}
