import { retryAfterMs } from "../../lakehouse/index.ts";
import {
  WebhookFailed,
  type WebhookMessage,
  type WebhookReceiver,
  webhookHeaders,
} from "../sinks/webhook/index.ts";

export interface HttpWebhookOptions {
  readonly url: string;
  /** The bytes of the key that messages are signed with. */
  readonly secret: Uint8Array;
  /** An answer that takes longer counts as none. */
  readonly timeoutMs: number;
  readonly clock: () => number;
}

/** A receiver behind HTTP: it has taken a message when it answers 2xx. */
export class HttpWebhookReceiver implements WebhookReceiver {
  private readonly options: HttpWebhookOptions;

  constructor(options: HttpWebhookOptions) {
    this.options = options;
  }

  async post(message: WebhookMessage, signal: AbortSignal): Promise<void> {
    const { url, secret, timeoutMs, clock } = this.options;
    const response = await fetch(url, {
      method: "POST",
      headers: webhookHeaders(message, secret, clock()),
      body: message.body,
      // Where it was moved to is for the settings to say: a signature must not follow anybody's answer.
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    }).catch((cause) => {
      throw new WebhookFailed(`${this.origin} does not answer: ${causeOf(cause)}`, { cause });
    });
    // Whatever it says, it said it by its status; the connection is free for the next one.
    await response.body?.cancel();
    if (response.ok) return;
    throw new WebhookFailed(`${this.origin} answered ${response.status}`, {
      retryAfterMs: retryAfterMs(response.headers.get("retry-after"), clock()),
    });
  }

  /** The rest of the address may hold a secret. */
  private get origin(): string {
    return new URL(this.options.url).origin;
  }
}

function causeOf(error: Error): string {
  const { cause } = error;
  return cause instanceof Error
    ? cause.message || String((cause as NodeJS.ErrnoException).code)
    : error.message;
}
