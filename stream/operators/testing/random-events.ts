import type { CustomerEvent } from "../../../schema/index.ts";
import { seededRandom } from "./drive.ts";

export interface RandomEventsOptions {
  readonly seed: number;
  readonly count: number;
  /** Mean step of event time between events, ms. */
  readonly stepMs: number;
}

const START = Date.UTC(2026, 0, 5, 10, 0, 0);
const TYPES = [
  "page_view",
  "item_view",
  "item_view",
  "item_view",
  "click",
  "search",
  "cart_add",
  "purchase",
] as const;
const CURRENCIES = ["EUR", "USD", null];

/** A seeded stream with disorder, late, too late and repeated events, pauses, and a few hot products. */
export function randomEvents({ seed, count, stepMs }: RandomEventsOptions): CustomerEvent[] {
  const random = seededRandom(seed);
  const events: CustomerEvent[] = [];
  let clock = START;
  for (let i = 0; i < count; i++) {
    clock += random() < 0.001 ? 40 * 60_000 * random() : stepMs * 2 * random();
    if (events.length > 0 && random() < 0.03) {
      events.push(events[Math.max(0, events.length - 1 - Math.floor(random() * 200))]);
      continue;
    }
    events.push(randomEvent(`e-${seed}-${i}`, Math.max(0, Math.floor(clock - delay(random))), random));
  }
  return events;
}

function delay(random: () => number): number {
  const kind = random();
  if (kind < 0.9) return random() * 2000;
  if (kind < 0.97) return random() * 62_000;
  return random() * 400_000;
}

function randomEvent(eventId: string, eventTime: number, random: () => number): CustomerEvent {
  const eventType = TYPES[Math.floor(random() ** 1.5 * TYPES.length)];
  const product = Math.floor(random() ** 3 * 40);
  return {
    eventId,
    eventType,
    eventTime,
    userId: `user-${Math.floor(random() ** 2 * 60)}`,
    productId: eventType === "search" || random() < 0.1 ? null : `p${product}`,
    categoryId: random() < 0.3 ? null : `cat-${product % 7}`,
    priceMinor: random() < 0.2 ? null : Math.floor(random() * 100_000),
    currency: CURRENCIES[Math.floor(random() * 3)],
    quantity: random() < 0.5 ? null : 1 + Math.floor(random() * 4),
  };
}
