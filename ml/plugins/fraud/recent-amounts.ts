/** Amounts that quantiles are taken of. */
const LENGTH = 64;

/** The last 64 amounts of each entity, in order of arrival and in order of size. */
export class RecentAmounts {
  readonly #arrival: Float32Array;
  readonly #sorted: Float32Array;
  readonly #count: Int32Array;

  constructor(entities: number) {
    this.#arrival = new Float32Array(entities * LENGTH);
    this.#sorted = new Float32Array(entities * LENGTH);
    this.#count = new Int32Array(entities);
  }

  get bytes(): number {
    return this.#arrival.byteLength + this.#sorted.byteLength + this.#count.byteLength;
  }

  add(entity: number, amount: number): void {
    const value = Math.fround(amount);
    const base = entity * LENGTH;
    const seen = this.#count[entity]++;
    const kept = Math.min(seen, LENGTH);
    const slot = base + (seen % LENGTH);
    const sorted = this.#sorted;
    let end = base + kept;
    if (kept === LENGTH) {
      const leaving = this.#below(entity, this.#arrival[slot]) + base;
      sorted.copyWithin(leaving, leaving + 1, end);
      end--;
    }
    let at = end;
    for (; at > base && sorted[at - 1] > value; at--) sorted[at] = sorted[at - 1];
    sorted[at] = value;
    this.#arrival[slot] = value;
  }

  /** NaN without amounts. */
  quantile(entity: number, share: number): number {
    const kept = this.#kept(entity);
    if (kept === 0) return Number.NaN;
    return this.#sorted[entity * LENGTH + Math.floor(share * (kept - 1) + 0.5)];
  }

  /** Share of the kept amounts below this one; NaN without amounts. */
  rank(entity: number, amount: number): number {
    return this.#below(entity, Math.fround(amount)) / this.#kept(entity);
  }

  /** The amount `back` payments ago, 1 the last; NaN where there were fewer. */
  last(entity: number, back: number): number {
    const seen = this.#count[entity];
    return back > Math.min(seen, LENGTH)
      ? Number.NaN
      : this.#arrival[entity * LENGTH + ((seen - back) % LENGTH)];
  }

  #kept(entity: number): number {
    return Math.min(this.#count[entity], LENGTH);
  }

  #below(entity: number, value: number): number {
    const base = entity * LENGTH;
    let low = 0;
    let high = this.#kept(entity);
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[base + middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
