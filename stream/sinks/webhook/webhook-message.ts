import { createHash, createHmac } from "node:crypto";
import { type Alert, alertRecordId, type PositionedAlert } from "../../ports/alert-bus.ts";

const SECRET = /^whsec_(?<bytes>[A-Za-z0-9+/]+={0,2})$/;
const SECRET_BYTES = { min: 24, max: 64 } as const;
const ID_CHARS = 32;

/** Alerts as they are sent. */
export interface WebhookMessage {
  /** Of what is in it: the same alerts sent again have it again. */
  readonly id: string;
  readonly body: string;
}

/** @param now when the message is made, ms */
export function webhookMessageOf(alerts: readonly PositionedAlert[], now: number): WebhookMessage {
  const digest = createHash("sha256");
  for (const { alert } of alerts) digest.update(`${alertRecordId(alert)}\n`);
  const data = { alerts: alerts.map(({ alert, cursor }) => ({ ...shown(alert), cursor })) };
  const body = JSON.stringify({ type: "alerts", timestamp: new Date(now).toISOString(), data });
  return { id: `msg_${digest.digest("hex").slice(0, ID_CHARS)}`, body };
}

/**
 * The headers of one attempt, after the specification Standard Webhooks 1.0.0 (https://www.standardwebhooks.com): what reads
 * them is there for most languages.
 *
 * @param secret the key's bytes
 */
export function webhookHeaders(
  { id, body }: WebhookMessage,
  secret: Uint8Array,
  now: number,
): Readonly<Record<string, string>> {
  const seconds = String(Math.floor(now / 1000));
  const signature = createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64");
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": seconds,
    "webhook-signature": `v1,${signature}`,
  };
}

/** The bytes of a secret `whsec_…`, or null where it is none of the 24 to 64 bytes that the specification asks for. */
export function webhookSecretOf(text: string): Buffer | null {
  const bytes = Buffer.from(SECRET.exec(text)?.groups?.bytes ?? "", "base64");
  return bytes.length >= SECRET_BYTES.min && bytes.length <= SECRET_BYTES.max ? bytes : null;
}

/** Times as texts, as the API shows them. */
function shown({ eventTime, windowStart, windowEnd, ...alert }: Alert) {
  const text = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    ...alert,
    ...{ eventTime: text(eventTime), windowStart: text(windowStart), windowEnd: text(windowEnd) },
  };
}
