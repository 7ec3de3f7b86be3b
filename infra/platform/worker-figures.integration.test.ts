import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { customerEventContract, encodeJson } from "../../schema/index.ts";
import type { Config } from "../config/index.ts";
import { WorkMetrics } from "../monitoring/work-metrics.ts";
import { distributedConfig } from "../scenarios/testing/distributed-config.ts";
import { CollectedLog } from "../scenarios/testing/scenario-home.ts";
import { type OwnCatalog, startOwnCatalog } from "../servers/own-catalog.ts";
import { testServer, uniqueName } from "../servers/test-servers.ts";
import { GroupWorker } from "./group-worker.ts";
import { Platform } from "./platform.ts";

const SHARED = ["kafka", "minio", "redis"] as const;
const POLL = { timeout: 60_000, interval: 250 };
const TOPIC = "customer-events";

const metrics = new WorkMetrics();
let config: Config;
let catalog: OwnCatalog;
let platform: Platform;
let worker: GroupWorker;
let running: Promise<void>;
beforeAll(async () => {
  catalog = await startOwnCatalog(SHARED);
  config = distributedConfig("unused", uniqueName("aborted"), catalog.connections, {
    trinoUrl: "http://127.0.0.1:1",
    partitions: 1,
    workers: 0,
    warmSpare: false,
    checkpointIntervalMs: 500,
  });
  platform = await Platform.open(config, new CollectedLog());
  worker = await GroupWorker.open(config, new CollectedLog(), metrics);
  running = worker.run(() => undefined);
});
afterAll(async () => {
  await worker.stop();
  await running;
  await platform.close();
  await catalog.remove();
});

/** Of the task's input, as the API and the metrics tell it. */
async function input() {
  await platform.refreshTasks();
  const [task] = platform.tasks();
  return task.inputs.find(({ topic }) => topic === TOPIC);
}

it("an idle platform has no lag behind a transaction that was aborted, as where a broker or a producer dies", async () => {
  const event = { eventId: "e", eventType: "page_view", eventTime: Date.now(), userId: "u" };
  const bytes = encodeJson(customerEventContract, event as never);
  const [starts, ends] = [Int32Array.of(0), Int32Array.of(bytes.length)];
  await platform.log.append([{ topic: TOPIC, partition: 0, count: 1, bytes, starts, ends }]);
  await expect.poll(async () => (await input())?.position, POLL).toBe(1);

  const { bootstrap } = await testServer("kafka");
  const kafka = new kafkajs.Kafka({ brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({
    transactionalId: uniqueName("dead"),
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({
    topic: `${config.kafkaTopicPrefix}${TOPIC}`,
    messages: [{ partition: 0, value: "never" }],
  });
  await transaction.abort();
  await producer.disconnect();

  // The record that nobody may read, and the end of its transaction.
  await expect.poll(async () => (await input())?.endOffset, POLL).toBe(3);
  await expect.poll(async () => (await input())?.lag, POLL).toBe(0);
});

it("the worker's own metrics tell what it has done, and that it does all that it was given", async () => {
  const text = () => metrics.registry.metrics();
  await expect.poll(text, POLL).toMatch(/^millrace_records_total\{topic="customer-events"\} 1$/m);
  await expect.poll(text, POLL).toMatch(/^millrace_checkpoint_duration_seconds_count [1-9]\d*$/m);
  await expect.poll(text, POLL).toMatch(/^millrace_hot_values_total [1-9]\d*$/m);
  expect(worker.taskIds).toHaveLength(2);
  expect(worker.waitingFor()).toEqual([]);
});
