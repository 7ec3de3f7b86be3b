import { readInt16, readInt32 } from "./batch-header.ts";
import type { RawRequest } from "./kafka-client.ts";
import { createEncoder } from "./kafkajs-internals.ts";

export interface TopicMetadata {
  readonly name: string;
  readonly errorCode: number;
  /** By number of the partition. */
  readonly partitions: readonly PartitionLeader[];
}

export interface PartitionLeader {
  readonly errorCode: number;
  /** Negative where none leads. */
  readonly leader: number;
  /** How many copies there are to be. */
  readonly replicas: number;
}

export interface ClusterMetadata {
  /** `host:port` of each node. */
  readonly addresses: ReadonlyMap<number, string>;
  readonly controllerId: number;
  readonly topics: readonly TopicMetadata[];
}

const METADATA = { apiKey: 3, apiName: "Metadata", apiVersion: 5 } as const;
const ALL = -1;

/**
 * Asks for the nodes and for topics by name, or all of them; errors of topics and partitions come back
 * as what they are. kafkajs' own request takes no topics for all, and fails where one partition of
 * anybody's topic has no leader.
 */
export function metadataRequest(topics: readonly string[] | "all"): RawRequest<ClusterMetadata> {
  const names = topics === "all" ? [] : topics;
  const body = createEncoder().writeInt32(topics === "all" ? ALL : names.length);
  for (const name of names) body.writeString(name);
  // No topic is made by asking.
  body.writeInt8(0);
  return { ...METADATA, body, throttleAt: 0, decode: decodeMetadata, timeoutMs: 0 };
}

/** Throttle time, nodes, the cluster's id, its controller, then by topic: error, name, and its partitions. */
function decodeMetadata(bytes: Buffer): ClusterMetadata {
  const fields = new Fields(bytes, 4);
  const nodes = fields.array(() => {
    const id = fields.int32();
    const host = fields.text();
    const port = fields.int32();
    fields.text();
    return [id, `${host}:${port}`] as const;
  });
  fields.text();
  const controllerId = fields.int32();
  const topics = fields.array(() => {
    const errorCode = fields.int16();
    const name = fields.text();
    fields.skip(1);
    const partitions: PartitionLeader[] = [];
    fields.array(() => {
      const [errorCode, id, leader] = [fields.int16(), fields.int32(), fields.int32()];
      // Copies, those in sync, those that are away.
      const [replicas] = [fields.int32s(), fields.int32s(), fields.int32s()];
      partitions[id] = { errorCode, leader, replicas: replicas.length };
    });
    return { name, errorCode, partitions };
  });
  return { addresses: new Map(nodes), controllerId, topics };
}

/** Reads the forms of the protocol's older versions. */
class Fields {
  private at: number;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  int16(): number {
    this.at += 2;
    return readInt16(this.bytes, this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return readInt32(this.bytes, this.at - 4);
  }

  /** Empty for null. */
  text(): string {
    const length = Math.max(0, this.int16());
    this.at += length;
    return this.bytes.toString("utf8", this.at - length, this.at);
  }

  array<T>(item: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, item);
  }

  int32s(): number[] {
    return this.array(() => this.int32());
  }

  skip(bytes: number): void {
    this.at += bytes;
  }
}
