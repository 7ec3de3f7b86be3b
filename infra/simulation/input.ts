import {
  createShopEvents,
  type EventLog,
  endOfInput,
  type SeededRandom,
  SHOP_TOPICS,
} from "../../stream/index.ts";

/** The input of one simulation; everything in it follows from the seed. */
export interface InputOptions {
  readonly seed: number;
  readonly customerEvents: number;
  readonly partitions: number;
  /** Event time of the first event, ms. */
  readonly startTime: number;
}

const EVENTS_PER_SECOND = 3;
const PRODUCER = "shop";
const RETRY_MS = 50;

/**
 * A small shop whose events come late, twice, out of order and broken, in bursts and with silences;
 * then the end of every input. Its producer never dies, and repeats what was not answered.
 */
export async function produceInput(
  options: InputOptions,
  log: EventLog,
  pace: { readonly random: SeededRandom; sleep(ms: number): Promise<void> },
): Promise<void> {
  const { random, sleep } = pace;
  const shop = createShopEvents(
    {
      seed: options.seed,
      startTime: options.startTime,
      eventsPerSecond: EVENTS_PER_SECOND,
      customerEventsMax: options.customerEvents,
      users: 60,
      products: 40,
      categories: 6,
      malformedShare: 0.01,
      duplicateShare: 0.03,
      outOfOrderShare: 0.1,
      lateShare: 0.03,
      tooLateShare: 0.005,
      flashSaleEveryMs: 120_000,
      fraudRingEveryMs: 90_000,
      labelDelayMs: 60_000,
    },
    () => options.partitions,
  );
  let sequence = 0;
  const append = async (batches: Parameters<EventLog["append"]>[0]): Promise<void> => {
    for (;;) {
      try {
        await log.append(batches, { id: PRODUCER, sequence });
        sequence++;
        return;
      } catch {
        // Done or not: the log knows the sequence, and drops a repeat.
        await sleep(RETRY_MS);
      }
    }
  };
  for (;;) {
    const batches = shop.until(Number.POSITIVE_INFINITY, random.between(5, 80));
    if (batches === null) break;
    if (batches.length > 0) await append(batches);
    await sleep(random.chance(0.04) ? random.between(500, 6_000) : random.exponential(250));
  }
  const partitions = Array.from({ length: options.partitions }, (_, partition) => partition);
  await append(SHOP_TOPICS.flatMap((topic) => partitions.map((partition) => endOfInput(topic, partition))));
}
