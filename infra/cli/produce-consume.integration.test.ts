import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testServer, uniqueName } from "../servers/test-servers.ts";
import { type CliRun, runCli } from "./testing/run-cli.ts";

let folder: string;
let environment: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-topics-"));
  const [kafka, registry, redis] = await Promise.all([
    testServer("kafka"),
    testServer("registry"),
    testServer("redis"),
  ]);
  environment = {
    MILLRACE_MODE: "distributed",
    MILLRACE_KAFKA_BROKERS: kafka.bootstrap,
    MILLRACE_KAFKA_REPLICATION: "1",
    MILLRACE_KAFKA_TOPIC_PREFIX: `${uniqueName("cli")}.`,
    MILLRACE_SCHEMA_REGISTRY_URL: registry.url,
    MILLRACE_REDIS_URL: redis.url,
    // Not asked by these commands.
    MILLRACE_S3_BUCKET: "none",
    MILLRACE_CATALOG_URI: "http://127.0.0.1:9",
    MILLRACE_TRINO_URL: "http://127.0.0.1:9",
  };
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const millrace = (args: readonly string[], input = ""): Promise<CliRun> =>
  runCli(args, { folder, environment, input });
const json = async (...args: string[]) => JSON.parse((await millrace([...args, "--json"])).out);

const events = Array.from({ length: 50 }, (_, n) => ({
  eventId: `e${n}`,
  productId: `p${n % 5}`,
  updateTime: 1_700_000_000_000 + n,
  warehouseId: "w1",
  kind: "delta",
  quantity: n,
}));
const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("");

test("topics and schemas are missing until applied and registered, and produce says so", async () => {
  expect((await millrace(["topics", "check"])).code).toBe(1);
  const early = await millrace(["produce", "inventory-updates", "--format", "avro"], lines);
  expect(early.code).toBe(1);
  expect(early.err).toContain("run millrace schemas register");
  expect((await millrace(["schemas", "check"])).code).toBe(1);
  expect((await millrace(["schemas", "register"])).code).toBe(0);
  expect((await millrace(["schemas", "check"])).code).toBe(0);
  const absent = await millrace(["produce", "inventory-updates"], lines);
  expect(absent.code).toBe(1);
  expect(absent.err).toContain("there is no topic inventory-updates");
  expect((await millrace(["topics", "apply"])).code).toBe(0);
  expect(await json("topics", "check")).toEqual({ differences: [] });
});

test("what is produced on Kafka, as JSON and as Avro with the registry's id, is consumed as it was", async () => {
  const { contracts } = await json("schemas", "check");
  const { id } = contracts.find(({ contract }: { contract: string }) => contract === "inventory-update");
  for (const format of ["json", "avro"])
    expect((await millrace(["produce", "inventory-updates", "--format", format], lines)).code).toBe(0);
  const { code, out } = await millrace(["consume", "inventory-updates", "--json"]);
  expect(code).toBe(0);
  const records = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const [format, schemaId] of [
    ["json", null],
    ["avro", id],
  ]) {
    const some = records.filter((record) => record.format === format);
    expect(some.map(({ value }) => value).toSorted((a, b) => a.quantity - b.quantity)).toEqual(events);
    expect(new Set(some.map((record) => record.schemaId))).toEqual(new Set([schemaId]));
  }
});

test("a record whose schema id the registry does not know is shown with the id, and its bytes are kept", async () => {
  const value = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2]);
  const kafka = new Kafka({ brokers: [environment.MILLRACE_KAFKA_BROKERS], logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  const topic = `${environment.MILLRACE_KAFKA_TOPIC_PREFIX}orders`;
  await producer.send({ topic, messages: [{ partition: 0, value }] });
  await producer.disconnect();
  const { out } = await millrace(["consume", "orders", "--json"]);
  expect(JSON.parse(out)).toMatchObject({
    schemaId: 0x7fffffff,
    refused: { reason: "unknown-schema", detail: "schema id 2147483647 is not known" },
    bytes: value.toString("base64"),
  });
});
