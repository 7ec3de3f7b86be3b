/** Something that acts at a time and says when it acts next; a negative answer ends it. */
export interface Actor {
  act(now: number): number;
}

/** Binary heap of actors by time; those of one time act in the order in which they were added. */
export class Schedule {
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #actors: Actor[] = [];
  #added = 0;

  /** Time of the next act, or Infinity. */
  get nextTime(): number {
    return this.#times.length === 0 ? Number.POSITIVE_INFINITY : this.#times[0];
  }

  /** `time` must not be before the act that is running. */
  add(time: number, actor: Actor): void {
    this.#times.push(time);
    this.#orders.push(this.#added++);
    this.#actors.push(actor);
    let child = this.#times.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#before(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  /** Calls `run` once at its time. */
  once(time: number, run: (now: number) => void): void {
    this.add(time, {
      act(now) {
        run(now);
        return -1;
      },
    });
  }

  /** Lets the next actor act. */
  step(): void {
    const now = this.#times[0];
    // What it adds meanwhile is not earlier than now and was added later: the actor stays on top.
    const next = this.#actors[0].act(now);
    if (next >= 0) {
      this.#times[0] = Math.max(next, now);
      this.#orders[0] = this.#added++;
    } else {
      this.#swap(0, this.#times.length - 1);
      this.#times.pop();
      this.#orders.pop();
      this.#actors.pop();
    }
    this.#sink();
  }

  #sink(): void {
    const size = this.#times.length;
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      if (left >= size) return;
      const right = left + 1;
      const child = right < size && this.#before(right, left) ? right : left;
      if (!this.#before(child, parent)) return;
      this.#swap(child, parent);
      parent = child;
    }
  }

  #before(a: number, b: number): boolean {
    return (
      this.#times[a] < this.#times[b] ||
      (this.#times[a] === this.#times[b] && this.#orders[a] < this.#orders[b])
    );
  }

  #swap(a: number, b: number): void {
    const time = this.#times[a];
    this.#times[a] = this.#times[b];
    this.#times[b] = time;
    const order = this.#orders[a];
    this.#orders[a] = this.#orders[b];
    this.#orders[b] = order;
    const actor = this.#actors[a];
    this.#actors[a] = this.#actors[b];
    this.#actors[b] = actor;
  }
}
