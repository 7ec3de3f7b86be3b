/** How a worker gives way and waits: the event loop's, or a simulation's in a seeded order. */
export interface Scheduling {
  /** Resolves in a later turn: timers and I/O that are due run before. */
  nextTurn(): Promise<void>;
  /** Calls back once, after so many ms; what it returns calls that off. */
  after(ms: number, callback: () => void): () => void;
}

/** The event loop of the thread. */
export const eventLoopScheduling: Scheduling = {
  nextTurn: () => new Promise((resolve) => setImmediate(resolve)),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
