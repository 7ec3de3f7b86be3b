import { type EventBatch, RowFlag } from "../../schema/index.ts";
import { createKeys, type ShopperEvent, shopperBatch } from "../features/shopper-batch.fixture.ts";
import { createRandom } from "./random.ts";

const T0 = Date.UTC(2026, 0, 5);

/** Shoppers whose popularity falls as in Zipf's law, with visits, pauses and purchases. */
export function shopperEvents(count: number, seed: number): ShopperEvent[] {
  const random = createRandom(seed);
  const types = ["page_view", "item_view", "item_view", "cart_add", "search", "purchase"] as const;
  let time = T0;
  return Array.from({ length: count }, () => {
    time += 20_000 * random();
    return {
      type: types[Math.floor(types.length * random())],
      time: Math.floor(time),
      user: `u${Math.floor(200 ** random())}`,
      product: `p${Math.floor(50 * random())}`,
      priceMinor: Math.floor(10_000 * random()),
    };
  });
}

/** The events in batches of `cut` rows; those numbered in `duplicates` are flagged as such. */
export async function* batches(
  events: readonly ShopperEvent[],
  cut: number,
  partition = 0,
  duplicates: ReadonlySet<number> = new Set(),
): AsyncGenerator<EventBatch> {
  const keys = createKeys();
  for (let from = 0; from < events.length; from += cut) {
    const batch = shopperBatch(events.slice(from, from + cut), keys, partition);
    for (let row = 0; row < batch.length; row++) {
      if (duplicates.has(from + row)) batch.flags[row] = RowFlag.duplicate;
    }
    yield batch;
  }
}
