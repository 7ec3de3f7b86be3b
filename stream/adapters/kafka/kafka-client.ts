import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaConfig } from "kafkajs";
import { doublingWait } from "../../../lakehouse/index.ts";
import { MillraceError } from "../../../schema/index.ts";
import { readInt32 } from "./batch-header.ts";
import { asKafkaError, isConnectionLost, isStale } from "./kafka-errors.ts";
import { type Broker, type Encoder, protocolError } from "./kafkajs-internals.ts";
import { type ClusterMetadata, metadataRequest, type PartitionLeader } from "./metadata-request.ts";
import { NodeLink, REQUEST_TIMEOUT_MS } from "./node-link.ts";
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

/** Codes of the protocol. */
const LEADER_NOT_AVAILABLE = 5;
const BROKER_NOT_AVAILABLE = 8;
const NOT_CONTROLLER = 41;
/**
 * Tries of one call before its error is passed on: some 45 seconds with the waits between, since a
 * killed broker took 18 to lead its partitions again; three where the cluster was never reached, and
 * the address may be wrong.
 */
const ATTEMPTS_MAX = { start: 10, later: 60 } as const;
/** Longest that one call is tried again: each try takes the request time-out where a broker hangs. */
const CALL_MS_MAX = 60_000;
export const BACKOFF_MS = { min: 20, max: 1000 } as const;

/** Wait before the next try: doubles with each failure, half of it by chance. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  return doublingWait(BACKOFF_MS, failures - 1, random);
}

/**
 * Connections to the nodes of one cluster, at most one per node for fetches and one for all else.
 * After a lost connection everything is opened anew: kafkajs keeps the half of an answer that a lost
 * connection had brought, and would read the next one's bytes behind it. A node that cannot be reached
 * in the first place costs nothing but itself.
 */
