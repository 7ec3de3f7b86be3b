import { doublingWait } from "../../../lakehouse/index.ts";
import { MillraceError } from "../../../schema/index.ts";
import { ALERT_SEVERITIES, type Alert, type AlertBus, type PositionedAlert } from "../../ports/alert-bus.ts";
import { type WebhookMessage, webhookMessageOf } from "./webhook-message.ts";

/** Alerts of one message. */
const MESSAGE_ALERTS_MAX = 100;
const BACKOFF_MS = { min: 1_000, max: 300_000 } as const;
/** Alerts that are passed over before the cursor is saved. */
const UNSAVED_MAX = 1_000;
const NOT_FOLLOWED = "the webhook cannot follow the alerts: it tries again";
const NOT_TAKEN = "the webhook took no alerts: they wait in the log, and are sent again";
const NOT_NOTED = "what the webhook took cannot be noted: it tries again, and sends nothing before";
/** Of a bus that does not have what a cursor needs any more, or is another one. */
const LOST_CURSOR: ReadonlySet<string> = new Set(["cursor-gap", "cursor-invalid"]);

/** Where the alerts go. */
export interface WebhookReceiver {
  /** Resolves when the receiver has taken the message; rejects with `webhook-failed` otherwise. */
  post(message: WebhookMessage, signal: AbortSignal): Promise<void>;
}

/** Keeps how far the alerts have been sent. */
export interface WebhookCursor {
  /** Null before the first {@link save}. */
  load(): Promise<string | null>;
  /** Resolves when it is durable. */
  save(cursor: string): Promise<void>;
}

