import { MillraceError } from "../../../schema/index.ts";
import type { PositionedAlert } from "../../../stream/index.ts";
import { busFailed, tooSlow } from "./alert-stream-error.ts";
import type { AlertHub, AlertSubscribeOptions } from "./hub.ts";

type Result = IteratorResult<PositionedAlert, undefined>;
interface Waiter {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

const DONE: Result = { done: true, value: undefined };

/**
 * One subscriber's alerts. Not an async generator: `return` of one would wait for the `next` that is
 * under way, which comes with the next alert only, and leave a closed socket's subscription behind.
 */
export class AlertSubscription implements AsyncIterableIterator<PositionedAlert, undefined> {
  /** Everything up to it was handed out or filtered out. */
  cursor: string | null;
  private readonly hub: AlertHub;
  private readonly options: AlertSubscribeOptions;
  private queue: PositionedAlert[] = [];
  private waiter: Waiter | null = null;
  private failure: unknown = null;
  private ended = false;
  /** While it reads the bus by itself. */
  private catchUp: {
    readonly reader: AsyncIterator<PositionedAlert>;
    readonly stop: AbortController;
  } | null = null;

  constructor(hub: AlertHub, options: AlertSubscribeOptions) {
    this.hub = hub;
    this.options = options;
    this.cursor = options.after ?? hub.newest;
    if (options.after === null) hub.join(this);
    else if (!this.joinBehind(options.after)) {
      const stop = new AbortController();
      this.catchUp = { reader: hub.read(options.after, stop.signal), stop };
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One call at a time. */
  next(): Promise<Result> {
    const queued = this.queue.shift();
    if (queued !== undefined) return Promise.resolve(this.handOut(queued));
    if (this.failure !== null) {
      const { failure } = this;
      this.failure = null;
      return Promise.reject(failure);
    }
    if (this.ended) return Promise.resolve(DONE);
    if (this.catchUp !== null) return this.readOwn(this.catchUp.reader);
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject };
    });
  }

  return(): Promise<Result> {
    this.end();
    this.failure = null;
    this.waiter?.resolve(DONE);
    this.waiter = null;
    return Promise.resolve(DONE);
  }

  throw(error: unknown): Promise<Result> {
    void this.return();
    return Promise.reject(error);
  }

  /** Takes an alert of the tail; ends the subscription where its queue is full. */
  offer(positioned: PositionedAlert): void {
    if (!this.options.matches(positioned.alert)) {
      if (this.queue.length === 0) this.cursor = positioned.cursor;
      return;
    }
    if (this.waiter !== null) {
      const { waiter } = this;
      this.waiter = null;
      waiter.resolve(this.handOut(positioned));
      return;
    }
    if (this.queue.length < this.hub.queueMax) {
      this.queue.push(positioned);
      return;
    }
    const error = tooSlow(this.cursor, this.hub.queueMax);
    this.hub.slow += 1;
    this.fail(error);
    this.options.onSlow?.(error);
  }

  /** Ends it with an error; what waits in the queue is dropped, the error's cursor is before it. */
  fail(error: unknown): void {
    if (this.ended) return;
    this.end();
    if (this.waiter !== null) {
      this.waiter.reject(error);
      this.waiter = null;
    } else {
      this.failure = error;
    }
  }

  private async readOwn(reader: AsyncIterator<PositionedAlert>): Promise<Result> {
    try {
      while (this.catchUp !== null) {
        const result = await reader.next();
        if (this.ended) return DONE;
        if (result.done) throw new Error("the alert bus ended");
        // In one turn with the look into the ring, so that no alert of the tail comes between.
        this.joinBehind(result.value.cursor);
        if (this.options.matches(result.value.alert)) return this.handOut(result.value);
        this.cursor = result.value.cursor;
      }
    } catch (error) {
      if (this.ended) return DONE;
      this.end();
      // A gap is the caller's to see as it is.
      throw error instanceof MillraceError && error.origin === "user" ? error : busFailed(this.cursor, error);
    }
    // Not within: how the tail fails is told as it says.
    return this.next();
  }

  /** Leaves the own reader for the tail where the cursor is in the ring and its backlog fits the queue. */
  private joinBehind(cursor: string): boolean {
    const backlog = this.hub.ring.after(cursor)?.filter(({ alert }) => this.options.matches(alert));
    if (backlog === undefined || backlog.length > this.hub.queueMax) return false;
    this.stopCatchUp();
    this.queue.push(...backlog);
    this.hub.join(this);
    return true;
  }

  private handOut(positioned: PositionedAlert): Result {
    this.cursor = positioned.cursor;
    this.hub.delivered += 1;
    return { done: false, value: positioned };
  }

  private end(): void {
    this.ended = true;
    this.queue = [];
    this.hub.leave(this);
    this.stopCatchUp();
  }

  private stopCatchUp(): void {
    if (this.catchUp === null) return;
    const { reader, stop } = this.catchUp;
    this.catchUp = null;
    stop.abort();
    void reader.return?.()?.catch(() => undefined);
  }
}
