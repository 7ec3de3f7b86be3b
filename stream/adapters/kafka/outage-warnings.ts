/** What an operator is told of a connection to Kafka; every MillraceError is one. */
export interface KafkaWarning {
  readonly code: string;
  readonly message: string;
}

/** While an outage lasts, so often it is told of. */
const REPEAT_MS = 30_000;
/**
 * An outage without a failure for so long is over. Longer than a try to connect and the wait behind it: where one
 * of several nodes is down, answers of the others come between its failures.
 */
const QUIET_MS = 10_000;

interface Outage {
  readonly beganAt: number;
  failedAt: number;
  warnedAt: number;
  /** Since the last warning. */
  untold: number;
}

/** Tells of an outage once, then now and then with the count of failures since, and of its end. */
export class OutageWarnings {
  private readonly warn: (warning: KafkaWarning) => void;
  private readonly clock: () => number;
  private outage: Outage | null = null;

  /** @param clock in ms */
  constructor(warn: (warning: KafkaWarning) => void, clock: () => number) {
    this.warn = warn;
    this.clock = clock;
  }

  failed({ code, message }: KafkaWarning): void {
    const now = this.clock();
    if (this.outage === null) {
      this.outage = { beganAt: now, failedAt: now, warnedAt: now, untold: 0 };
      this.warn({ code, message });
      return;
    }
    const { outage } = this;
    outage.failedAt = now;
    outage.untold++;
    if (now - outage.warnedAt < REPEAT_MS) return;
    const seconds = Math.round((now - outage.warnedAt) / 1000);
    this.warn({ code, message: `${message} (${outage.untold} failures in the last ${seconds} s)` });
    outage.warnedAt = now;
    outage.untold = 0;
  }

  /** To be called at each answer. */
  reached(): void {
    const { outage } = this;
    if (outage === null || this.clock() - outage.failedAt < QUIET_MS) return;
    this.outage = null;
    const seconds = ((outage.failedAt - outage.beganAt) / 1000).toFixed(1);
    const message = `Kafka is reached again, after failures for ${seconds} s`;
    this.warn({ code: "kafka-reached", message });
  }
}
