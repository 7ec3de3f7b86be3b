import { TopList } from "./top-list.ts";

export interface ItemSimilarityOptions {
  /** Neighbours kept of each item. */
  readonly neighboursMax: number;
  /** Events between which a pair counts, in one session. */
  readonly reach: number;
  /** A pair `d` events apart counts `decay` to the power of d - 1. */
  readonly decay: number;
  /** A session ends where more than this lies between two events of a user. */
  readonly sessionGapMs: number;
  /** An event counts half as much after this. */
  readonly halfLifeMs: number;
  /** What a pair seen in the other direction counts in an answer. */
  readonly backwardWeight: number;
  /** The `k`-th item from the end of a session counts this to the power of k in an answer. */
  readonly positionDecay: number;
}

export const DEFAULT_SIMILARITY: ItemSimilarityOptions = {
  neighboursMax: 50,
  reach: 10,
  decay: 0.6,
  sessionGapMs: 30 * 60_000,
  halfLifeMs: 14 * 24 * 3_600_000,
  backwardWeight: 0.4,
  positionDecay: 0.6,
};

/** Half-lives after which all weights are scaled down: far below what single precision can hold. */
const SCALE_HALF_LIVES = 32;

/** Added to an item's events before they divide its pairs, in events of now. */
const SHRINKAGE = 1;

/**
 * The directed, decayed co-occurrence counts of `countTransitions`, folded event by event. Newer
 * events weigh more instead of older ones less (forward decay: Cormode et al., 2009), so that no
 * event touches more than the rows of its session's items. Where a row is full its weakest
 * neighbour makes room; until then the counts are those of the batch over the same events.
 * Users and items are slots from 0; call {@link ensure} before a new one is folded.
 */
export class ItemSimilarity {
  readonly #options: ItemSimilarityOptions;
  readonly #distanceWeights: Float64Array;
  #landmarkMs = Number.NaN;
  /** Weight of the newest event. */
  #newest = 1;
  // By item.
  #weighted = new Float64Array(0);
  #sizes = new Int32Array(0);
  // By item and neighbour.
  #targets = new Int32Array(0);
  #forward = new Float32Array(0);
  #backward = new Float32Array(0);
  // By user: the last items, newest first, and their count.
  #recent = new Int32Array(0);
  #recentSizes = new Int32Array(0);
  #lastMs = new Float64Array(0);
  // While one answer is made.
  #scores = new Float64Array(0);
  #isTouched = new Uint8Array(0);
  #touched = new Int32Array(0);
  #touchedSize = 0;

  constructor(options: ItemSimilarityOptions = DEFAULT_SIMILARITY) {
    this.#options = options;
    this.#distanceWeights = Float64Array.from({ length: options.reach }, (_, k) => options.decay ** k);
  }

  get bytes(): number {
    const arrays = [
      this.#weighted,
      this.#sizes,
      this.#targets,
      this.#forward,
      this.#backward,
      this.#recent,
      this.#recentSizes,
      this.#lastMs,
      this.#scores,
      this.#isTouched,
      this.#touched,
    ];
    return arrays.reduce((total, { byteLength }) => total + byteLength, 0);
  }