export class KafkaClient {
  readonly options: KafkaConnectionOptions;
  private readonly links = new Map<string, NodeLink>();
  private reached = false;
  /** Nodes and controller, until somebody is not where they say. */
  private nodes: Promise<ClusterMetadata> | null = null;
  private readonly leaders = new Map<string, readonly PartitionLeader[]>();
  /** What is asked for now. */
  private readonly topicIds = new Map<string, Promise<string>>();
  /** Nodes, by kind and id of what they coordinate. */
  private readonly coordinators = new Map<string, number>();
  /** Failures that have cost what they had to: the node and its partitions' leaders. */
  private readonly settled = new WeakSet<object>();
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
    const began = performance.now();
    for (let tried = 1; ; tried++) {
      try {
        this.assertOpen();
        return await body();
      } catch (cause) {
        const error = asKafkaError(cause, what, this.options.brokers);
        this.noteFailure(error);
        const attemptsMax = this.reached ? ATTEMPTS_MAX.later : ATTEMPTS_MAX.start;
        const isLast = tried >= attemptsMax || performance.now() - began >= CALL_MS_MAX;
        if (!error.retry || isLast || this.closed) throw this.closed ? closedError() : error;
        await this.sleep(backoffMs(tried));
      }
    }
  }

  /** Drops what a failed call has shown to be wrong: connections, or who leads and coordinates. */
  noteFailure(error: unknown): void {
    if (error instanceof Error && error.cause instanceof Error && this.settled.has(error.cause)) return;
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

  /**
   * The cluster's nodes, and the topics asked for; what is wrong with a topic or a partition is said in its place,
   * since it concerns nobody else.
   */
  async metadata(topics: readonly string[] | "all"): Promise<ClusterMetadata> {
    return this.send(await this.anyBroker(), metadataRequest(topics));
  }

  /**
   * Node that leads the partition.
   *
   * @throws MillraceError `unknown-partition`
   */
  async leaderOf(topic: string, partition: number): Promise<number> {
    const leaders = await this.leadersOf(topic);
    if (!Number.isInteger(partition) || partition < 0 || partition >= leaders.length)
      throw new MillraceError(`topic ${topic} has partitions 0 to ${leaders.length - 1}, not ${partition}`, {
        code: "unknown-partition",
        origin: "user",
      });
    const { leader, errorCode } = leaders[partition];
    if (leader >= 0) return leader;
    throw protocolError(errorCode === 0 ? LEADER_NOT_AVAILABLE : errorCode);
  }

  /**
   * Id that Kafka gave the topic when it was made. It is not kept, the topic may be another by now; who asks at the
   * same time, as the readers of its partitions do, is told the same.
   */
  topicId(topic: string): Promise<string> {
    let asked = this.topicIds.get(topic);
    if (asked === undefined) {
      asked = this.anyBroker()
        .then((broker) => this.send(broker, topicIdRequest(topic)))
        .finally(() => this.topicIds.delete(topic));
      this.topicIds.set(topic, asked);
    }
    return asked;
  }

  async broker(nodeId: number): Promise<Broker> {
    const address = (await this.clusterNodes()).addresses.get(nodeId);
    if (address === undefined) throw protocolError(BROKER_NOT_AVAILABLE);
    try {
      return await this.brokerAt(address);
    } catch (cause) {
      this.forgetNode(nodeId);
      if (cause instanceof Error) this.settled.add(cause);
      throw cause;
    }
  }

  async controller(): Promise<Broker> {
    const { controllerId } = await this.clusterNodes();
    if (controllerId < 0) throw protocolError(NOT_CONTROLLER);
    return this.broker(controllerId);
  }

  /**
   * Asked for once: a transaction of three requests would ask twice more. Asked of a broker itself, since
   * kafkajs' own search leaves out why nobody names a coordinator.
   */
  async coordinator(type: keyof typeof COORDINATOR, id: string): Promise<Broker> {
    const key = `${type}/${id}`;
    const known = this.coordinators.get(key);
    if (known !== undefined) return this.broker(known);
    const asked = await this.anyBroker();
    const request = { groupId: id, coordinatorType: COORDINATOR[type] };
    const { nodeId } = (await asked.findGroupCoordinator(request)).coordinator;
    const found = await this.broker(nodeId);
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
    this.forgetNodes();
    for (const link of this.links.values()) link.drop();
    this.links.clear();
  }

  close(): void {
    this.stopped.abort();
    this.disconnect();
  }

  private forgetNodes(): void {
    this.nodes = null;
    this.leaders.clear();
    this.coordinators.clear();
  }

  /** Its partitions may have other leaders by now, itself another address; who is connected to the others stays so. */
  private forgetNode(nodeId: number): void {
    this.nodes = null;
    for (const [topic, leaders] of this.leaders)
      if (leaders.some(({ leader }) => leader === nodeId)) this.leaders.delete(topic);
    for (const [key, id] of this.coordinators) if (id === nodeId) this.coordinators.delete(key);
  }

  private async leadersOf(topic: string): Promise<readonly PartitionLeader[]> {
    const known = this.leaders.get(topic);
    if (known !== undefined) return known;
    const { errorCode, partitions } = (await this.metadata([topic])).topics[0];
    if (errorCode !== 0) throw protocolError(errorCode);
    this.leaders.set(topic, partitions);
    return partitions;
  }

  private clusterNodes(): Promise<ClusterMetadata> {
    if (this.nodes !== null) return this.nodes;
    const asked = this.metadata([]);
    this.nodes = asked;
    asked.catch(() => {
      if (this.nodes === asked) this.nodes = null;
    });
    return asked;
  }

  /** A node that is connected, else the first of the configured ones that can be. */
  private async anyBroker(): Promise<Broker> {
    for (const [address, link] of this.links) if (link.isOpen) return this.brokerAt(address);
    const { brokers } = this.options;
    const first = Math.floor(Math.random() * brokers.length);
    for (let tried = 1; ; tried++) {
      try {
        return await this.brokerAt(brokers[(first + tried) % brokers.length]);
      } catch (cause) {
        const isUnreachable = isConnectionLost(asKafkaError(cause, "connecting", brokers));
        if (tried >= brokers.length || !isUnreachable) throw cause;
      }
    }
  }

  private async brokerAt(address: string): Promise<Broker> {
    this.assertOpen();
    const link = this.links.get(address) ?? new NodeLink(address, this.options);
    this.links.set(address, link);
    try {
      const broker = await link.broker();
      this.reached = true;
      return broker;
    } catch (error) {
      link.drop();
      if (this.links.get(address) === link) this.links.delete(address);
      throw error;
    }
  }

  private assertOpen(): void {
    if (this.closed) throw closedError();
  }
}

function closedError(): MillraceError {
  return new MillraceError("the connection to Kafka is closed", { code: "log-closed", origin: "internal" });
}
