import { setTimeout as sleep } from "node:timers/promises";
import { MillraceError, productContract } from "../../../schema/index.ts";
import {
  type AppendBatch,
  createShopEvents,
  type EventLog,
  endOfInput,
  SHOP_TOPICS,
  type ShopOptions,
  type ShopTruth,
} from "../../../stream/index.ts";
import { SHOP } from "./crash-input.ts";
import { lowerOrderAmount } from "./rule-change.ts";

const CHUNK_RECORDS = 200;
const RETRY_MS = 250;
/** A server that was killed is back within this time, or the run has failed. */
const RETRY_MS_MAX = 120_000;

/**
 * The shop's events, appended a share at a time: the same records in the same order in every run,
 * whatever happens between. A chunk whose append failed is sent again under its number, as any producer
 * would; the log drops it where the first try did arrive.
 */
export class CrashFeed {
  private readonly log: EventLog;
  private readonly partitions: number;
  private readonly productsSeen: () => Promise<void>;
  private readonly shop: ReturnType<typeof createShopEvents>;
  private sequence = 0;
  private ended = false;
  private before: Promise<unknown> = Promise.resolve();

  /** @param productsSeen resolves when every task has read the products and rule changes that the log holds now */
  constructor(
    log: EventLog,
    options: {
      readonly partitions: number;
      readonly events: number;
      readonly productsSeen: () => Promise<void>;
      /** By default the shop of the crash runs. */
      readonly shop?: Partial<ShopOptions>;
    },
  ) {
    const { partitions, events, productsSeen, shop = SHOP } = options;
    this.log = log;
    this.partitions = partitions;
    this.productsSeen = productsSeen;
    this.shop = createShopEvents({ ...shop, customerEventsMax: events }, () => partitions);
  }

  /** What was planted so far. */
  truth(): ShopTruth {
    return this.shop.truth();
  }

  /** Appends about so many records, a chunk every so often; false where there are no more. */
  append(records: number, chunkEveryMs: number): Promise<boolean> {
    // One after another: a chunk that overtook the one before would make the log drop that as a repeat.
    const appended = this.before.then(() => this.appendNext(records, chunkEveryMs));
    this.before = appended.catch(() => undefined);
    return appended;
  }

  private async appendNext(records: number, chunkEveryMs: number): Promise<boolean> {
    if (this.sequence === 0) {
      await this.send(lowerOrderAmount(this.partitions));
      await this.productsSeen();
    }
    for (let appended = 0; appended < records; appended += CHUNK_RECORDS) {
      const batches = this.shop.until(Number.POSITIVE_INFINITY, CHUNK_RECORDS);
      if (batches === null) return false;
      await this.sendInOrder(batches);
      await sleep(chunkEveryMs);
    }
    return true;
  }

  /** Appends what is left, and the end of the input. */
  async finish(): Promise<void> {
    while (await this.append(CHUNK_RECORDS, 0));
    if (this.ended) return;
    this.ended = true;
    const partitions = Array.from({ length: this.partitions }, (_, partition) => partition);
    await this.send(
      SHOP_TOPICS.flatMap((topic) => partitions.map((partition) => endOfInput(topic, partition))),
    );
  }

  /**
   * Products before what names them: Kafka has no order over topics, so whether a task reads an event
   * or its product first is chance where both come at the same time.
   */
  private async sendInOrder(batches: readonly AppendBatch[]): Promise<void> {
    const products = batches.filter(({ topic }) => topic === productContract.topic);
    if (products.length > 0) {
      await this.send(products);
      await this.productsSeen();
    }
    const others = batches.filter((batch) => !products.includes(batch));
    if (others.length > 0) await this.send(others);
  }

  private async send(batches: readonly AppendBatch[]): Promise<void> {
    const sequence = this.sequence++;
    const giveUpAt = Date.now() + RETRY_MS_MAX;
    for (;;) {
      try {
        await this.log.append(batches, { id: "shop", sequence });
        return;
      } catch (error) {
        if (!(error instanceof MillraceError && error.retry) || Date.now() > giveUpAt) throw error;
        await sleep(RETRY_MS);
      }
    }
  }
}
