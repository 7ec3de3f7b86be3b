import { SeededRandom } from "../../stream/index.ts";

interface Due {
  readonly atMs: number;
  /** Order of those that are due at one time. */
  readonly order: number;
  /** Null once called off. */
  run: (() => void) | null;
}

/**
 * Virtual time. Everything that a simulation waits for (answers, turns, time-outs) is due at a moment
 * that a seed decides, and runs alone: the next runs when all that the last one caused, down to the
 * last `await`, has come to rest. So the same seed gives the same run.
 */
export class Scheduler {
  readonly random: SeededRandom;
  /** Virtual time, ms; fractions order what happens within one. */
  nowMs: number;
  private readonly heap: Due[] = [];
  private orders = 0;
  private pumping = false;
  private turning = false;

  constructor(seed: number, startMs: number) {
    this.random = new SeededRandom(seed, 101);
    this.nowMs = startMs;
  }

  /** Runs once, after so many ms; what it returns calls that off. */
  after(ms: number, run: () => void): () => void {
    const due: Due = { atMs: this.nowMs + Math.max(0, ms), order: this.orders++, run };
    this.push(due);
    if (this.pumping) this.pumpSoon();
    return () => {
      due.run = null;
    };
  }

  /** Computing takes time: what becomes due meanwhile waits. */
  spend(ms: number): void {
    this.nowMs += ms;
  }

  /** Runs what is due, one after another, until `done` or that time; whether it is done. */
  async runUntil(done: () => boolean, endMs: number): Promise<boolean> {
    while (!done()) {
      if (this.heap.length === 0 || this.heap[0].atMs > endMs) {
        this.nowMs = Math.max(this.nowMs, endMs);
        return false;
      }
      await this.settle(this.pop() as Due);
    }
    return true;
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    await this.runUntil(() => false, this.nowMs + ms);
  }

  /** From now on runs by itself whatever becomes due: for callers outside, who only await answers. */
  pump(): void {
    this.pumping = true;
    this.pumpSoon();
  }

  stopPump(): void {
    this.pumping = false;
    this.heap.length = 0;
  }

  private pumpSoon(): void {
    if (this.turning) return;
    this.turning = true;
    const turn = async (): Promise<void> => {
      for (let due = this.pop(); due !== null && this.pumping; due = this.pop()) await this.settle(due);
      this.turning = false;
    };
    setImmediate(() => void turn());
  }

  private async settle(due: Due): Promise<void> {
    const run = due.run;
    if (run === null) return;
    this.nowMs = Math.max(this.nowMs, due.atMs);
    due.run = null;
    run();
    // A turn of the real event loop begins when no promise has anything left to do.
    await new Promise((resolve) => setImmediate(resolve));
  }

  private push(due: Due): void {
    const { heap } = this;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(due, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = due;
  }

  private pop(): Due | null {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined) return null;
    if (heap.length === 0) return last;
    const first = heap[0];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
