import type { RecommenderBase } from "./recommender-base.ts";

/**
 * What goes together with items that go together with a session: two steps of co-occurrence, for
 * targets that no session of the log had beside the items of this one. One object serves one answer
 * at a time; sums hold until `clear`.
 */
export class SecondSteps {
  /** Items reached, in no order: the first `size`. */
  readonly touched: Int32Array;
  size = 0;
  readonly #base: RecommenderBase;
  readonly #divisors: Float64Array;
  readonly #damping: Float64Array;
  readonly #sums: Float64Array;

  constructor(base: RecommenderBase, divisors: Float64Array, damping: Float64Array) {
    const count = base.log.itemNumbers.length;
    this.#base = base;
    this.#divisors = divisors;
    this.#damping = damping;
    this.touched = new Int32Array(count);
    this.#sums = new Float64Array(count);
  }

  /** Goes on from an item that the first step reached with this score. */
  addHub(hub: number, score: number): void {
    const { starts, targets, forward, backward } = this.#base.transitions;
    const { backwardWeight } = this.#base.options.blend;
    const weight = score * this.#divisors[hub];
    if (weight <= 0) return;
    for (let entry = starts[hub]; entry < starts[hub + 1]; entry++) {
      const item = targets[entry];
      if (this.#sums[item] === 0) this.touched[this.size++] = item;
      this.#sums[item] += weight * (forward[entry] + backwardWeight * backward[entry]);
    }
  }

  /** 0 for what was not reached. */
  scoreOf(item: number): number {
    return this.#sums[item] * this.#damping[item];
  }

  clear(): void {
    for (let k = 0; k < this.size; k++) this.#sums[this.touched[k]] = 0;
    this.size = 0;
  }
}
