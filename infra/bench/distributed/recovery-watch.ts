import { setTimeout as sleep } from "node:timers/promises";
import { partitionOf } from "../../../stream/index.ts";
import { BenchError } from "../bench-error.ts";
import { probeUserId } from "../latency/probes.ts";
import { sharedClockMs } from "../latency/shared-clock.ts";
import type { AlertSubscriber } from "./alert-subscriber.ts";
import type { LiveLoad } from "./live-load.ts";

const RECOVERY_MS_MAX = 120_000;
const DRAIN_MS_MAX = 60_000;
const POLL_MS = 20;
/** A probe that waits for longer for its alert stands behind a backlog. */
const BACKLOG_MS = 1000;

/** Watches probes and their alerts: which partitions answer, and whether any has a backlog. */
export class RecoveryWatch {
  private readonly load: LiveLoad;
  private readonly subscriber: AlertSubscriber;
  private readonly partitions: number;
  private readonly signal: AbortSignal;

  constructor(load: LiveLoad, subscriber: AlertSubscriber, partitions: number, signal: AbortSignal) {
    this.load = load;
    this.subscriber = subscriber;
    this.partitions = partitions;
    this.signal = signal;
  }

  /** Alerts that came of the probes so far. */
  get received(): number {
    return this.load.sentAt.filter((_, probe) => this.receivedAt(probe) !== undefined).length;
  }

  /** When the first alert came behind the moment from one of these partitions, of whenever its event was sent. */
  firstResultSince(moment: number, partitions: readonly number[]): number {
    const times = this.load.sentAt.flatMap((_, probe) => {
      const at = this.receivedAt(probe);
      return at !== undefined && at > moment && partitions.includes(this.partitionOf(probe)) ? [at] : [];
    });
    return Math.min(...times);
  }

  /** Resolves to when every partition had answered an event that was sent after the moment. */
  async processedSince(moment: number): Promise<number> {
    const first = this.load.sentAt.findLastIndex((at) => at <= moment) + 1;
    for (;;) {
      const answeredAt = new Map<number, number>();
      for (let probe = first; probe < this.load.sentAt.length; probe++) {
        const at = this.receivedAt(probe);
        if (at === undefined) continue;
        const partition = this.partitionOf(probe);
        answeredAt.set(partition, Math.min(at, answeredAt.get(partition) ?? Number.POSITIVE_INFINITY));
      }
      if (answeredAt.size === this.partitions) return Math.max(...answeredAt.values());
      await this.pollUntil(
        moment + RECOVERY_MS_MAX,
        () => `the workers process only ${answeredAt.size} of ${this.partitions} partitions again`,
      );
    }
  }

  /** Resolves to when no event that was sent by then had waited for longer than a second. */
  async caughtUp(since: number): Promise<number> {
    for (;;) {
      const now = sharedClockMs();
      const late = this.load.sentAt.some(
        (sentAt, probe) => now - sentAt > BACKLOG_MS && this.receivedAt(probe) === undefined,
      );
      if (!late) return now;
      await this.pollUntil(since + RECOVERY_MS_MAX, () => "the workers do not catch up with the load");
    }
  }

  /** Resolves when every alert has come, or too late for it. */
  async drained(): Promise<void> {
    const giveUpAt = sharedClockMs() + DRAIN_MS_MAX;
    while (this.received < this.load.sentAt.length && sharedClockMs() < giveUpAt)
      await sleep(100, undefined, { signal: this.signal });
  }

  private receivedAt(probe: number): number | undefined {
    return this.subscriber.receivedAt["order-amount"][probe];
  }

  private partitionOf(probe: number): number {
    return partitionOf(Buffer.from(probeUserId(probe)), this.partitions);
  }

  private async pollUntil(giveUpAt: number, problem: () => string): Promise<void> {
    if (sharedClockMs() > giveUpAt) throw new BenchError(problem());
    await sleep(POLL_MS, undefined, { signal: this.signal });
  }
}
