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

/** Alerts as they come; keep the `cursor` of the last one, and pass it as `after` to go on behind it. */
export async function* liveAlerts(url: string, after: string | null = null): AsyncGenerator<LiveAlert> {
  const client = createClient({ url, webSocketImpl: WebSocket });
  try {
    const results = client.iterate<{ alerts: LiveAlert }>({ query: ALERTS, variables: { after } });
    for await (const { data, errors } of results) {
      if (errors) throw errors;
      if (data) yield data.alerts;
    }
  } catch (refused) {
    // The server's errors come as a list, of the whole subscription as of one alert.
    throw Array.isArray(refused) ? new Error(refused.map(({ message }) => message).join("\n")) : refused;
  } finally {
    await client.dispose();
  }
}
