import { PAGE_SHIFT, type SlotArray, type StateSection } from "../../../schema/index.ts";
import {
  type ListRequest,
  type OnlineRecommender,
  type ProductList,
  RECOMMENDATION_REASONS,
} from "../../recommender.ts";
import { PopularProducts } from "./popular-products.ts";
import { TopList } from "./top-list.ts";

export interface ItemSimilarityOptions {
  /** Neighbours kept of each item. */
  readonly neighboursMax: number;
  /** Events between which a pair counts, in one visit. */
  readonly reach: number;
  /** A pair `d` events apart counts `decay` to the power of d - 1. */
  readonly decay: number;
  /** An event counts half as much after this. */
  readonly halfLifeMs: number;
  /** What a pair seen in the other direction counts in an answer. */
  readonly backwardWeight: number;
  /** The `k`-th item from the end of a visit counts this to the power of k in an answer. */
  readonly positionDecay: number;
}

export const DEFAULT_SIMILARITY: ItemSimilarityOptions = {
  neighboursMax: 24,
  reach: 4,
  decay: 0.6,
  halfLifeMs: 14 * 24 * 3_600_000,
  backwardWeight: 0.4,
  positionDecay: 0.6,
};

/** Longest list that is asked for. */
const LIST_MAX = 100;
/** Half-lives after which all weights are scaled down. */
const SCALE_HALF_LIVES = 32;
/** Added to an item's events before they divide its pairs, in events of now. */
const SHRINKAGE = 1;
const LANDMARK = 0;
const NEWEST = 1;
const REASONS = RECOMMENDATION_REASONS.length;
const AFTER = RECOMMENDATION_REASONS.indexOf("after");
const BEFORE = RECOMMENDATION_REASONS.indexOf("before");
const POPULAR = RECOMMENDATION_REASONS.indexOf("popular");

/**
 * The directed, decayed co-occurrence counts of `countTransitions`, folded event by event into the
 * state of a task. Newer events weigh more instead of older ones less (forward decay: Cormode et al.,
 * 2009), so that no event touches more than the rows of its visit's items. Where a row is full its
 * weakest neighbour makes room; until then the counts are those of the batch over the same events.
 */