  /** Makes room for so many users and items. */
  ensure({ users, items }: { readonly users: number; readonly items: number }): void {
    const { neighboursMax, reach } = this.#options;
    if (items > this.#sizes.length) {
      const room = Math.max(items, 2 * this.#sizes.length);
      this.#weighted = extend(this.#weighted, new Float64Array(room));
      this.#sizes = extend(this.#sizes, new Int32Array(room));
      this.#targets = extend(this.#targets, new Int32Array(room * neighboursMax));
      this.#forward = extend(this.#forward, new Float32Array(room * neighboursMax));
      this.#backward = extend(this.#backward, new Float32Array(room * neighboursMax));
      this.#scores = new Float64Array(room);
      this.#isTouched = new Uint8Array(room);
      this.#touched = new Int32Array(room);
    }
    if (users > this.#lastMs.length) {
      const room = Math.max(users, 2 * this.#lastMs.length);
      this.#recent = extend(this.#recent, new Int32Array(room * reach));
      this.#recentSizes = extend(this.#recentSizes, new Int32Array(room));
      this.#lastMs = extend(this.#lastMs, new Float64Array(room));
    }
  }

  /** Folds one event; one that comes late counts by its own time. */
  fold(user: number, item: number, timeMs: number): void {
    const { reach, sessionGapMs } = this.#options;
    const weight = this.#weightAt(timeMs);
    this.#newest = Math.max(this.#newest, weight);
    const base = user * reach;
    if (timeMs - this.#lastMs[user] > sessionGapMs) this.#recentSizes[user] = 0;
    const size = this.#recentSizes[user];
    this.#weighted[item] += weight;
    for (let k = 0; k < size; k++) {
      const earlier = this.#recent[base + k];
      const counted = weight * this.#distanceWeights[k];
      this.#forward[this.#entry(earlier, item)] += counted;
      if (earlier !== item) this.#backward[this.#entry(item, earlier)] += counted;
    }
    this.#recent.copyWithin(base + 1, base, base + reach - 1);
    this.#recent[base] = item;
    this.#recentSizes[user] = Math.min(reach, size + 1);
    this.#lastMs[user] = size === 0 ? timeMs : Math.max(this.#lastMs[user], timeMs);
  }

  /** Counts of a pair, in events of time `atMs`. */
  pair(
    item: number,
    neighbour: number,
    atMs: number,
  ): { readonly forward: number; readonly backward: number } {
    const base = item * this.#options.neighboursMax;
    const k = this.#targets.subarray(base, base + this.#sizes[item]).indexOf(neighbour);
    if (k < 0) return { forward: 0, backward: 0 };
    const scale = 2 ** (-(atMs - this.#landmarkMs) / this.#options.halfLifeMs);
    return { forward: scale * this.#forward[base + k], backward: scale * this.#backward[base + k] };
  }

  /** The items most often seen with one, best first; the item itself is not among them. */
  topForItem(item: number, count: number, filter?: (item: number) => boolean): Int32Array {
    this.#add(item, 1);
    return this.#best(count, (other) => other !== item && filter?.(other) !== false);
  }

  /** What a user's session leads to, best first; items of the session are among them where users return. */
  topForUser(user: number, count: number, filter?: (item: number) => boolean): Int32Array {
    const { reach, positionDecay } = this.#options;
    for (let k = 0; k < this.#recentSizes[user]; k++) {
      this.#add(this.#recent[user * reach + k], positionDecay ** k);
    }
    return this.#best(count, (item) => filter?.(item) !== false);
  }

  #add(item: number, weight: number): void {
    const { neighboursMax, backwardWeight } = this.#options;
    const divisor = weight / (this.#weighted[item] + SHRINKAGE * this.#newest);
    const base = item * neighboursMax;
    for (let entry = base; entry < base + this.#sizes[item]; entry++) {
      const target = this.#targets[entry];
      if (this.#isTouched[target] === 0) {
        this.#isTouched[target] = 1;
        this.#touched[this.#touchedSize++] = target;
      }
      this.#scores[target] += divisor * (this.#forward[entry] + backwardWeight * this.#backward[entry]);
    }
  }

  #best(count: number, allows: (item: number) => boolean): Int32Array {
    const top = new TopList(count);
    for (let k = 0; k < this.#touchedSize; k++) {
      const item = this.#touched[k];
      if (allows(item)) top.offer(item, this.#scores[item]);
      this.#scores[item] = this.#isTouched[item] = 0;
    }
    this.#touchedSize = 0;
    const best = new Int32Array(count);
    return best.subarray(0, top.drain(best));
  }

  /** Where the row of `item` keeps `neighbour`; makes room for it. */
  #entry(item: number, neighbour: number): number {
    const { neighboursMax } = this.#options;
    const base = item * neighboursMax;
    const size = this.#sizes[item];
    for (let entry = base; entry < base + size; entry++) if (this.#targets[entry] === neighbour) return entry;
    let free = base + size;
    if (size < neighboursMax) this.#sizes[item]++;
    else free = this.#weakest(base);
    this.#targets[free] = neighbour;
    this.#forward[free] = this.#backward[free] = 0;
    return free;
  }

  #weakest(base: number): number {
    let weakest = base;
    for (let entry = base + 1; entry < base + this.#options.neighboursMax; entry++) {
      const sum = this.#forward[entry] + this.#backward[entry];
      if (sum < this.#forward[weakest] + this.#backward[weakest]) weakest = entry;
    }
    return weakest;
  }

  #weightAt(timeMs: number): number {
    if (Number.isNaN(this.#landmarkMs)) this.#landmarkMs = timeMs;
    const halfLives = (timeMs - this.#landmarkMs) / this.#options.halfLifeMs;
    if (halfLives <= SCALE_HALF_LIVES) return 2 ** halfLives;
    const scale = 2 ** -halfLives;
    for (const sums of [this.#weighted, this.#forward, this.#backward]) {
      for (let k = 0; k < sums.length; k++) sums[k] *= scale;
    }
    this.#landmarkMs = timeMs;
    this.#newest = 1;
    return 1;
  }
}

function extend<A extends Int32Array | Float32Array | Float64Array>(old: A, room: A): A {
  room.set(old);
  return room;
}
