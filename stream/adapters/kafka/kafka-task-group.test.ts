import { AssignerProtocol } from "kafkajs";
import { expect, it } from "vitest";
import { KafkaTaskGroup } from "./kafka-task-group.ts";
import { createEncoder } from "./kafkajs-internals.ts";
import { API, metadataAnswer, startKafkaStub } from "./testing/kafka-stub.ts";

const SESSION_MS = 500;
const BEATS = 3;

it("gives its partitions up when the session ends, where a heartbeat gets no answer", async () => {
  let beats = 0;
  let heardAt = 0;
  const memberAssignment = AssignerProtocol.MemberAssignment.encode({
    version: 0,
    assignment: { orders: [0, 1] },
    userData: Buffer.alloc(0),
  });
  const stub = await startKafkaStub(({ port }) => (key) => {
    const said = createEncoder().writeInt32(0);
    if (key === API.metadata) return metadataAnswer({ 1: port }, {});
    if (beats > BEATS) return null;
    if (key === API.findCoordinator) {
      said.writeInt16(0).writeString(null).writeInt32(1);
      return said.writeString("127.0.0.1").writeInt32(port);
    }
    if (key === API.joinGroup) {
      said.writeInt16(0).writeInt32(1).writeString("millrace-sticky");
      return said.writeString("another").writeString("this").writeInt32(0);
    }
    if (key === API.syncGroup) return said.writeInt16(0).writeBytes(memberAssignment);
    if (key !== API.heartbeat || ++beats > BEATS) return null;
    heardAt = performance.now();
    return said.writeInt16(0);
  });
  const connection = { brokers: [stub.address], clientId: "test" };
  const group = new KafkaTaskGroup({ connection, sessionTimeoutMs: SESSION_MS, heartbeatMs: 50 });
  const membership = group.join({ group: "workers", topic: "orders", partitions: 2 });
  const seen: (readonly number[])[] = [];
  for await (const { partitions } of membership.assignments) {
    seen.push(partitions);
    if (partitions.length === 0) break;
  }
  expect(seen).toEqual([[0, 1], []]);
  const silentMs = performance.now() - heardAt;
  expect(silentMs).toBeGreaterThan(SESSION_MS * 0.9);
  expect(silentMs).toBeLessThan(SESSION_MS * 3);
  stub.close();
  await membership.leave();
});
