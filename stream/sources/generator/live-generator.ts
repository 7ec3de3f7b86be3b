import type { EventLog } from "../../ports/event-log.ts";
import { SHOP_TOPICS } from "./shop.ts";
import { createShopEvents, type ShopEvents } from "./shop-events.ts";
import type { ShopOptions, ShopTruth } from "./shop-options.ts";

const TICK_MS = 50;
const CHUNK_RECORDS = 10_000;
/** Time that an append under way has when the generator stops: a log whose server is down takes minutes. */
const STOP_MS_MAX = 2_000;

export interface LiveGeneratorOptions {
  readonly log: EventLog;
  /** Wall clock, ms: event time is wall time. */
  readonly clock: () => number;
  /** All but the start, which is the clock's time. */
  readonly shop: Partial<Omit<ShopOptions, "startTime">>;
  /**
   * Where the log has no customer events yet, the shop opens so long ago, and what happened since
   * then is appended at once: nobody has to wait for the first windows.
   */
  readonly historyMs: number;
  /** Called once, when appending fails; the generator has stopped then. */
  readonly onError: (error: unknown) => void;
}

/** Appends a generated shop's records to the log as time goes by, until stopped. */
export class LiveGenerator {
  readonly #options: LiveGeneratorOptions;
  readonly #events: ShopEvents;
  #running: Promise<void> | null = null;
  #stopped = false;
  #wake: () => void = () => {};
  #records = 0;

  private constructor(options: LiveGeneratorOptions, events: ShopEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** The log's topics must be there. */
  static async open(options: LiveGeneratorOptions): Promise<LiveGenerator> {
    const partitions = new Map((await options.log.topics()).map((spec) => [spec.name, spec.partitions]));
    for (const topic of SHOP_TOPICS) {
      if (!partitions.has(topic))
        throw new Error(`topic ${topic} is not in the log: create the topics first`);
    }
    let fresh = true;
    for (let partition = 0; partition < partitions.get("customer-events")!; partition++) {
      fresh &&= (await options.log.offsets("customer-events", partition)).end === 0;
    }
    const startTime = options.clock() - (fresh ? options.historyMs : 0);
    const events = createShopEvents({ ...options.shop, startTime }, (topic) => partitions.get(topic)!);
    return new LiveGenerator(options, events);
  }

  /** Records appended so far. */
  get records(): number {
    return this.#records;
  }

  truth(): ShopTruth {
    return this.#events.truth();
  }

  start(): void {
    this.#running ??= this.#run().catch((error: unknown) => {
      // Stopped, it may have been left with an append that the log has given up since.
      if (!this.#stopped) this.#options.onError(error);
    });
  }

  /** Resolves when the last append is durable, or the log has not taken it for some time: it may still be then. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    let timer: NodeJS.Timeout | undefined;
    const inTime = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_MS_MAX);
    });
    await Promise.race([this.#running, inTime]);
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const batches = this.#events.until(this.#options.clock(), CHUNK_RECORDS);
      if (batches === null) {
        await this.#pause();
        continue;
      }
      // Waits for the disk: a log that is slower than the shop slows the shop down, in memory of one chunk.
      await this.#options.log.append(batches);
      this.#records += batches.reduce((sum, batch) => sum + batch.count, 0);
      if (batches.reduce((sum, batch) => sum + batch.count, 0) < CHUNK_RECORDS) await this.#pause();
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, TICK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#stopped) this.#wake();
    });
  }
}