export interface AlertWebhookDeps {
  readonly alertBus: Pick<AlertBus, "subscribe" | "position">;
  readonly receiver: WebhookReceiver;
  readonly cursor: WebhookCursor;
  readonly severityMin: Alert["severity"];
  readonly clock: () => number;
  /** Resolves early when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly nextTurn: () => Promise<void>;
  readonly random: () => number;
  readonly logger: Readonly<Record<"info" | "warn" | "error", (details: object, message: string) => void>>;
  readonly onSent: (alerts: number) => void;
  readonly onFailed: () => void;
}

/** A receiver that asks for a pause says for how long. */
export class WebhookFailed extends MillraceError {
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number | null } = {},
  ) {
    super(message, { code: "webhook-failed", origin: "external", retry: true, cause: options.cause });
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/**
 * Sends alerts to a receiver, in their order and each at least once: those that wait go together, and the next ones when
 * these are taken. What fails is tried again until it works, as the log keeps what waits. The cursor is saved
 * behind each message: a process killed before it sends the message's alerts again, which the receiver knows by id and revision.
 * Begins with the first alert after it was first started.
 */
export class AlertWebhook {
  /** Resolves when it is known behind which alert to go on, or that this has to be tried again. */
  readonly begun: Promise<void>;
  private readonly deps: AlertWebhookDeps;
  private readonly stopping = new AbortController();
  private readonly ended: Promise<void>;
  private failures = 0;
  private unsaved = 0;
  private failingSince: number | null = null;

  constructor(deps: AlertWebhookDeps) {
    this.deps = deps;
    const begin = this.begin();
    this.begun = begin.then(
      () => undefined,
      () => undefined,
    );
    this.ended = this.run(begin);
  }

  /** For how long it has not come on; 0 while all is well. */
  get failingMs(): number {
    return this.failingSince === null ? 0 : this.deps.clock() - this.failingSince;
  }

  /** Gives a message under way up; what was not taken is sent at the next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  private async run(begun: Promise<string>): Promise<void> {
    const { signal } = this.stopping;
    for (let begin = begun; !signal.aborted; begin = this.begin()) {
      try {
        const after = await begin;
        this.tellSuccess();
        await this.follow(after, signal);
      } catch (err) {
        if (!signal.aborted) await this.pause(err, NOT_FOLLOWED, signal);
      }
      if (signal.aborted) return;
    }
  }

  /** The cursor behind which to go on. */
  private async begin(): Promise<string> {
    const { cursor, alertBus } = this.deps;
    // Asked for in any case: whether the bus answers.
    const next = await alertBus.position("next");
    const saved = await cursor.load();
    if (saved !== null) return saved;
    await cursor.save(next);
    return next;
  }

  private async follow(after: string, signal: AbortSignal): Promise<void> {
    const { alertBus, logger, cursor } = this.deps;
    // Ends the subscription also where sending fails: it may be waiting for an alert.
    const done = new AbortController();
    const source = alertBus.subscribe(after, AbortSignal.any([signal, done.signal]));
    try {
      for await (const alerts of this.together(source, done)) await this.send(alerts, signal);
    } catch (err) {
      if (!(err instanceof MillraceError) || !LOST_CURSOR.has(err.code)) throw err;
      logger.error(
        { err },
        "alerts were dropped before the webhook took them: it goes on with the oldest that is kept",
      );
      await cursor.save(await alertBus.position("oldest"));
    }
  }

  /** Those that are there at once, as one. */
  private async *together(
    source: AsyncIterable<PositionedAlert>,
    done: AbortController,
  ): AsyncGenerator<PositionedAlert[]> {
    const alerts = source[Symbol.asyncIterator]();
    const ask = () => {
      const asked = alerts.next();
      // Whoever awaits it gets the failure, which may be long after, or never.
      asked.catch(() => undefined);
      return asked;
    };
    let next = ask();
    try {
      for (;;) {
        const first = await next;
        if (first.done === true) return;
        const found = [first.value];
        next = ask();
        while (found.length < MESSAGE_ALERTS_MAX) {
          const more = await Promise.race([next, this.deps.nextTurn()]);
          if (more === undefined || more.done === true) break;
          found.push(more.value);
          next = ask();
        }
        yield found;
      }
    } finally {
      done.abort();
    }
  }

  /** Resolves when they are taken, or with the signal. */
  private async send(alerts: readonly PositionedAlert[], signal: AbortSignal): Promise<void> {
    const { receiver, cursor, clock, severityMin, onSent } = this.deps;
    const least = ALERT_SEVERITIES.indexOf(severityMin);
    const wanted = alerts.filter(({ alert }) => ALERT_SEVERITIES.indexOf(alert.severity) >= least);
    if (wanted.length > 0) {
      const message = webhookMessageOf(wanted, clock());
      await this.untilDone(() => receiver.post(message, signal), NOT_TAKEN, signal);
      if (!signal.aborted) onSent(wanted.length);
    }
    this.unsaved += alerts.length;
    // Alerts that nobody wants are cheap to pass once more.
    if (signal.aborted || (wanted.length === 0 && this.unsaved < UNSAVED_MAX)) return;
    const last = alerts.at(-1) as PositionedAlert;
    await this.untilDone(() => cursor.save(last.cursor), NOT_NOTED, signal);
    this.unsaved = 0;
  }

  /** Resolves when the work has succeeded, or with the signal. */
  private async untilDone(work: () => Promise<void>, failure: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await work();
        this.tellSuccess();
        return;
      } catch (err) {
        if (!signal.aborted) await this.pause(err, failure, signal);
      }
    }
  }

  /** Waits after a failure, longer after each, or as long as the receiver asks for. */
  private async pause(err: unknown, failure: string, signal: AbortSignal): Promise<void> {
    const { clock, sleep, random, logger, onFailed } = this.deps;
    this.failingSince ??= clock();
    onFailed();
    const backoff = doublingWait(BACKOFF_MS, this.failures++, random);
    const asked = err instanceof WebhookFailed ? (err.retryAfterMs ?? 0) : 0;
    const waitMs = Math.round(Math.min(BACKOFF_MS.max, Math.max(backoff, asked)));
    logger.warn({ err, failures: this.failures, waitMs }, failure);
    await sleep(waitMs, signal);
  }

  private tellSuccess(): void {
    if (this.failingSince === null) return;
    const { logger } = this.deps;
    logger.info({ failures: this.failures, failedForMs: this.failingMs }, "the webhook works again");
    this.failures = 0;
    this.failingSince = null;
  }
}
