import { readInt16 } from "./batch-header.ts";
import type { RawRequest } from "./kafka-client.ts";
import { createEncoder, protocolError } from "./kafkajs-internals.ts";

/** The first version whose answer has topics' ids: Kafka 2.8. kafkajs knows none that has. */
const METADATA = { apiKey: 3, apiName: "Metadata", apiVersion: 10 } as const;
const UUID_BYTES = 16;
const NO_TAGS = 0;
/** The answer's throttle time stands behind the tags of its head. */
const THROTTLE_AT = 1;
const REQUEST_MS = 0;

/**
 * Asks for the id that Kafka gave a topic when it was made: one that is deleted and made again under its
 * name has another. A flexible version: its head ends with tags, in the request and in the answer.
 */
export function topicIdRequest(topic: string): RawRequest<string> {
  const body = createEncoder(64 + topic.length).writeInt8(NO_TAGS);
  body.writeUVarInt(2).writeInt64(0).writeInt64(0).writeUVarIntString(topic).writeInt8(NO_TAGS);
  // No topic is made by asking; nobody asks who may do what with the cluster and the topic.
  body.writeInt8(0).writeInt8(0).writeInt8(0).writeInt8(NO_TAGS);
  return { ...METADATA, body, throttleAt: THROTTLE_AT, decode: decodeTopicId, timeoutMs: REQUEST_MS };
}

/** Throttle time, brokers, the cluster's id, its controller, then the topic: error, name, id. */
function decodeTopicId(bytes: Buffer): string {
  const fields = new FlexibleFields(bytes, THROTTLE_AT + 4);
  for (let brokers = fields.length(); brokers > 0; brokers--) {
    fields.skip(4);
    fields.skip(fields.length());
    fields.skip(4);
    fields.skip(fields.length());
    fields.skipTags();
  }
  fields.skip(fields.length());
  fields.skip(4);
  fields.length();
  const errorCode = readInt16(bytes, fields.at);
  if (errorCode !== 0) throw protocolError(errorCode);
  fields.skip(2);
  fields.skip(fields.length());
  return bytes.toString("hex", fields.at, fields.at + UUID_BYTES);
}

/** Reads the compact forms of the protocol's flexible versions. */
class FlexibleFields {
  at: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Of an array or a text; 0 for null. */
  length(): number {
    return Math.max(0, this.varint() - 1);
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  skipTags(): void {
    for (let tags = this.varint(); tags > 0; tags--) {
      this.varint();
      this.skip(this.varint());
    }
  }

  private varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}
