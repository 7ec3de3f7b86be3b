/** Keeps the best `capacity` of what it is offered: highest score first, ties to the smaller id. */
export class TopList {
  #size = 0;
  readonly #ids: Int32Array;
  readonly #scores: Float64Array;

  constructor(capacity: number) {
    this.#ids = new Int32Array(capacity);
    this.#scores = new Float64Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  offer(id: number, score: number): void {
    const capacity = this.#ids.length;
    if (this.#size < capacity) {
      this.#rise(this.#size++, id, score);
    } else if (capacity > 0 && isBetter(score, id, this.#scores[0], this.#ids[0])) {
      this.#sink(capacity, id, score);
    }
  }

  /** Empties the list into `ids`, best first; returns how many there were. */
  drain(ids: Int32Array, scores?: Float64Array): number {
    const count = this.#size;
    for (let at = count - 1; at >= 0; at--) {
      ids[at] = this.#ids[0];
      if (scores !== undefined) scores[at] = this.#scores[0];
      this.#sink(at, this.#ids[at], this.#scores[at]);
    }
    this.#size = 0;
    return count;
  }

  // A heap with its worst entry at 0.
  #rise(from: number, id: number, score: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBetter(this.#scores[parent], this.#ids[parent], score, id)) break;
      this.#put(at, this.#ids[parent], this.#scores[parent]);
      at = parent;
    }
    this.#put(at, id, score);
  }

  #sink(size: number, id: number, score: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const sibling = child + 1;
      if (
        sibling < size &&
        isBetter(this.#scores[child], this.#ids[child], this.#scores[sibling], this.#ids[sibling])
      ) {
        child = sibling;
      }
      if (!isBetter(score, id, this.#scores[child], this.#ids[child])) break;
      this.#put(at, this.#ids[child], this.#scores[child]);
      at = child;
    }
    if (size > 0) this.#put(at, id, score);
  }

  #put(at: number, id: number, score: number): void {
    this.#ids[at] = id;
    this.#scores[at] = score;
  }
}

function isBetter(score: number, id: number, otherScore: number, otherId: number): boolean {
  return score > otherScore || (score === otherScore && id < otherId);
}
