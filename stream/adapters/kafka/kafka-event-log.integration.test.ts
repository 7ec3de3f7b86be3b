import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { eventLogContract } from "../../ports/event-log.contract.ts";
import { KafkaEventLog } from "./kafka-event-log.ts";

async function open() {
  const { bootstrap } = await testServer("kafka");
  const prefix = `${uniqueName("log")}-`;
  const openLog = () =>
    new KafkaEventLog({
      connection: { brokers: [bootstrap], clientId: "test" },
      clock: Date.now,
      producersTopic: `${prefix}producers`,
    });
  const harness = {
    log: openLog(),
    prefix,
    offsetsAreDense: false,
    sequencesAreUnique: false,
    async reopen(): Promise<KafkaEventLog> {
      await harness.log.close();
      harness.log = openLog();
      return harness.log;
    },
    dispose: () => harness.log.close(),
  };
  return harness;
}

eventLogContract("Kafka", open);
