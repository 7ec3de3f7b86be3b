import { setTimeout as sleep } from "node:timers/promises";
import { createShopEvents, type EventLog, endOfInput, loadInto, SHOP_TOPICS } from "../../../stream/index.ts";
import { lowerOrderAmount } from "./rule-change.ts";
import { dataFile, REES46 } from "./scenario-home.ts";

/**
 * Small and at intervals, so that the workers keep up and read a little at a time; after a kill they
 * read a backlog at once, and cut their outputs otherwise than before.
 */
const CHUNK_RECORDS = 100;
const CHUNK_EVERY_MS = 5;

/**
 * The input of the crash runs: real clicks, then a small shop that goes on where they end, with orders
 * in quick succession (rules), a flash sale, late, too-late, repeated and broken events.
 */
export const SHOP = {
  seed: 11,
  startTime: Date.UTC(2019, 9, 1, 2, 50, 1),
  // Slow: nearly every chunk passes a minute, and so makes a pane block.
  eventsPerSecond: 3,
  customerEventsMax: 10_000,
  users: 400,
  products: 150,
  categories: 12,
  malformedShare: 0.004,
  duplicateShare: 0.01,
  outOfOrderShare: 0.1,
  lateShare: 0.01,
  tooLateShare: 0.002,
  flashSaleEveryMs: 600_000,
  fraudRingEveryMs: 150_000,
  labelDelayMs: 60_000,
} as const;

/**
 * Appends the input, or what is missing of it: every chunk has its number, and the log drops a repeat.
 * Run again after a kill, it goes on where the killed run stopped.
 */
export async function appendCrashInput(log: EventLog, chunkEveryMs = CHUNK_EVERY_MS): Promise<void> {
  await loadInto(log, "rees46", dataFile(REES46), { now: Date.now });
  const partitions = new Map((await log.topics()).map((spec) => [spec.name, spec.partitions]));
  const shop = createShopEvents(SHOP, (topic) => partitions.get(topic)!);
  await log.append(lowerOrderAmount(partitions.get("rule-changes")!), { id: "rules", sequence: 0 });
  let sequence = 0;
  for (;;) {
    const batches = shop.until(Number.POSITIVE_INFINITY, CHUNK_RECORDS);
    if (batches === null) break;
    if (batches.length === 0) continue;
    const { appended } = await log.append(batches, { id: "shop", sequence: sequence++ });
    if (appended) await sleep(chunkEveryMs);
  }
  const ends = SHOP_TOPICS.flatMap((topic) =>
    Array.from({ length: partitions.get(topic)! }, (_, partition) => endOfInput(topic, partition)),
  );
  await log.append(ends, { id: "shop", sequence });
}
