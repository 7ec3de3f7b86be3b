import type { Socket } from "node:net";
import { BACKOFF_MS, type KafkaConnectionOptions } from "./kafka-client.ts";
import { type Broker, type Cluster, createCluster, openSocket } from "./kafkajs-internals.ts";

const CONNECT_TIMEOUT_MS = 5000;
export const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Connections to one address: to kafkajs it is a cluster by itself, so that a node which cannot be reached
 * costs the others nothing. kafkajs opens sockets anew at the next request of whoever still holds a broker:
 * behind the drop such a one would stay open, with nobody to close it, until Kafka finds it idle after ten
 * minutes, and so long no process ends.
 */
export class NodeLink {
  private readonly cluster: Cluster;
  private readonly sockets = new Set<Socket>();
  private wasReached = false;
  private dropped = false;

  constructor(address: string, { clientId, ssl, sasl }: KafkaConnectionOptions) {
    // kafkajs takes the address apart at its first colon, and IPv6 ones have more.
    const colon = address.lastIndexOf(":");
    const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
    const port = Number(address.slice(colon + 1));
    this.cluster = createCluster({
      brokers: [address],
      clientId,
      ...(ssl === undefined ? {} : { ssl }),
      ...(sasl === undefined ? {} : { sasl }),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      authenticationTimeout: CONNECT_TIMEOUT_MS,
      reauthenticationThreshold: 10_000,
      requestTimeout: REQUEST_TIMEOUT_MS,
      enforceRequestTimeout: true,
      metadataMaxAge: 300_000,
      allowAutoTopicCreation: false,
      // One try; what is tried again, and how long, is decided by the client.
      retry: { retries: 0, initialRetryTime: BACKOFF_MS.min, maxRetryTime: BACKOFF_MS.max },
      socketFactory: (options) => this.add(openSocket({ ...options, host, port })),
    });
  }

  get isOpen(): boolean {
    return this.wasReached && this.sockets.size > 0;
  }

  /** Connects where that is needed: a node closes what was idle for long. */
  async broker(): Promise<Broker> {
    await this.cluster.connect();
    this.wasReached = true;
    return this.cluster.brokerPool.findConnectedBroker();
  }

  /** Calls under way fail. */
  drop(): void {
    this.dropped = true;
    for (const socket of this.sockets) socket.destroy(droppedError());
    this.cluster.disconnect().catch(() => undefined);
  }

  private add(socket: Socket): Socket {
    if (this.dropped) return socket.destroy(droppedError());
    this.sockets.add(socket);
    return socket.once("close", () => this.sockets.delete(socket));
  }
}

function droppedError(): Error {
  return new Error("the connection was dropped");
}
