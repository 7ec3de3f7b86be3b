import { engineClosed, overloaded } from "../query-errors.ts";

interface Waiter {
  readonly start: () => void;
  readonly refuse: (error: unknown) => void;
}

/** Lets so many queries run at a time and so many wait. */
export class QuerySlots {
  private readonly runningMax: number;
  private readonly waitingMax: number;
  private running = 0;
  private readonly waiting: Waiter[] = [];
  private isClosed = false;

  constructor(limits: { readonly runningMax: number; readonly waitingMax: number }) {
    this.runningMax = limits.runningMax;
    this.waitingMax = limits.waitingMax;
  }

  /** Runs `work` when it is its turn. Rejects with `query-overloaded`, or the signal's reason. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.enter(signal);
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next.start();
    }
  }

  /** Refuses those that wait; running ones go on. */
  close(): void {
    this.isClosed = true;
    for (const waiter of this.waiting.splice(0)) waiter.refuse(engineClosed());
  }

  private async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.isClosed) throw engineClosed();
    if (this.running < this.runningMax) {
      this.running++;
      return;
    }
    if (this.waiting.length >= this.waitingMax) throw overloaded(this.waiting.length);
    await this.wait(signal);
  }

  private wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        start: () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
        refuse: (error) => {
          signal.removeEventListener("abort", onAbort);
          reject(error);
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.waiting.push(waiter);
    });
  }
}
