import { createRequire } from "node:module";
import type { Socket } from "node:net";
import kafkajs, { type Admin, type ITopicConfig, type KafkaConfig } from "kafkajs";
import { openFrameSocket } from "./frame-socket.ts";

/**
 * The only file that reaches into kafkajs: connections, authentication, metadata, coordinators and
 * the group protocol are its, record batches are ours (infra/decisions/0003). kafkajs is pinned to one
 * version, and the integration tests go through everything that is used here.
 */

/** kafkajs' writer of protocol fields. */
export interface Encoder {
  writeInt8(value: number): Encoder;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: number): Encoder;
  writeString(value: string | null): Encoder;
  writeUVarInt(value: number): Encoder;
  writeUVarIntString(value: string | null): Encoder;
  writeBytes(value: Buffer): Encoder;
}

export interface ProtocolCall<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    readonly encode: () => Promise<Encoder>;
  };
  readonly response: {
    /** Reads how long the broker wants to be left alone, beside the bytes. */
    readonly decode: (payload: Buffer) => Promise<{ readonly clientSideThrottleTime: number }>;
    readonly parse: (decoded: { readonly clientSideThrottleTime: number }) => Promise<T>;
  };
  readonly requestTimeout: number;
  readonly logResponseError: boolean;
}

interface TransactionOf {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface GroupMemberJoined {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

/** A node of the cluster; requests over one connection are answered one after the other. */
export interface Broker {
  readonly nodeId: number;
  readonly connectionPool: { send<T>(call: ProtocolCall<T>): Promise<T> };
  metadata(topics: readonly string[]): Promise<unknown>;
  listOffsets(request: {
    readonly replicaId: number;
    readonly isolationLevel: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[];
    }[];
  }): Promise<{
    readonly responses: readonly { readonly partitions: readonly { readonly offset: string }[] }[];
  }>;
  initProducerId(request: {
    readonly transactionalId?: string;
    readonly transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  addPartitionsToTxn(
    request: TransactionOf & {
      readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
    },
  ): Promise<unknown>;
  endTxn(request: TransactionOf & { readonly transactionResult: boolean }): Promise<unknown>;
  offsetCommit(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[];
  }): Promise<unknown>;
  offsetFetch(request: {
    readonly groupId: string;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number }[];
    }[];
  }): Promise<{
    readonly responses: readonly { readonly partitions: readonly { readonly offset: string }[] }[];
  }>;
  joinGroup(request: {
    readonly groupId: string;
    readonly sessionTimeout: number;
    readonly rebalanceTimeout: number;
    readonly memberId: string;
    readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
  }): Promise<GroupMemberJoined>;
  syncGroup(request: {
    readonly groupId: string;
    readonly generationId: number;
    readonly memberId: string;
    readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[];
  }): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
  }): Promise<unknown>;
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
  describeGroups(request: { readonly groupIds: readonly string[] }): Promise<{
    readonly groups: readonly { readonly members: readonly { readonly memberAssignment: Buffer }[] }[];
  }>;
  createTopics(request: { readonly topics: readonly ITopicConfig[] }): Promise<unknown>;
  describeConfigs: Admin["describeConfigs"];
  alterConfigs: Admin["alterConfigs"];
  findGroupCoordinator(of: { readonly groupId: string; readonly coordinatorType: number }): Promise<{
    readonly coordinator: { readonly nodeId: number };
  }>;
}

export interface Cluster {
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> };
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

export interface ClusterOptions extends Pick<KafkaConfig, "ssl" | "sasl" | "clientId" | "retry"> {
  readonly brokers: readonly string[];
  readonly connectionTimeout: number;
  readonly authenticationTimeout: number;
  readonly reauthenticationThreshold: number;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
  readonly metadataMaxAge: number;
  readonly allowAutoTopicCreation: boolean;
  readonly socketFactory: (options: {
    readonly host: string;
    readonly port: number;
    readonly ssl: object | null;
    readonly onConnect: () => void;
  }) => Socket;
}

const load = createRequire(import.meta.url);
const ClusterClass = load("kafkajs/src/cluster/index.js") as new (options: object) => Cluster;
const EncoderClass = load("kafkajs/src/protocol/encoder.js") as new (bytes?: number) => Encoder;
const { createLogger } = load("kafkajs/src/loggers/index.js") as {
  createLogger(options: { level: number; logCreator: () => () => void }): object;
};
const { createErrorFromCode } = load("kafkajs/src/protocol/error.js") as {
  createErrorFromCode(code: number): Error;
};
const createSocketFactory = load(
  "kafkajs/src/network/socketFactory.js",
) as () => ClusterOptions["socketFactory"];
const openTlsSocket = createSocketFactory();
const KEEP_ALIVE_MS = 60_000;

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

// kafkajs sets a timer with a negative time after every answer, to look at a queue that is empty, and again whenever it
// has looked: a connection that nothing goes over takes 4 to 5 % of a core (0.15 without), and Node warns of it (https://github.com/tulios/kafkajs/issues/1751; no setting
// avoids it). Requests wait in the queue only where a broker throttles.
const { prototype } = load("kafkajs/src/network/requestQueue/index.js") as { prototype: RequestQueue };
const { scheduleCheckPendingRequests } = prototype;
prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
};

interface Connection {
  bytesBuffered: number;
  chunks: Buffer[];
  processData(data: Buffer): void;
}

// What is left behind an answer is an empty buffer, to which kafkajs joins the next: a copy of each answer.
const connection = (load("kafkajs/src/network/connection.js") as { prototype: Connection }).prototype;
const { processData } = connection;
connection.processData = function (this: Connection, data: Buffer): void {
  if (this.bytesBuffered === 0) this.chunks = [];
  processData.call(this, data);
};

/** What kafkajs logs is left out: its errors come back to the caller, who knows what they concern. */
const SILENT = createLogger({ level: 0, logCreator: () => () => undefined });

export function createCluster(options: ClusterOptions): Cluster {
  return new ClusterClass({ ...options, logger: SILENT });
}

/** kafkajs' admin client; from here, so that its connections have the two methods above, too. */
export function createAdmin(options: KafkaConfig): Admin {
  return new kafkajs.Kafka({ ...options, logLevel: kafkajs.logLevel.NOTHING }).admin();
}

export function createEncoder(sizeHint = 511): Encoder {
  return new EncoderClass(sizeHint);
}

/** The error of a code in a broker's answer, named as in the protocol's list. */
export function protocolError(code: number): Error {
  return createErrorFromCode(code);
}

/** Opens a TCP or TLS connection; requests leave at once, without Nagle's wait. */
export function openSocket(options: Parameters<ClusterOptions["socketFactory"]>[0]): Socket {
  const { host, port, ssl, onConnect } = options;
  if (ssl !== null) return openTlsSocket(options).setNoDelay(true);
  return openFrameSocket(host, port)
    .once("connect", onConnect)
    .setKeepAlive(true, KEEP_ALIVE_MS)
    .setNoDelay(true);
}
