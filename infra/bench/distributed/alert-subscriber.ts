import type { AlertBus } from "../../../stream/index.ts";
import { PROBE_KINDS, type ProbeKind, type ProbeTimes, probeIndex } from "../latency/probes.ts";
import { sharedClockMs } from "../latency/shared-clock.ts";

/** A subscriber of the alert bus that notes when the alert of each probe came. */
export class AlertSubscriber {
  readonly receivedAt: ProbeTimes = { "order-amount": [], fraud: [] };
  /** Alerts of the rule that came more than once. */
  repeated = 0;
  private readonly stopping = new AbortController();
  private readonly reading: Promise<void>;

  constructor(bus: AlertBus) {
    this.reading = this.read(bus);
    this.reading.catch(() => undefined);
  }

  /** Rejects where the subscription failed. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.reading;
  }

  private async read(bus: AlertBus): Promise<void> {
    for await (const { alert } of bus.subscribe(null, this.stopping.signal)) {
      const now = sharedClockMs();
      if (!PROBE_KINDS.some((kind) => kind === alert.kind)) continue;
      const times = this.receivedAt[alert.kind as ProbeKind];
      const probe = probeIndex(alert.orderId ?? "");
      if (times[probe] === undefined) times[probe] = now;
      else if (alert.kind === "order-amount") this.repeated++;
    }
  }
}
