import type { SlotArray, StateSection } from "../../../schema/index.ts";

/** Products kept of all, and of each category. */
const ALL_MAX = 50;
const CATEGORY_MAX = 20;
const NONE = -1;

/**
 * The products of the largest weights, of all and by category, kept in order while single weights
 * grow: all decay alike, so that nothing changes place but the one that grew. Ties to the smaller id.
 */
export class PopularProducts {
  readonly #weights: SlotArray<Float64Array>;
  readonly #categoryOf: (product: number) => number;
  readonly #all: SlotArray<Int32Array>;
  readonly #byCategory: SlotArray<Int32Array>;

  constructor(
    section: StateSection,
    weights: SlotArray<Float64Array>,
    categoryOf: (product: number) => number,
  ) {
    this.#weights = weights;
    this.#categoryOf = categoryOf;
    this.#all = section.int32("popular", NONE);
    this.#all.ensure(ALL_MAX);
    this.#byCategory = section.int32("popular-by-category", NONE);
  }

  /** The weight of the product has grown. */
  note(product: number): void {
    this.#raise(this.#all, 0, ALL_MAX, product);
    const category = this.#categoryOf(product);
    if (category < 0) return;
    this.#byCategory.ensure((category + 1) * CATEGORY_MAX);
    this.#raise(this.#byCategory, category * CATEGORY_MAX, CATEGORY_MAX, product);
  }

  /** Most popular first: those of the category, then all. */
  pools(category: number): readonly Int32Array[] {
    const from = category * CATEGORY_MAX;
    const known = category >= 0 && from < this.#byCategory.length;
    return [
      known ? filled(this.#byCategory.values.subarray(from, from + CATEGORY_MAX)) : new Int32Array(0),
      filled(this.#all.values.subarray(0, ALL_MAX)),
    ];
  }

  #raise(list: SlotArray<Int32Array>, from: number, size: number, product: number): void {
    const { values } = list;
    const end = from + size;
    const last = values[end - 1];
    if (last !== NONE && last !== product && !this.#isAbove(product, last)) return;
    let at = from;
    while (at < end && values[at] !== product && values[at] !== NONE) at++;
    // Not in the list: it takes the place of the last.
    if (at === end) at = end - 1;
    for (; at > from && this.#isAbove(product, values[at - 1]); at--) values[at] = values[at - 1];
    values[at] = product;
    list.markRange(from, end);
  }

  #isAbove(product: number, other: number): boolean {
    const weights = this.#weights.values;
    return weights[product] > weights[other] || (weights[product] === weights[other] && product < other);
  }
}

function filled(list: Int32Array): Int32Array {
  const end = list.indexOf(NONE);
  return end < 0 ? list : list.subarray(0, end);
}
