import type { Alert, AlertBus, PositionedAlert } from "../../../stream/index.ts";
import { AlertRing } from "./alert-ring.ts";
import { type AlertStreamError, busFailed } from "./alert-stream-error.ts";
import { AlertSubscription } from "./alert-subscription.ts";

export interface AlertHubLimits {
  /** Alerts that wait for one subscriber; beyond, it is closed as too slow. */
  readonly queueMax: number;
  /** Newest alerts kept in memory: who resumes within them needs no reader of its own. */
  readonly ringMax: number;
}

export interface AlertSubscribeOptions {
  /** As of {@link AlertBus.subscribe}. */
  readonly after: string | null;
  readonly matches: (alert: Alert) => boolean;
  /** Called once when the subscriber is too slow, before its iterator throws. */
  readonly onSlow?: (error: AlertStreamError) => void;
}

/**
 * One tail of the alert bus for all subscribers. Who resumes from a cursor reads the bus by itself
 * until it meets an alert that the tail has seen too, and joins the tail right behind it.
 */
export class AlertHub {
  readonly ring: AlertRing;
  readonly queueMax: number;
  private readonly bus: AlertBus;
  private readonly live = new Set<AlertSubscription>();
  private readonly open = new Set<AlertSubscription>();
  private readonly onTailFailure: (error: unknown) => void;
  private tail: AbortController | null = null;
  /** Where the tail is; null before it has begun. */
  newest: string | null = null;
  private closed = false;
  /** Subscribers closed as too slow, since the start. */
  slow = 0;
  /** Alerts handed to subscribers, since the start. */
  delivered = 0;

  constructor(bus: AlertBus, limits: AlertHubLimits, onTailFailure: (error: unknown) => void) {
    this.bus = bus;
    this.ring = new AlertRing(limits.ringMax);
    this.queueMax = limits.queueMax;
    this.onTailFailure = onTailFailure;
  }

  get subscribers(): number {
    return this.open.size;
  }

  /** Begins to follow the bus, from now on; a repeated call is free. After a failure a call begins anew. */
  start(): void {
    if (this.tail !== null || this.closed) return;
    this.tail = new AbortController();
    void this.follow(this.tail.signal);
  }

  subscribe(options: AlertSubscribeOptions): AlertSubscription {
    this.start();
    const subscription = new AlertSubscription(this, options);
    this.open.add(subscription);
    return subscription;
  }

  /** Ends the tail and every subscription. */
  close(): void {
    this.closed = true;
    this.tail?.abort();
    for (const subscription of [...this.open]) void subscription.return();
  }

  /** Internal to subscriptions: a reader of the bus of their own. */
  read(after: string | null, signal: AbortSignal): AsyncIterator<PositionedAlert> {
    return this.bus.subscribe(after, signal)[Symbol.asyncIterator]();
  }

  /** Internal to subscriptions: from now on the tail's alerts are offered to it. */
  join(subscription: AlertSubscription): void {
    this.live.add(subscription);
  }

  /** Internal to subscriptions. */
  leave(subscription: AlertSubscription): void {
    this.live.delete(subscription);
    this.open.delete(subscription);
  }

  private async follow(signal: AbortSignal): Promise<void> {
    try {
      // From a place that has a name: who has seen no alert yet can go on there, too, when the bus fails.
      const from = await this.bus.position("next");
      this.newest = from;
      for (const subscription of this.live) subscription.cursor ??= from;
      for await (const positioned of this.bus.subscribe(from, signal)) {
        this.ring.push(positioned);
        this.newest = positioned.cursor;
        for (const subscription of this.live) subscription.offer(positioned);
      }
      // A tail has no end of its own: the bus was closed under it.
      this.failLive(new Error("the alert bus ended"), signal);
    } catch (error) {
      this.failLive(error, signal);
    } finally {
      this.tail = null;
      this.newest = null;
    }
  }

  private failLive(cause: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.onTailFailure(cause);
    // What the ring holds may be older than what the bus still keeps: the next tail begins anew.
    this.ring.clear();
    for (const subscription of [...this.live]) {
      subscription.fail(busFailed(subscription.cursor, cause));
    }
  }
}
