import { afterEach, beforeEach, expect, it } from "vitest";
import { batchOf } from "../../ports/event-log.contract.ts";
import { planAppend } from "./append-parts.ts";
import { KafkaClient } from "./kafka-client.ts";
import { createEncoder } from "./kafkajs-internals.ts";
import { API, type KafkaStub, metadataAnswer, startKafkaStub } from "./testing/kafka-stub.ts";
import { TransactionalProducer } from "./transactional-producer.ts";

const INVALID_PRODUCER_ID_MAPPING = 49;

let forgotten = false;
let stub: KafkaStub;
let client: KafkaClient;
beforeEach(async () => {
  forgotten = false;
  stub = await startKafkaStub(({ port }) => (key) => {
    const said = createEncoder();
    const code = forgotten ? INVALID_PRODUCER_ID_MAPPING : 0;
    if (key === API.metadata) return metadataAnswer({ 1: port }, { orders: [1] });
    if (key === API.findCoordinator) {
      said.writeInt32(0).writeInt16(0).writeString(null).writeInt32(1);
      return said.writeString("127.0.0.1").writeInt32(port);
    }
    if (key === API.initProducerId) {
      forgotten = false;
      return said.writeInt32(0).writeInt16(0).writeInt64(7).writeInt16(0);
    }
    if (key === API.addPartitionsToTxn) {
      said.writeInt32(0).writeInt32(1).writeString("orders");
      return said.writeInt32(1).writeInt32(0).writeInt16(code);
    }
    if (key === API.endTxn) return said.writeInt32(0).writeInt16(code);
    if (key !== API.produce) return null;
    said.writeInt32(1).writeString("orders").writeInt32(1).writeInt32(0).writeInt16(0);
    return said.writeInt64(5).writeInt64(-1).writeInt64(0).writeInt32(0);
  });
  client = new KafkaClient({ brokers: [stub.address], clientId: "test" });
});
afterEach(() => {
  client.close();
  stub.close();
});

function producer(isShared: boolean): TransactionalProducer {
  return new TransactionalProducer("id", client, { codec: "none", clock: Date.now }, isShared);
}

const { parts } = planAppend([batchOf("orders", 0, ["a"])]);

it("appends under a new session where the coordinator has forgotten its id", async () => {
  const own = producer(false);
  expect(await own.append(parts)).toEqual([5]);
  forgotten = true;
  expect(await own.append(parts)).toEqual([5]);
  expect(stub.requests.filter((key) => key === API.produce)).toHaveLength(2);
});

it("leaves an id that another process may have by now to who reads its mark", async () => {
  const shared = producer(true);
  await shared.append(parts);
  forgotten = true;
  await expect(shared.append(parts)).rejects.toMatchObject({ kind: "INVALID_PRODUCER_ID_MAPPING" });
  expect(stub.requests.filter((key) => key === API.produce)).toHaveLength(1);
});
