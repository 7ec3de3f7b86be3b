import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaConfig } from "kafkajs";
import { doublingWait } from "../../../lakehouse/index.ts";
import { MillraceError } from "../../../schema/index.ts";
import { readInt32 } from "./batch-header.ts";
import { asKafkaError, isConnectionLost, isStale } from "./kafka-errors.ts";
import { type Broker, type Cluster, createCluster, type Encoder, openSocket } from "./kafkajs-internals.ts";
import { topicIdRequest } from "./topic-id.ts";

/** How to reach a Kafka cluster; `ssl` and `sasl` go to kafkajs as they are. */
export interface KafkaConnectionOptions extends Pick<KafkaConfig, "ssl" | "sasl"> {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[];
  /** Name in the brokers' logs and quotas. */
  readonly clientId: string;
}

/** Request of our own encoding; that of a flexible version begins with the tags of its head, as its answer does. */
export interface RawRequest<T> {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly body: Encoder;
  /** Where in the answer the int32 throttle time is; negative counts from the end. */
  readonly throttleAt: number;
  readonly decode: (payload: Buffer) => T;
  readonly timeoutMs: number;
}

export const COORDINATOR = { group: 0, transaction: 1 } as const;

const CONNECT_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 30_000;
/**
 * Tries of one call before its error is passed on: some 45 seconds with the waits between, since a
 * killed broker took 18 to lead its partitions again; three where the cluster was never reached, and
 * the address may be wrong.
 */
const ATTEMPTS_MAX = { start: 10, later: 60 } as const;
export const BACKOFF_MS = { min: 20, max: 1000 } as const;

/** Wait before the next try: doubles with each failure, half of it by chance. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  return doublingWait(BACKOFF_MS, failures - 1, random);
}

/**
 * Connections to the nodes of one cluster, at most one per node for fetches and one for all else.
 * After a lost connection everything is opened anew: kafkajs keeps the half of an answer that a lost
 * connection had brought, and would read the next one's bytes behind it.
 */
export class KafkaClient {
  readonly options: KafkaConnectionOptions;
  private opened: Promise<Cluster> | null = null;
  private reached = false;
  private readonly connections = new Map<Promise<Cluster>, Connections>();
  private readonly leaders = new Map<string, readonly number[]>();
  /** What is asked for now. */
  private readonly topicIds = new Map<string, Promise<string>>();
  /** Nodes, by kind and id of what they coordinate. */
  private readonly coordinators = new Map<string, number>();
  private readonly stopped = new AbortController();

  constructor(options: KafkaConnectionOptions) {
    this.options = options;
  }

  get closed(): boolean {
    return this.stopped.signal.aborted;
  }

