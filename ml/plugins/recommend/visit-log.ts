import { type EventBatch, type KeyColumn, type KeyDictionary, StateSection } from "../../../schema/index.ts";
import { Look, type LookEventBatch, SessionLooks } from "../../features/session-looks.ts";
import { SESSION_GAP_MS } from "../../features/shopper-event.ts";
import type { ItemCategories } from "./recommender-base.ts";
import type { SessionLog } from "./session-log.ts";

/** What visits are read from: columns of a `customer-event` batch. */
export interface VisitEventBatch extends LookEventBatch {
  readonly categoryId: KeyColumn;
}

export const VISIT_FIELDS = ["eventType", "eventTime", "userId", "productId", "categoryId"] as const;

/** The visits of a lake, oldest first, by the time of their first look. */
export interface VisitLog {
  readonly log: SessionLog;
  /** By item number, which is the position in `productIds`. */
  readonly productIds: readonly string[];
  readonly categoryIds: readonly string[];
  readonly categories: ItemCategories;
  /** Event time of the first look of each visit, ms. */
  readonly startsMs: Float64Array;
  readonly events: number;
}

/**
 * Cuts events into visits with the very fold of the stream. Products are numbered by their ids in
 * order, so that neither the partitions nor the reads of the lake decide between equals.
 */
export async function collectVisits(
  events: AsyncIterable<EventBatch>,
  onProgress?: (message: string) => void,
): Promise<VisitLog> {
  const products = new Names();
  const categories = new Names();
  const categoryOf: number[] = [];
  const visits = new OpenVisits();
  const partitions = new Map<number, PartitionVisits>();
  let folded = 0;
  for await (const some of events) {
    const batch = some as VisitEventBatch;
    let partition = partitions.get(batch.partition);
    if (partition === undefined) {
      partition = new PartitionVisits(batch, { products, categories, categoryOf, visits });
      partitions.set(batch.partition, partition);
    }
    partition.fold(batch);
    const before = Math.floor(folded / 1_000_000);
    folded += batch.length;
    if (Math.floor(folded / 1_000_000) > before) onProgress?.(`${folded} events read`);
  }
  const productIds = [...products.texts].sort();
  const numbers = new Map(productIds.map((id, number) => [id, number]));
  const renumbered = Int32Array.from(products.texts, (id) => numbers.get(id) ?? -1);
  const { log, startsMs } = visits.finish(renumbered);
  return {
    log: { ...log, itemNumbers: Float64Array.from(productIds.keys()) },
    productIds,
    categoryIds: categories.texts,
    categories: new Map(
      categoryOf.flatMap((category, product) =>
        category === undefined ? [] : [[renumbered[product], category] as const],
      ),
    ),
    startsMs,
    events: folded,
  };
}

/** Texts, numbered in the order in which they came. */
class Names {
  readonly texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  number(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.texts.length;
      this.texts.push(text);
      this.#numbers.set(text, number);
    }
    return number;
  }
}

interface Shared {
  readonly products: Names;
  readonly categories: Names;
  /** By number of the product. */
  readonly categoryOf: number[];
  readonly visits: OpenVisits;
}

/** The fold of one partition, whose key ids are its own. */
class PartitionVisits {
  readonly #looks: SessionLooks;
  readonly #shared: Shared;
  readonly #products: IdNumbers;
  readonly #categories: IdNumbers;
  /** Number of the newest visit of each user. */
  readonly #visitOf: number[] = [];

  constructor(batch: VisitEventBatch, shared: Shared) {
    const keys = {
      userId: batch.userId.dictionary,
      productId: batch.productId.dictionary,
      categoryId: batch.categoryId.dictionary,
    };
    this.#looks = new SessionLooks(new StateSection("looks"), keys, SESSION_GAP_MS);
    this.#shared = shared;
    this.#products = new IdNumbers(keys.productId, shared.products);
    this.#categories = new IdNumbers(keys.categoryId, shared.categories);
  }

  fold(batch: VisitEventBatch): void {
    const { visits, categoryOf } = this.#shared;
    this.#looks.ensure();
    for (let row = 0; row < batch.length; row++) {
      const look = this.#looks.fold(batch, row);
      if (look !== Look.first && look !== Look.next) continue;
      const user = batch.userId.ids[row];
      const product = this.#products.of(batch.productId.ids[row]);
      if (look === Look.first) this.#visitOf[user] = visits.open(batch.eventTime.values[row]);
      visits.append(this.#visitOf[user], product);
      const category = batch.categoryId.ids[row];
      if (category >= 0) categoryOf[product] = this.#categories.of(category);
    }
  }
}

/** Numbers of the ids of one dictionary. */
class IdNumbers {
  readonly #dictionary: KeyDictionary;
  readonly #names: Names;
  readonly #numbers: number[] = [];

  constructor(dictionary: KeyDictionary, names: Names) {
    this.#dictionary = dictionary;
    this.#names = names;
  }

  of(id: number): number {
    this.#numbers[id] ??= this.#names.number(this.#dictionary.text(id));
    return this.#numbers[id];
  }
}

/** Visits as chains of looks: visits of many users grow at the same time. 16 bytes a look. */
class OpenVisits {
  #starts = new Float64Array(1024);
  #lastLook = new Int32Array(1024);
  #visits = 0;
  #products = new Int32Array(4096);
  #previous = new Int32Array(4096);
  #looks = 0;

  /** A new visit that begins then; returns its number. */
  open(startMs: number): number {
    if (this.#visits === this.#starts.length) {
      this.#starts = doubled(this.#starts, Float64Array);
      this.#lastLook = doubled(this.#lastLook, Int32Array);
    }
    this.#starts[this.#visits] = startMs;
    this.#lastLook[this.#visits] = -1;
    return this.#visits++;
  }

  append(visit: number, product: number): void {
    if (this.#looks === this.#products.length) {
      this.#products = doubled(this.#products, Int32Array);
      this.#previous = doubled(this.#previous, Int32Array);
    }
    this.#products[this.#looks] = product;
    this.#previous[this.#looks] = this.#lastLook[visit];
    this.#lastLook[visit] = this.#looks++;
  }

  /** Visits by time of their start, products renamed. */
  finish(renumbered: Int32Array): { log: Pick<SessionLog, "items" | "starts">; startsMs: Float64Array } {
    const startTimes = this.#starts;
    const order = Int32Array.from({ length: this.#visits }, (_, visit) => visit).sort(
      (a, b) => startTimes[a] - startTimes[b] || a - b,
    );
    const items = new Int32Array(this.#looks);
    const starts = new Int32Array(this.#visits + 1);
    const reversed: number[] = [];
    for (let at = 0; at < order.length; at++) {
      for (let look = this.#lastLook[order[at]]; look >= 0; look = this.#previous[look]) reversed.push(look);
      starts[at + 1] = starts[at] + reversed.length;
      for (let k = starts[at]; k < starts[at + 1]; k++) {
        items[k] = renumbered[this.#products[reversed.pop() as number]];
      }
    }
    return { log: { items, starts }, startsMs: Float64Array.from(order, (visit) => startTimes[visit]) };
  }
}

function doubled<A extends Float64Array | Int32Array>(old: A, make: new (length: number) => A): A {
  const room = new make(2 * old.length);
  room.set(old);
  return room;
}
