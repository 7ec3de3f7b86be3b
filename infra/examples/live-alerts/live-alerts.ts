import { setTimeout as sleep } from "node:timers/promises";
import type { GraphQLFormattedError } from "graphql";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws"; // a browser has its own

const ALERTS = `
  subscription ($after: String) {
    alerts(after: $after) { cursor id kind severity status title revision }
  }`;

/** What ALERTS asks for, by the types of schema/api.graphql. */
export interface LiveAlert {
  readonly cursor: string;
  readonly id: string;
  readonly kind: string;
  readonly severity: string;
  readonly status: string;
  readonly title: string;
  readonly revision: number;
}

/** Wait in front of the next try; doubled with each that gives no alert. */
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 10_000;
/** Silence after which the server is asked whether it is there, and time that it has to answer. */
const SILENCE_MS_MAX = 3_000;

/**
 * Alerts as they come, without loss or repeat over lost connections; ends with what the server refuses. Keep the
 * `cursor` of the last one, and pass it as `after` to go on behind it; `begin` takes all that are kept. Null takes
 * new ones only: until the first has come, what is raised while there is no connection is missed.
 */
export async function* liveAlerts(
  url: string,
  after: string | null = null,
  interrupted: (why: string) => void = () => undefined,
): AsyncGenerator<LiveAlert> {
  let waitMs = RETRY_MS_MIN;
  for (let seen = after; ; waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
    try {
      for await (const alert of followOnce(url, seen)) {
        waitMs = RETRY_MS_MIN;
        seen = alert.cursor;
        yield alert;
      }
      interrupted("the server ended the subscription");
    } catch (error) {
      interrupted(reasonToRetry(error));
    }
    await sleep(waitMs);
  }
}

/** Alerts of one connection. Its client must not retry by itself: it would send the old cursor again. */
async function* followOnce(url: string, after: string | null): AsyncGenerator<LiveAlert> {
  let overdue: NodeJS.Timeout | undefined;
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    keepAlive: SILENCE_MS_MAX,
    connectionAckWaitTimeout: SILENCE_MS_MAX,
    on: {
      ping: (isReceived) => {
        if (!isReceived) overdue = setTimeout(() => client.terminate(), SILENCE_MS_MAX);
      },
      pong: () => clearTimeout(overdue),
    },
  });
  try {
    const results = client.iterate<{ alerts: LiveAlert }>({ query: ALERTS, variables: { after } });
    for await (const { data, errors } of results) {
      if (errors) throw errors;
      if (data) yield data.alerts;
    }
  } finally {
    clearTimeout(overdue);
    await client.dispose();
  }
}

/** Why to subscribe anew; throws where the server says that it would refuse that, too. */
function reasonToRetry(failure: unknown): string {
  // The server's errors come as a list, of the whole subscription as of one alert; all else is the connection's.
  if (!Array.isArray(failure)) return (failure as { message?: string }).message || "the connection was lost";
  const errors: readonly GraphQLFormattedError[] = failure;
  const message = errors.map((error) => error.message).join("\n");
  if (errors.every(({ extensions }) => extensions?.retry === true)) return message;
  throw new Error(message);
}
