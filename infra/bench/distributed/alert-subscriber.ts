import type { AlertBus } from "../../../stream/index.ts";
import { PROBE_KIND, probeIndex } from "../latency/probes.ts";
import { sharedClockMs } from "../latency/shared-clock.ts";

/** A subscriber of the alert bus that notes when the alert of each probe came. */
export class AlertSubscriber {
  /** Shared clock, by index of the probe. */
  readonly receivedAt: number[] = [];
  /** Alerts that came more than once. */
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
      if (alert.kind !== PROBE_KIND) continue;
      const probe = probeIndex(alert.orderId ?? "");
      if (this.receivedAt[probe] === undefined) this.receivedAt[probe] = now;
      else this.repeated++;
    }
  }
}
