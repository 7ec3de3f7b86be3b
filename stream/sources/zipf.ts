import type { SeededRandom } from "./random.ts";

/**
 * Draws ranks 0 to n−1 with weight 1/(rank+1)^exponent in constant time, by Vose's alias method
 * (M. D. Vose, "A linear algorithm for generating random numbers with a given distribution", 1991).
 */
export class ZipfSampler {
  readonly size: number;
  readonly #threshold: Float64Array;
  readonly #alias: Int32Array;

  constructor(size: number, exponent: number) {
    this.size = size;
    this.#threshold = new Float64Array(size);
    this.#alias = new Int32Array(size);
    const scaled = new Float64Array(size);
    let sum = 0;
    for (let i = 0; i < size; i++) {
      scaled[i] = (i + 1) ** -exponent;
      sum += scaled[i];
    }
    const small: number[] = [];
    const large: number[] = [];
    for (let i = 0; i < size; i++) {
      scaled[i] = (scaled[i] * size) / sum;
      (scaled[i] < 1 ? small : large).push(i);
    }
    while (small.length > 0 && large.length > 0) {
      const low = small.pop()!;
      const high = large[large.length - 1];
      this.#threshold[low] = scaled[low];
      this.#alias[low] = high;
      scaled[high] -= 1 - scaled[low];
      if (scaled[high] < 1) small.push(large.pop()!);
    }
    for (const rest of [...small, ...large]) this.#threshold[rest] = 1;
  }

  draw(random: SeededRandom): number {
    const x = random.unit() * this.size;
    const cell = Math.floor(x);
    return x - cell < this.#threshold[cell] ? cell : this.#alias[cell];
  }
}