  /**
   * Runs the calls of `body`, again where the error says that this may help: reconnects after a lost
   * connection, and asks anew who leads after an answer from the wrong node.
   *
   * @throws MillraceError of the last try
   */
  async run<T>(what: string, body: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        this.assertOpen();
        return await body();
      } catch (cause) {
        const error = asKafkaError(cause, what, this.options.brokers);
        this.noteFailure(error);
        const attemptsMax = this.reached ? ATTEMPTS_MAX.later : ATTEMPTS_MAX.start;
        if (!error.retry || tried >= attemptsMax || this.closed) throw this.closed ? closedError() : error;
        await this.sleep(backoffMs(tried));
      }
    }
  }

  /** Drops what a failed call has shown to be wrong: connections, or who leads and coordinates. */
  noteFailure(error: unknown): void {
    if (isConnectionLost(error)) this.disconnect();
    if (isStale(error)) this.forgetNodes();
  }

  onClose(callback: () => void): void {
    this.stopped.signal.addEventListener("abort", callback, { once: true });
  }

  /** Ends early when the client closes. */
  async sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopped.signal }).catch(() => undefined);
  }

  /** Node that leads each partition of a topic. */
  async leadersOf(topic: string): Promise<readonly number[]> {
    const known = this.leaders.get(topic);
    if (known !== undefined) return known;
    const broker = await (await this.cluster()).brokerPool.findConnectedBroker();
    const { topicMetadata } = await broker.metadata([topic]);
    const leaders: number[] = [];
    for (const { partitionId, leader } of topicMetadata[0].partitionMetadata) leaders[partitionId] = leader;
    this.leaders.set(topic, leaders);
    return leaders;
  }

  /** @throws MillraceError `unknown-partition` */
  async leaderOf(topic: string, partition: number): Promise<number> {
    const leaders = await this.leadersOf(topic);
    if (Number.isInteger(partition) && partition >= 0 && partition < leaders.length)
      return leaders[partition];
    throw new MillraceError(`topic ${topic} has partitions 0 to ${leaders.length - 1}, not ${partition}`, {
      code: "unknown-partition",
      origin: "user",
    });
  }

  /**
   * Id that Kafka gave the topic when it was made. It is not kept, the topic may be another by now; who asks at the
   * same time, as the readers of its partitions do, is told the same.
   */
  topicId(topic: string): Promise<string> {
    let asked = this.topicIds.get(topic);
    if (asked === undefined) {
      asked = this.cluster()
        .then(({ brokerPool }) => brokerPool.findConnectedBroker())
        .then((broker) => this.send(broker, topicIdRequest(topic)))
        .finally(() => this.topicIds.delete(topic));
      this.topicIds.set(topic, asked);
    }
    return asked;
  }

  async broker(nodeId: number): Promise<Broker> {
    return (await this.cluster()).findBroker({ nodeId });
  }

  async controller(): Promise<Broker> {
    return (await this.cluster()).findControllerBroker();
  }

  /**
   * Asked for once: a transaction of three requests would ask twice more. Asked of a broker itself, since
   * kafkajs' own search leaves out why nobody names a coordinator.
   */
  async coordinator(type: keyof typeof COORDINATOR, id: string): Promise<Broker> {
    const key = `${type}/${id}`;
    const cluster = await this.cluster();
    const known = this.coordinators.get(key);
    if (known !== undefined) return cluster.findBroker({ nodeId: known });
    const asked = await cluster.brokerPool.findConnectedBroker();
    const request = { groupId: id, coordinatorType: COORDINATOR[type] };
    const { nodeId } = (await asked.findGroupCoordinator(request)).coordinator;
    const found = await cluster.findBroker({ nodeId });
    this.coordinators.set(key, nodeId);
    return found;
  }

  async send<T>(broker: Broker, request: RawRequest<T>): Promise<T> {
    const { apiKey, apiName, apiVersion, body, throttleAt, decode, timeoutMs } = request;
    let value!: T;
    await broker.connectionPool.send<void>({
      request: { apiKey, apiName, apiVersion, encode: async () => body },
      response: {
        decode: async (payload) => {
          value = decode(payload);
          const at = throttleAt < 0 ? payload.length + throttleAt : throttleAt;
          return { clientSideThrottleTime: readInt32(payload, at) };
        },
        parse: async () => undefined,
      },
      requestTimeout: timeoutMs + REQUEST_TIMEOUT_MS,
      logResponseError: false,
    });
    return value;
  }

  /** Drops all connections; calls under way fail, the next one connects anew. */
  disconnect(): void {
    const { opened } = this;
    this.opened = null;
    this.forgetNodes();
    if (opened === null) return;
    this.connections.get(opened)?.drop();
    this.connections.delete(opened);
    opened.then((cluster) => cluster.disconnect()).catch(() => undefined);
  }

  close(): void {
    this.stopped.abort();
    this.disconnect();
  }

  private forgetNodes(): void {
    this.leaders.clear();
    this.coordinators.clear();
  }

  private cluster(): Promise<Cluster> {
    this.assertOpen();
    this.opened ??= this.connect();
    return this.opened;
  }

  private connect(): Promise<Cluster> {
    const { brokers, clientId, ssl, sasl } = this.options;
    const connections = new Connections();
    const cluster = createCluster({
      brokers,
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
      // One try for each address; what is tried again, and how long, is decided here.
      retry: { retries: brokers.length - 1, initialRetryTime: BACKOFF_MS.min, maxRetryTime: BACKOFF_MS.max },
      socketFactory: (options) => connections.add(openSocket(options)),
    });
    const opened = cluster
      .connect()
      .then(() => cluster.refreshMetadata())
      .then(() => {
        this.reached = true;
        return cluster;
      });
    this.connections.set(opened, connections);
    opened.catch(() => {
      if (this.opened === opened) this.disconnect();
    });
    return opened;
  }

  private assertOpen(): void {
    if (this.closed) throw closedError();
  }
}

/**
 * The sockets of one set of connections. kafkajs opens them anew at the next request of whoever still
 * holds a broker: behind the drop such a one would stay open, with nobody to close it, until Kafka finds
 * it idle after ten minutes, and so long no process ends.
 */
class Connections {
  private readonly sockets = new Set<Socket>();
  private dropped = false;

  add(socket: Socket): Socket {
    if (this.dropped) return socket.destroy(droppedError());
    this.sockets.add(socket);
    return socket.once("close", () => this.sockets.delete(socket));
  }

  drop(): void {
    this.dropped = true;
    for (const socket of this.sockets) socket.destroy(droppedError());
  }
}

function droppedError(): Error {
  return new Error("the connection was dropped");
}

function closedError(): MillraceError {
  return new MillraceError("the connection to Kafka is closed", { code: "log-closed", origin: "internal" });
}
