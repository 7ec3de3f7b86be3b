import type { Occurrences } from "./occurrences.ts";
import { type SessionLog, sessionCount } from "./session-log.ts";
import { TopList } from "./top-list.ts";

export interface TransitionOptions {
  /** Events between which a pair counts, in one session. */
  readonly reach: number;
  /** A pair `d` events apart counts `decay` to the power of d - 1. */
  readonly decay: number;
  /** Neighbours kept of each item: those with the largest sum of both directions. */
  readonly neighboursMax: number;
}

/** Directed, decayed co-occurrence counts by item, sparse: row `i` is [starts[i], starts[i + 1]). */
export interface Transitions {
  readonly starts: Int32Array;
  /** Rising within a row. An item is its own neighbour where a session came back to it. */
  readonly targets: Int32Array;
  /** How often the target came right after. */
  readonly direct: Float32Array;
  /** How often the target came after, decayed by distance. */
  readonly forward: Float32Array;
  /** The same before; 0 for an item itself, whose returns are in `forward`. */
  readonly backward: Float32Array;
}

/**
 * Counts pairs item by item, so that one row of sums is open at a time: memory is the log, its
 * occurrences and the result. `sessionWeights` says what each session counts.
 */
export function countTransitions(
  log: SessionLog,
  occurrences: Occurrences,
  sessionWeights: Float64Array,
  options: TransitionOptions,
): Transitions {
  const count = log.itemNumbers.length;
  const row = new RowSums(count);
  const rows = new GrowingRows(options.neighboursMax);
  const starts = new Int32Array(count + 1);
  const weights = Float64Array.from({ length: options.reach + 1 }, (_, d) => options.decay ** (d - 1));
  for (let item = 0; item < count; item++) {
    for (let k = occurrences.starts[item]; k < occurrences.starts[item + 1]; k++) {
      const event = occurrences.events[k];
      const session = occurrences.sessions[event];
      const weight = sessionWeights[session];
      const from = Math.max(log.starts[session], event - options.reach);
      const to = Math.min(log.starts[session + 1], event + options.reach + 1);
      for (let other = from; other < event; other++) {
        if (log.items[other] !== item) row.addBackward(log.items[other], weight * weights[event - other]);
      }
      for (let other = event + 1; other < to; other++) {
        row.addForward(log.items[other], weight * weights[other - event], other === event + 1 ? weight : 0);
      }
    }
    starts[item + 1] = rows.append(row);
    row.clear();
  }
  return { starts, ...rows.finish() };
}

/** Sessions' weights: e to the power of -age, the age in units of `recency` times the whole log. */
export function recencyWeights(log: SessionLog, recency: number): Float64Array {
  const count = sessionCount(log);
  return Float64Array.from({ length: count }, (_, s) => Math.exp(-(count - s) / (recency * count)));
}

class RowSums {
  readonly touched: Int32Array;
  size = 0;
  readonly direct: Float64Array;
  readonly forward: Float64Array;
  readonly backward: Float64Array;
  readonly #isTouched: Uint8Array;

  constructor(items: number) {
    this.touched = new Int32Array(items);
    this.direct = new Float64Array(items);
    this.forward = new Float64Array(items);
    this.backward = new Float64Array(items);
    this.#isTouched = new Uint8Array(items);
  }

  addForward(item: number, decayed: number, direct: number): void {
    this.#touch(item);
    this.forward[item] += decayed;
    this.direct[item] += direct;
  }

  addBackward(item: number, decayed: number): void {
    this.#touch(item);
    this.backward[item] += decayed;
  }

  clear(): void {
    for (let k = 0; k < this.size; k++) {
      const item = this.touched[k];
      this.direct[item] = this.forward[item] = this.backward[item] = this.#isTouched[item] = 0;
    }
    this.size = 0;
  }

  #touch(item: number): void {
    if (this.#isTouched[item] === 1) return;
    this.#isTouched[item] = 1;
    this.touched[this.size++] = item;
  }
}

/** The finished rows; arrays double when they are full. */
class GrowingRows {
  #size = 0;
  #targets = new Int32Array(1024);
  #direct = new Float32Array(1024);
  #forward = new Float32Array(1024);
  #backward = new Float32Array(1024);
  readonly #top: TopList;
  readonly #kept: Int32Array;

  constructor(neighboursMax: number) {
    this.#top = new TopList(neighboursMax);
    this.#kept = new Int32Array(neighboursMax);
  }

  /** Returns where the next row begins. */
  append(row: RowSums): number {
    const kept = this.#strongest(row).sort();
    while (this.#size + kept.length > this.#targets.length) this.#grow();
    for (const item of kept) {
      this.#targets[this.#size] = item;
      this.#direct[this.#size] = row.direct[item];
      this.#forward[this.#size] = row.forward[item];
      this.#backward[this.#size++] = row.backward[item];
    }
    return this.#size;
  }

  finish(): Omit<Transitions, "starts"> {
    return {
      targets: this.#targets.slice(0, this.#size),
      direct: this.#direct.slice(0, this.#size),
      forward: this.#forward.slice(0, this.#size),
      backward: this.#backward.slice(0, this.#size),
    };
  }

  #strongest(row: RowSums): Int32Array {
    if (row.size <= this.#kept.length) return row.touched.subarray(0, row.size);
    for (let k = 0; k < row.size; k++) {
      const item = row.touched[k];
      this.#top.offer(item, row.forward[item] + row.backward[item]);
    }
    return this.#kept.subarray(0, this.#top.drain(this.#kept));
  }

  #grow(): void {
    const length = 2 * this.#targets.length;
    this.#targets = copyInto(new Int32Array(length), this.#targets);
    this.#direct = copyInto(new Float32Array(length), this.#direct);
    this.#forward = copyInto(new Float32Array(length), this.#forward);
    this.#backward = copyInto(new Float32Array(length), this.#backward);
  }
}

function copyInto<A extends Int32Array | Float32Array>(target: A, source: A): A {
  target.set(source);
  return target;
}
