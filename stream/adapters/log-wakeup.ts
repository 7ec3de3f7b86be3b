import { realpathSync } from "node:fs";
import { BroadcastChannel } from "node:worker_threads";

interface Waiter {
  readonly ready: () => boolean;
  readonly done: () => void;
}

export interface WakeupOptions {
  readonly path: string;
  /** Looks at the log: number that changes with every append of any process. Waiters are asked behind it. */
  readonly look: () => number;
  readonly pollMsMin: number;
  readonly pollMsMax: number;
}

/** Wake-ups of all logs of this thread that have the same environment open. */
const local = new Map<string, Set<LogWakeup>>();

/**
 * Wakes waiting readers after an append, by three ways:
 * - the same thread: a direct call from the append;
 * - other threads of the process: a BroadcastChannel named after the environment, so that worker
 *   threads need no shared memory handed to them (about 0.1 ms where the thread is not busy);
 * - other processes: LMDB has no signal between processes, so while somebody waits one timer of the
 *   log (not one per reader) reads the log's sequence, every `pollMsMin` for a second after a
 *   change and then ever slower up to `pollMsMax`. A look costs some 2 µs.
 */
export class LogWakeup {
  private readonly waiters = new Set<Waiter>();
  private readonly options: WakeupOptions;
  private readonly key: string;
  private readonly channel: BroadcastChannel;
  private timer: NodeJS.Timeout | undefined;
  private pollMs: number;
  private quietPolls = 0;
  private lastSequence = -1;
  private closed = false;

  constructor(options: WakeupOptions) {
    this.options = options;
    this.pollMs = options.pollMsMin;
    this.key = `millrace-log:${realpathSync(options.path)}`;
    this.channel = new BroadcastChannel(this.key);
    this.channel.onmessage = () => this.wake();
    this.channel.unref();
    const peers = local.get(this.key) ?? new Set();
    local.set(this.key, peers.add(this));
  }

  /** To be called after each commit that appended something. */
  appended(): void {
    this.channel.postMessage(0);
    for (const peer of local.get(this.key) ?? []) peer.wake();
  }

  /** Resolves once `ready` says so, after the time-out, or when the log closes. */
  wait(ready: () => boolean, timeoutMs: number): Promise<void> {
    if (this.closed || timeoutMs <= 0) return Promise.resolve();
    this.options.look();
    if (ready()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve();
      };
      const waiter: Waiter = { ready, done };
      const timer = setTimeout(done, Math.min(timeoutMs, 0x7fffffff));
      this.waiters.add(waiter);
      if (this.timer === undefined) this.schedulePoll();
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.channel.close();
    local.get(this.key)?.delete(this);
    for (const waiter of [...this.waiters]) waiter.done();
  }

  /** Asks every waiter of this log whether it is ready. */
  wake(): void {
    if (this.waiters.size === 0) return;
    this.options.look();
    this.ask();
  }

  private ask(): void {
    for (const waiter of [...this.waiters]) if (waiter.ready()) waiter.done();
  }

  private schedulePoll(): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.closed || this.waiters.size === 0) return;
      this.poll();
      if (this.waiters.size > 0) this.schedulePoll();
    }, this.pollMs);
    // The waiter's own time-out keeps the process alive, this need not.
    this.timer.unref();
  }

  private poll(): void {
    const sequence = this.options.look();
    if (sequence !== this.lastSequence) {
      this.lastSequence = sequence;
      this.pollMs = this.options.pollMsMin;
      this.quietPolls = 0;
      this.ask();
    } else if (++this.quietPolls * this.pollMs > 1000) {
      this.pollMs = Math.min(this.options.pollMsMax, this.pollMs * 2);
    }
  }
}
