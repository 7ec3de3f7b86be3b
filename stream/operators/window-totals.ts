import type { KeyDictionary } from "../../schema/index.ts";
import type { PaneStore } from "./pane-store.ts";

export interface ScoreWeights {
  readonly view: number;
  readonly cartAdd: number;
  readonly purchase: number;
}

/**
 * Totals of products over the panes of one window; scratch memory, filled anew for each window. The
 * score is summed pane by pane over whole counts, so that it does not depend on the order in which
 * the tasks' blocks arrived.
 */
export class WindowTotals {
  /** Products with any activity, in order of first sight. */
  products = new Int32Array(1024);
  count = 0;
  views = new Int32Array(1024);
  cartAdds = new Int32Array(1024);
  purchases = new Int32Array(1024);
  scores = new Float64Array(1024);
  private activity = new Float64Array(1024);
  private activityPane = new Int32Array(1024);
  private seen = new Uint8Array(1024);
  private readonly weights: ScoreWeights;

  constructor(weights: ScoreWeights) {
    this.weights = weights;
  }

  /** Totals of panes [first, last]; pane p weighs `decay[last - p]` in the score. */
  collect(store: PaneStore<Int32Array>, range: { first: number; last: number }, decay: Float64Array): void {
    this.clear();
    const { weights } = this;
    for (let pane = range.first; pane <= range.last; pane++) {
      const age = pane - range.first;
      store.each(pane, (product, views, cartAdds, purchases) => {
        this.open(product, age, range, decay);
        this.views[product] += views;
        this.cartAdds[product] += cartAdds;
        this.purchases[product] += purchases;
        this.activity[product] +=
          views * weights.view + cartAdds * weights.cartAdd + purchases * weights.purchase;
      });
    }
    for (let i = 0; i < this.count; i++) this.settle(this.products[i], range, decay);
  }

  /** The best products, best first; equal scores rank by the product id's bytes. */
  top(limit: number, dictionary: KeyDictionary): number[] {
    const better = (a: number, b: number): boolean =>
      this.scores[a] !== this.scores[b]
        ? this.scores[a] > this.scores[b]
        : compareBytes(dictionary.bytesOf(a), dictionary.bytesOf(b)) < 0;
    const best: number[] = [];
    for (let i = 0; i < this.count; i++) {
      const product = this.products[i];
      if (best.length === limit && !better(product, best[limit - 1])) continue;
      let low = 0;
      let high = best.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (better(product, best[middle])) high = middle;
        else low = middle + 1;
      }
      best.splice(low, 0, product);
      if (best.length > limit) best.pop();
    }
    return best;
  }

  private open(
    product: number,
    age: number,
    range: { first: number; last: number },
    decay: Float64Array,
  ): void {
    if (product >= this.seen.length) this.grow(product + 1);
    if (this.seen[product] === 0) {
      this.seen[product] = 1;
      this.products[this.count++] = product;
      this.activityPane[product] = age;
    } else if (this.activityPane[product] !== age) {
      this.settle(product, range, decay);
      this.activityPane[product] = age;
    }
  }

  private settle(product: number, range: { first: number; last: number }, decay: Float64Array): void {
    this.scores[product] +=
      this.activity[product] * decay[range.last - range.first - this.activityPane[product]];
    this.activity[product] = 0;
  }

  private clear(): void {
    for (let i = 0; i < this.count; i++) {
      const product = this.products[i];
      this.views[product] = 0;
      this.cartAdds[product] = 0;
      this.purchases[product] = 0;
      this.scores[product] = 0;
      this.seen[product] = 0;
    }
    this.count = 0;
  }

  private grow(needed: number): void {
    const capacity = Math.max(needed, this.seen.length * 2);
    const ints = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(capacity);
      grown.set(old);
      return grown;
    };
    const doubles = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(capacity);
      grown.set(old);
      return grown;
    };
    this.products = ints(this.products);
    this.views = ints(this.views);
    this.cartAdds = ints(this.cartAdds);
    this.purchases = ints(this.purchases);
    this.activityPane = ints(this.activityPane);
    this.scores = doubles(this.scores);
    this.activity = doubles(this.activity);
    const seen = new Uint8Array(capacity);
    seen.set(this.seen);
    this.seen = seen;
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