export class ItemSimilarity implements OnlineRecommender {
  readonly #options: ItemSimilarityOptions;
  readonly #distanceWeights: Float64Array;
  readonly #popular: PopularProducts;
  // By item; then by item and neighbour.
  readonly #weighted: SlotArray<Float64Array>;
  readonly #sizes: SlotArray<Int32Array>;
  readonly #targets: SlotArray<Int32Array>;
  readonly #forward: SlotArray<Float64Array>;
  readonly #backward: SlotArray<Float64Array>;
  /** Time that weights are counted from, and the weight of the newest event; 0: none yet. */
  readonly #clock: SlotArray<Float64Array>;
  // While one answer is made, by item.
  #after = new Float64Array(0);
  #before = new Float64Array(0);
  #isTouched = new Uint8Array(0);
  #touched = new Int32Array(0);
  #touchedSize = 0;
  readonly #top = new TopList(LIST_MAX);
  readonly #list = {
    count: 0,
    products: new Int32Array(LIST_MAX),
    scores: new Float64Array(LIST_MAX),
    reasons: new Float64Array(LIST_MAX * REASONS),
  };

  /** @param categoryOf category of an item, -1: none */
  constructor(
    section: StateSection,
    categoryOf: (item: number) => number = () => -1,
    options: ItemSimilarityOptions = DEFAULT_SIMILARITY,
  ) {
    this.#options = options;
    this.#distanceWeights = Float64Array.from({ length: options.reach }, (_, k) => options.decay ** k);
    this.#weighted = section.float64("weighted");
    this.#sizes = section.int32("sizes");
    this.#targets = section.int32("targets");
    this.#forward = section.float64("forward");
    this.#backward = section.float64("backward");
    this.#clock = section.float64("clock");
    this.#clock.ensure(2);
    this.#popular = new PopularProducts(section, this.#weighted, categoryOf);
  }

  ensure(items: number): void {
    const { neighboursMax } = this.#options;
    this.#weighted.ensure(items);
    this.#sizes.ensure(items);
    for (const array of [this.#targets, this.#forward, this.#backward]) array.ensure(items * neighboursMax);
  }

  /** Folds the last item of a visit; one that comes late counts by its own time. */
  learn(visit: Int32Array, length: number, timeMs: number): void {
    const weight = this.#weightAt(timeMs);
    const item = visit[length - 1];
    const pairs = Math.min(length - 1, this.#options.reach);
    for (let k = 0; k < pairs; k++) {
      const earlier = visit[length - 2 - k];
      const counted = weight * this.#distanceWeights[k];
      add(this.#forward, this.#entry(earlier, item), counted);
      if (earlier !== item) add(this.#backward, this.#entry(item, earlier), counted);
    }
    add(this.#weighted, item, weight);
    this.#popular.note(item);
  }

  /** Counts of a pair, in events of time `atMs`. */
  pair(
    item: number,
    neighbour: number,
    atMs: number,
  ): { readonly forward: number; readonly backward: number } {
    const base = item * this.#options.neighboursMax;
    const k = this.#targets.values.subarray(base, base + this.#sizes.values[item]).indexOf(neighbour);
    if (k < 0) return { forward: 0, backward: 0 };
    const scale = 2 ** (-(atMs - this.#clock.values[LANDMARK]) / this.#options.halfLifeMs);
    return {
      forward: scale * this.#forward.values[base + k],
      backward: scale * this.#backward.values[base + k],
    };
  }

  /** The items most often seen with one, best first; the item itself is not among them. */
  similar(item: number, count: number): ProductList {
    this.#begin();
    this.#add(item, 1);
    return this.#best(count, (other) => other !== item);
  }

  /** What a visit leads to; filled up by what is popular in the category, then anywhere. */
  recommend({ visit, length, count, category, allows }: ListRequest): ProductList {
    this.#begin();
    for (let k = 0; k < Math.min(length, this.#options.reach); k++) {
      const item = visit[length - 1 - k];
      if (item >= 0) this.#add(item, this.#options.positionDecay ** k);
    }
    const list = this.#best(count, allows);
    this.#fill(count, category, allows);
    return list;
  }

  #begin(): void {
    const items = this.#sizes.length;
    if (items <= this.#touched.length) return;
    const room = Math.max(items, 2 * this.#touched.length);
    this.#after = new Float64Array(room);
    this.#before = new Float64Array(room);
    this.#isTouched = new Uint8Array(room);
    this.#touched = new Int32Array(room);
  }

  #add(item: number, weight: number): void {
    if (item >= this.#sizes.length) return;
    const { neighboursMax, backwardWeight } = this.#options;
    const newest = this.#clock.values[NEWEST];
    const divisor = weight / (this.#weighted.values[item] + SHRINKAGE * newest);
    const [targets, forward, backward] = [this.#targets.values, this.#forward.values, this.#backward.values];
    const base = item * neighboursMax;
    for (let entry = base; entry < base + this.#sizes.values[item]; entry++) {
      const target = targets[entry];
      if (this.#isTouched[target] === 0) {
        this.#isTouched[target] = 1;
        this.#touched[this.#touchedSize++] = target;
      }
      this.#after[target] += divisor * forward[entry];
      this.#before[target] += divisor * backwardWeight * backward[entry];
    }
  }

  #best(count: number, allows: (item: number) => boolean): ProductList {
    const list = this.#list;
    for (let k = 0; k < this.#touchedSize; k++) {
      const item = this.#touched[k];
      if (allows(item)) this.#top.offer(item, this.#after[item] + this.#before[item]);
    }
    const found = this.#top.drain(list.products, list.scores);
    list.count = Math.min(count, found);
    list.reasons.fill(0, 0, list.count * REASONS);
    for (let rank = 0; rank < list.count; rank++) {
      list.reasons[rank * REASONS + AFTER] = this.#after[list.products[rank]];
      list.reasons[rank * REASONS + BEFORE] = this.#before[list.products[rank]];
    }
    for (let k = 0; k < this.#touchedSize; k++) {
      const item = this.#touched[k];
      this.#after[item] = this.#before[item] = this.#isTouched[item] = 0;
    }
    this.#touchedSize = 0;
    return list;
  }

  /** What is popular scores below every neighbour: its share of the events. */
  #fill(count: number, category: number, allows: (item: number) => boolean): void {
    const list = this.#list;
    for (const pool of this.#popular.pools(category)) {
      for (let k = 0; k < pool.length && list.count < count; k++) {
        const item = pool[k];
        if (!allows(item) || list.products.subarray(0, list.count).includes(item)) continue;
        const rank = list.count++;
        list.products[rank] = item;
        list.reasons.fill(0, rank * REASONS, (rank + 1) * REASONS);
        list.reasons[rank * REASONS + POPULAR] = list.scores[rank] = 0;
      }
    }
  }

  /** Where the row of `item` keeps `neighbour`; makes room for it. */
  #entry(item: number, neighbour: number): number {
    const { neighboursMax } = this.#options;
    const base = item * neighboursMax;
    const size = this.#sizes.values[item];
    const targets = this.#targets.values;
    for (let entry = base; entry < base + size; entry++) if (targets[entry] === neighbour) return entry;
    let free = base + size;
    if (size < neighboursMax) {
      this.#sizes.values[item]++;
      this.#sizes.mark(item);
    } else free = this.#weakest(base);
    targets[free] = neighbour;
    this.#targets.mark(free);
    for (const array of [this.#forward, this.#backward]) {
      array.values[free] = 0;
      array.mark(free);
    }
    return free;
  }

  #weakest(base: number): number {
    const [forward, backward] = [this.#forward.values, this.#backward.values];
    let weakest = base;
    for (let entry = base + 1; entry < base + this.#options.neighboursMax; entry++) {
      if (forward[entry] + backward[entry] < forward[weakest] + backward[weakest]) weakest = entry;
    }
    return weakest;
  }

  #weightAt(timeMs: number): number {
    const clock = this.#clock.values;
    this.#clock.mark(0);
    if (clock[NEWEST] === 0) clock[LANDMARK] = timeMs;
    const halfLives = (timeMs - clock[LANDMARK]) / this.#options.halfLifeMs;
    if (halfLives > SCALE_HALF_LIVES) this.#scale(2 ** -halfLives, timeMs);
    const weight = halfLives > SCALE_HALF_LIVES ? 1 : 2 ** halfLives;
    clock[NEWEST] = Math.max(clock[NEWEST], weight);
    return weight;
  }

  #scale(factor: number, landmarkMs: number): void {
    for (const array of [this.#weighted, this.#forward, this.#backward]) {
      for (let k = 0; k < array.length; k++) array.values[k] *= factor;
      array.markRange(0, array.length);
    }
    this.#clock.values[LANDMARK] = landmarkMs;
    this.#clock.values[NEWEST] = 1;
  }
}

function add(array: SlotArray<Float64Array>, at: number, value: number): void {
  array.values[at] += value;
  array.dirty[at >>> PAGE_SHIFT] = 1;
}
