import type { KeyDictionary } from "../../schema/index.ts";
import { ENTRY_NUMBERS, type PaneStore } from "./pane-store.ts";

export interface ScoreWeights {
  readonly view: number;
  readonly cartAdd: number;
  readonly purchase: number;
}

/** Numbers of a product's row, and where each lies in it: a line of the cache, as an entry meets all of them. */
const ROW_SHIFT = 3;
const VIEWS = 0;
const CART_ADDS = 1;
const PURCHASES = 2;
const SCORE = 3;
/** Weighed activity in the pane last met, which the score has not yet. */
const ACTIVITY = 4;
/** That pane, counted from 1 in the window; 0 where the product was not seen. */
const PANE = 5;

export interface PaneRange {
  readonly first: number;
  readonly last: number;
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
  private rows = new Float64Array(1024 << ROW_SHIFT);
  private readonly weights: ScoreWeights;

  constructor(weights: ScoreWeights) {
    this.weights = weights;
  }

  views(product: number): number {
    return this.rows[(product << ROW_SHIFT) + VIEWS];
  }

  cartAdds(product: number): number {
    return this.rows[(product << ROW_SHIFT) + CART_ADDS];
  }

  purchases(product: number): number {
    return this.rows[(product << ROW_SHIFT) + PURCHASES];
  }

  score(product: number): number {
    return this.rows[(product << ROW_SHIFT) + SCORE];
  }

  /** Totals of panes [first, last]; pane p weighs `decay[last - p]` in the score. */
  collect(store: PaneStore<Int32Array>, range: PaneRange, decay: Float64Array): void {
    for (const _ of this.collecting(store, range, decay));
  }

  /** The same in steps, with the entries that each has met; nothing is to be read before the end. */
  *collecting(store: PaneStore<Int32Array>, range: PaneRange, decay: Float64Array): Generator<number, void> {
    this.clear();
    const panes = range.last - range.first + 1;
    // The newest pane lies last here and first in `decay`.
    const decays = Float64Array.from({ length: panes + 1 }, (_, pane) => decay[panes - pane]);
    for (let pane = 1; pane <= panes; pane++) {
      let entries = 0;
      store.eachRun(range.first + pane - 1, (values, from, to) => {
        this.add(values, from, to, pane, decays);
        entries += (to - from) / ENTRY_NUMBERS;
      });
      yield entries;
    }
    for (let i = 0; i < this.count; i++) settle(this.rows, this.products[i] << ROW_SHIFT, decays);
  }

  /** The best products, best first; equal scores rank by the product id's bytes. */
  top(limit: number, dictionary: KeyDictionary): number[] {
    const better = (a: number, b: number): boolean =>
      this.score(a) !== this.score(b)
        ? this.score(a) > this.score(b)
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

  /** Adds the entries `values[from, to)` of a pane. */
  private add(values: Int32Array, from: number, to: number, pane: number, decays: Float64Array): void {
    const { view, cartAdd, purchase } = this.weights;
    let { rows } = this;
    for (let at = from; at < to; at += ENTRY_NUMBERS) {
      const row = values[at] << ROW_SHIFT;
      if (row >= rows.length) rows = this.grow(row + 1);
      if (rows[row + PANE] !== pane) {
        if (rows[row + PANE] === 0) this.products[this.count++] = values[at];
        else settle(rows, row, decays);
        rows[row + PANE] = pane;
      }
      const views = values[at + 1];
      const cartAdds = values[at + 2];
      const purchases = values[at + 3];
      rows[row + VIEWS] += views;
      rows[row + CART_ADDS] += cartAdds;
      rows[row + PURCHASES] += purchases;
      rows[row + ACTIVITY] += views * view + cartAdds * cartAdd + purchases * purchase;
    }
  }

  private clear(): void {
    const { rows, products, count } = this;
    for (let i = 0; i < count; i++) {
      const row = products[i] << ROW_SHIFT;
      for (let at = row + VIEWS; at <= row + PANE; at++) rows[at] = 0;
    }
    this.count = 0;
  }

  /** Makes room for so many numbers; returns the rows, which are others now. */
  private grow(numbers: number): Float64Array<ArrayBuffer> {
    let length = this.rows.length * 2;
    while (length < numbers) length *= 2;
    const rows = new Float64Array(length);
    rows.set(this.rows);
    this.rows = rows;
    const products = new Int32Array(length >>> ROW_SHIFT);
    products.set(this.products);
    this.products = products;
    return rows;
  }
}

/** Gives a product's score what it did in the pane last met. */
function settle(rows: Float64Array, row: number, decays: Float64Array): void {
  rows[row + SCORE] += rows[row + ACTIVITY] * decays[rows[row + PANE]];
  rows[row + ACTIVITY] = 0;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
