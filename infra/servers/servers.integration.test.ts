import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serversCache } from "./installer.ts";
import { type PrivateServer, removeAbandonedServers, startPrivateServer } from "./private-server.ts";
import { testServer } from "./test-servers.ts";

const run = promisify(execFile);
const here = (file: string) => JSON.stringify(join(import.meta.dirname, file));

/** What a child process prints that runs this module text. */
async function inChild(text: string, environment: Record<string, string> = {}): Promise<string> {
  const args = ["--input-type=module", "-e", text];
  return (await run(process.execPath, args, { env: { ...process.env, ...environment } })).stdout;
}

describe("a private server is killed and started again on its port:", { timeout: 300_000 }, () => {
  test("Kafka keeps its topics", async () => {
    await withPrivate(await startPrivateServer("kafka"), async ({ endpoint, kill, restart }) => {
      const client = new Kafka({ brokers: [endpoint.bootstrap], logLevel: logLevel.NOTHING });
      const admin = client.admin();
      await admin.createTopics({ topics: [{ topic: "kept", numPartitions: 3 }], waitForLeaders: true });
      await kill();
      await restart();
      expect(await admin.listTopics()).toContain("kept");
      await admin.disconnect();
    });
  });

  test("the catalog keeps its namespaces, and its tables lie in the bucket", async () => {
    const endpoints = { minio: await testServer("minio") };
    await withPrivate(await startPrivateServer("catalog", { endpoints }), async (server) => {
      const { uri, warehouse } = server.endpoint;
      expect(await post(`${uri}/v1/namespaces`, { namespace: ["kept"] })).toMatchObject({
        namespace: ["kept"],
      });
      await server.kill();
      await server.restart();
      const schema = { type: "struct", fields: [{ id: 1, name: "a", type: "long", required: false }] };
      const created = await post(`${uri}/v1/namespaces/kept/tables`, { name: "t", schema });
      expect(created["metadata-location"]).toMatch(new RegExp(`^${warehouse}/`));
    });
  });

  test("the schema registry keeps schemas and their ids", async () => {
    await withPrivate(await startPrivateServer("registry"), async ({ endpoint: { url }, kill, restart }) => {
      const { id } = await post(`${url}/subjects/kept-value/versions`, { schema: '"string"' });
      await kill();
      await restart();
      const found = await (await fetch(`${url}/schemas/ids/${id}`)).json();
      expect(found).toMatchObject({ schema: '"string"' });
    });
  });

  test("Redis has forgotten everything", async () => {
    await withPrivate(await startPrivateServer("redis"), async ({ endpoint: { url }, kill, restart }) => {
      const client = connectRedis(url);
      await client.set("gone", "1");
      await kill();
      await restart();
      expect(await client.get("gone")).toBeNull();
      client.disconnect();
    });
  });
});

describe("a private server", () => {
  let server: PrivateServer<"redis">;
  let client: Redis;
  beforeAll(async () => {
    server = await startPrivateServer("redis");
    client = connectRedis(server.endpoint.url);
  });
  afterAll(async () => {
    client.disconnect();
    await server.remove();
  });

  test("answers nobody while it is paused, and everybody afterwards", async () => {
    await client.set("a", "1");
    server.pause();
    let answered = false;
    const answer = client.get("a").finally(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(answered).toBe(false);
    server.resume();
    expect(await answer).toBe("1");
  });

  test("can be stopped while it is paused", async () => {
    server.pause();
    await server.stop();
    await server.restart();
    expect(await client.get("a")).toBeNull();
  });

  test("whose process ended without removing it is removed, with its data, and others are not", async () => {
    const url = await inChild(`
      import { startPrivateServer } from ${here("private-server.ts")};
      console.log((await startPrivateServer("redis")).endpoint.url);`);
    const abandoned = new Redis(url.trim(), { lazyConnect: true, retryStrategy: () => null });
    await abandoned.connect();
    const closed = new Promise((resolve) => abandoned.once("end", resolve));
    await removeAbandonedServers();
    await closed;
    expect(await client.ping()).toBe("PONG");
    const left = readdirSync(join(serversCache(), "private"));
    expect(left.some((name) => name.startsWith("redis-") && name.includes(`-${process.pid}-`))).toBe(true);
  });
});

test("a private server without those that it needs is refused, and leaves nothing", async () => {
  await expect(startPrivateServer("catalog")).rejects.toThrow("a private server needs minio");
  const left = readdirSync(join(serversCache(), "private"));
  expect(left.filter((name) => name.startsWith("catalog-") && name.includes(`-${process.pid}-`))).toEqual([]);
});

test("processes that ask at the same time get the same server", async () => {
  const cache = mkdtempSync(join(tmpdir(), "millrace-servers-"));
  const environment = { MILLRACE_CACHE: cache, MILLRACE_TEST_PORTS: "29000" };
  const ask = `
    import { testServer, testServers } from ${here("test-servers.ts")};
    await testServer("redis");
    console.log((await testServers.status(["redis"]))[0].pid);`;
  const processes = await Promise.all([1, 2, 3].map(() => inChild(ask, environment)));
  expect(new Set(processes).size).toBe(1);
  expect(Number(processes[0])).toBeGreaterThan(0);
  const stop = `import { testServers } from ${here("test-servers.ts")}; await testServers.stop(["redis"]);`;
  await inChild(stop, environment);
  rmSync(cache, { recursive: true });
});

async function withPrivate<S extends { remove(): Promise<void> }>(
  server: S,
  use: (server: S) => Promise<void>,
): Promise<void> {
  try {
    await use(server);
  } finally {
    await server.remove();
  }
}

/** It connects again by itself; that it has to is what the tests are about. */
function connectRedis(url: string): Redis {
  return new Redis(url).on("error", () => {});
}

async function post(url: string, body: unknown): Promise<Record<string, unknown>> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  return (await answer.json()) as Record<string, unknown>;
}
