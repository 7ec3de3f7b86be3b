import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { PROBE_KINDS, type ProbeKind, type ProbeTimes, probeIndex } from "./probes.ts";
import { sharedClockMs } from "./shared-clock.ts";

export interface Subscriber {
  readonly receivedAt: ProbeTimes;
  close(): Promise<void>;
}

/** A front end's subscription to alerts, over the socket, in a process of its own. */
export async function subscribeToProbes(url: string): Promise<Subscriber> {
  const receivedAt: ProbeTimes = { "order-amount": [], fraud: [] };
  let connected!: () => void;
  const connection = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const client = createClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazy: false,
    on: { connected },
  });
  client.subscribe<{ alerts: { kind: ProbeKind; orderId: string } }>(
    {
      query: `subscription { alerts(filter: { kinds: ${JSON.stringify(PROBE_KINDS)} }) { id kind orderId title } }`,
    },
    {
      next: ({ data, errors }) => {
        const now = sharedClockMs();
        if (errors !== undefined) process.stderr.write(`subscription: ${JSON.stringify(errors)}\n`);
        if (data != null) receivedAt[data.alerts.kind][probeIndex(data.alerts.orderId)] ??= now;
      },
      error: (error) => process.stderr.write(`subscription: ${JSON.stringify(error)}\n`),
      complete: () => undefined,
    },
  );
  await connection;
  return { receivedAt, close: async () => client.dispose() };
}
