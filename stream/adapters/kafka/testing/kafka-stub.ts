import { createServer, type Socket } from "node:net";
import { createEncoder, type Encoder } from "../kafkajs-internals.ts";

/** Keys of requests. */
export const API = {
  produce: 0,
  metadata: 3,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
  syncGroup: 14,
  apiVersions: 18,
  createTopics: 19,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  endTxn: 26,
} as const;

/** The highest version of each request that answers here are written in. */
const VERSIONS: readonly (readonly [key: number, version: number])[] = [
  [API.produce, 7],
  [API.metadata, 5],
  [API.findCoordinator, 1],
  [API.joinGroup, 2],
  [API.heartbeat, 1],
  [API.syncGroup, 1],
  [API.apiVersions, 0],
  [API.createTopics, 2],
  [API.initProducerId, 1],
  [API.addPartitionsToTxn, 1],
  [API.endTxn, 1],
];

/** Answers a request, or leaves it without an answer for ever. */
export type StubAnswer = (key: number, body: Buffer) => Encoder | null;

export interface KafkaStub {
  readonly port: number;
  readonly address: string;
  /** Keys of the requests, in their order. */
  readonly requests: readonly number[];
  /** How many connections it was asked for. */
  readonly connections: () => number;
  close(): void;
}

/** A broker that says what the test wants it to; for what a healthy cluster does not do on demand. */
export function startKafkaStub(answer: (stub: KafkaStub) => StubAnswer): Promise<KafkaStub> {
  const requests: number[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket.on("error", () => undefined));
    let bytes = Buffer.alloc(0);
    socket.on("data", (data) => {
      bytes = Buffer.concat([bytes, data]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const frame = bytes.subarray(4, 4 + bytes.readInt32BE(0));
        bytes = bytes.subarray(4 + frame.length);
        const key = frame.readInt16BE(0);
        requests.push(key);
        const body = frame.subarray(10 + Math.max(0, frame.readInt16BE(8)));
        const said = key === API.apiVersions ? apiVersions() : answerOf(key, body);
        if (said !== null) socket.write(framed(frame.readInt32BE(4), said));
      }
    });
  });
  let answerOf: StubAnswer = () => null;
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      const close = (): void => {
        server.close();
        for (const socket of sockets) socket.destroy();
      };
      const stub = {
        port,
        address: `127.0.0.1:${port}`,
        requests,
        connections: () => connections,
        close,
      };
      answerOf = answer(stub);
      resolve(stub);
    }),
  );
}

/** An answer of Metadata; a partition is its leader, or the code of its error as a negative number. */
export function metadataAnswer(
  ports: Readonly<Record<number, number>>,
  topics: Readonly<Record<string, readonly number[]>>,
): Encoder {
  const nodes = Object.entries(ports);
  const said = createEncoder().writeInt32(0).writeInt32(nodes.length);
  for (const [id, port] of nodes)
    said.writeInt32(Number(id)).writeString("127.0.0.1").writeInt32(port).writeString(null);
  said.writeString("stub").writeInt32(Number(nodes[0][0])).writeInt32(Object.keys(topics).length);
  for (const [topic, partitions] of Object.entries(topics)) {
    said.writeInt16(0).writeString(topic).writeInt8(0).writeInt32(partitions.length);
    for (const [id, leader] of partitions.entries()) {
      const [code, node] = leader < 0 ? [-leader, -1] : [0, leader];
      said.writeInt16(code).writeInt32(id).writeInt32(node);
      said.writeInt32(1).writeInt32(1).writeInt32(1).writeInt32(1).writeInt32(0);
    }
  }
  return said;
}

/** Topics that a request for metadata names; null for all. */
export function topicsAsked(body: Buffer): string[] | null {
  const count = body.readInt32BE(0);
  if (count < 0) return null;
  let at = 4;
  return Array.from({ length: count }, () => {
    const from = at + 2;
    at = from + body.readInt16BE(at);
    return body.toString("utf8", from, at);
  });
}

function apiVersions(): Encoder {
  const said = createEncoder().writeInt16(0).writeInt32(VERSIONS.length);
  for (const [key, version] of VERSIONS) said.writeInt16(key).writeInt16(0).writeInt16(version);
  return said;
}

function framed(correlation: number, said: Encoder): Buffer {
  const { buffer } = said as unknown as { buffer: Buffer };
  const head = Buffer.alloc(8);
  head.writeInt32BE(buffer.length + 4, 0);
  head.writeInt32BE(correlation, 4);
  return Buffer.concat([head, buffer]);
}
