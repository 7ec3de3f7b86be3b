import type { Alert, AlertBus, PositionedAlert } from "../../ports/alert-bus.ts";
import type { EventLog } from "../../ports/event-log.ts";
import { ALERTS_TOPIC, LogAlertBus } from "../log-alert-bus.ts";
import { KafkaAlertLog } from "./alert-log.ts";

export interface KafkaAlertBusOptions {
  /** Topic with one partition; default {@link ALERTS_TOPIC}. */
  readonly topic?: string;
  /** Ids of alerts that are kept, to know a repeat; some 150 bytes each. */
  readonly idsMax?: number;
}

const IDS_MAX = 200_000;

/** AlertBus over the one partition of a Kafka topic: that of the embedded log, with an index of ids of its own. */
export class KafkaAlertBus implements AlertBus {
  private readonly alerts: KafkaAlertLog;
  private readonly bus: LogAlertBus;

  /** The log has to hold the topic; it is not closed with the bus. */
  constructor(log: EventLog, options: KafkaAlertBusOptions = {}) {
    const { topic = ALERTS_TOPIC, idsMax = IDS_MAX } = options;
    this.alerts = new KafkaAlertLog(log, { topic, partition: 0, idsMax });
    this.bus = new LogAlertBus(this.alerts, topic);
  }

  prepare(): Promise<void> {
    return this.alerts.follow();
  }

  publish(alerts: readonly Alert[]): Promise<void> {
    return this.bus.publish(alerts);
  }

  subscribe(after: string | null, signal: AbortSignal): AsyncIterable<PositionedAlert> {
    return this.bus.subscribe(after, signal);
  }

  position(of: "oldest" | "next"): Promise<string> {
    return this.bus.position(of);
  }

  async close(): Promise<void> {
    await this.bus.close();
    this.alerts.close();
  }
}
