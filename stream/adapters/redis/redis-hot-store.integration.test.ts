import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type PrivateServer, startPrivateServer } from "../../../infra/servers/private-server.ts";
import { testServer } from "../../../infra/servers/test-servers.ts";
import { hotStoreContract } from "../../ports/hot-store.contract.ts";
import { hotBatchOf } from "../../sinks/hot-batch-writer.ts";
import { RedisHotStore, type RedisHotStoreOptions } from "./redis-hot-store.ts";
import { type RedisCluster, redisCli, startRedisCluster, until } from "./testing.ts";

const MINUTE_MS = 60_000;

function openStore(options: Omit<RedisHotStoreOptions, "random">): RedisHotStore {
  return new RedisHotStore({ random: Math.random, ...options });
}

async function harnessOn(options: Omit<RedisHotStoreOptions, "random" | "keyPrefix">) {
  const open = (): RedisHotStore => openStore({ ...options, keyPrefix: "contract" });
  const harness = {
    store: open(),
    prefix: `${randomUUID()}-`,
    elapse: (ms: number) => sleep(ms),
    async reopen() {
      await harness.store.close();
      harness.store = open();
      return harness.store;
    },
    dispose: () => harness.store.close(),
  };
  return harness;
}

const entry = (key: string, value: string) => hotBatchOf("scores", { [key]: value }, MINUTE_MS);
const numbered = (count: number, namespace = "scores") =>
  hotBatchOf(
    namespace,
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`user-${i}`, String(i)])),
    MINUTE_MS,
  );

hotStoreContract("Redis", async () => harnessOn({ url: (await testServer("redis")).url }));

describe("Redis Cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.remove());
  hotStoreContract("Redis Cluster", () => harnessOn({ url: cluster.urls[0], isCluster: true }));

  it("spreads values over all nodes, and keeps those of one user on one", async () => {
    const store = openStore({ url: cluster.urls[1], isCluster: true, keyPrefix: "spread" });
    await store.putMany(numbered(3000));
    await store.putMany(numbered(3000, "activity"));
    const perNode = await Promise.all(
      cluster.urls.map(async (url) => (await redisCli(url, "keys", "spread:*")).split("\n")),
    );
    const users = perNode.map((keys) => keys.map((key) => key.split(":").at(-1) ?? ""));
    for (const keys of users) {
      expect(keys.length).toBeGreaterThan(3000 / 3);
      expect(new Set(keys).size).toBe(keys.length / 2);
    }
    expect(users.flat()).toHaveLength(6000);
    await store.close();
  });
});

describe("RedisHotStore when something goes wrong", () => {
  let redis: PrivateServer<"redis">;
  let url: string;
  let store: RedisHotStore;
  beforeEach(async () => {
    redis = await startPrivateServer("redis");
    url = redis.endpoint.url;
    store = openStore({ url });
  });
  afterEach(async () => {
    await store.close();
    await redis.remove();
  });

  it("goes on after Redis was killed: waiting writes are done, and what it lost reads as null", async () => {
    await store.putMany(entry("before", "1"));
    await redis.kill();
    const waiting = store.putMany(numbered(1000));
    await sleep(200);
    await redis.restart();
    await waiting;
    expect(await store.getMany("scores", ["before", "user-0", "user-999"])).toEqual([null, "0", "999"]);
  });

  it("goes on after FLUSHALL and after Redis forgot its scripts", async () => {
    await store.putMany(numbered(10));
    await redisCli(url, "flushall");
    await redisCli(url, "script", "flush");
    expect(await store.get("scores", "user-1")).toBeNull();
    await store.putMany(numbered(10));
    expect(await store.get("scores", "user-1")).toBe("1");
  });

  it("writes calls in their order, however large the first", async () => {
    const large = store.putMany(numbered(20_000));
    const small = store.putMany(entry("user-19999", "newer"));
    await Promise.all([large, small]);
    expect(await store.get("scores", "user-19999")).toBe("newer");
  });

  it("says that Redis is unreachable, at the start and later, and takes no more calls than it may", async () => {
    const hurried = openStore({ url, callMsMax: 300, callsMax: 2 });
    await hurried.check();
    await redis.kill();
    const problem = { code: "hot-store-unreachable", origin: "external", retry: true };
    const reads = [hurried.get("scores", "a"), hurried.putMany(entry("a", "1"))];
    await expect(hurried.get("scores", "b")).rejects.toMatchObject({ code: "hot-store-overloaded" });
    for (const read of reads) await expect(read).rejects.toMatchObject(problem);
    const late = openStore({ url, callMsMax: 300 });
    await expect(late.check()).rejects.toMatchObject({
      ...problem,
      message: expect.stringContaining(`${new URL(url).host}: connect ECONNREFUSED`),
    });
    await redis.restart();
    await until(() =>
      late.check().then(
        () => true,
        () => false,
      ),
    );
    await until(() =>
      hurried.check().then(
        () => true,
        () => false,
      ),
    );
    await late.close();
    await hurried.close();
  });

  it("gives up on a server that is silent", async () => {
    const hurried = openStore({ url, callMsMax: 300 });
    await hurried.putMany(entry("a", "1"));
    await redisCli(url, "client", "pause", "60000", "ALL");
    await expect(hurried.get("scores", "a")).rejects.toMatchObject({
      code: "hot-store-unreachable",
      message: expect.stringContaining("did not answer within 300 ms"),
    });
    await hurried.close();
  });

  it("says that user name or password is wrong, without saying them", async () => {
    await redisCli(url, "config", "set", "requirepass", "right");
    for (const credentials of ["", ":wrong@", "nobody:wrong@"]) {
      const denied = openStore({ url: url.replace("//", `//${credentials}`), callMsMax: 2000 });
      const error = await denied.check().catch((caught) => caught);
      expect(error).toMatchObject({ code: "hot-store-denied", origin: "external", retry: false });
      expect(error.message).not.toContain("wrong@");
      await denied.close();
    }
    const allowed = openStore({ url: url.replace("//", "//:right@") });
    await allowed.check();
    await allowed.close();
  });

  it("says that Redis is full, and writes again when there is room", async () => {
    await redisCli(url, "config", "set", "maxmemory", "1");
    await expect(store.putMany(entry("a", "1"))).rejects.toMatchObject({
      code: "hot-store-full",
      retry: true,
      message: expect.stringContaining("maxmemory"),
    });
    await redisCli(url, "config", "set", "maxmemory", "0");
    await store.putMany(entry("a", "1"));
    expect(await store.get("scores", "a")).toBe("1");
  });

  it("says that it talks to a replica, and writes again when that has become the primary", async () => {
    const primary = await startPrivateServer("redis");
    await redisCli(url, "replicaof", "127.0.0.1", new URL(primary.endpoint.url).port);
    await until(async () => (await redisCli(url, "info", "replication")).includes("master_link_status:up"));
    await expect(store.putMany(entry("a", "1"))).rejects.toMatchObject({
      code: "hot-store-read-only",
      retry: true,
    });
    await redisCli(url, "replicaof", "no", "one");
    await store.putMany(entry("a", "1"));
    expect(await store.get("scores", "a")).toBe("1");
    await primary.remove();
  });

  it("refuses an address that is none without repeating it", () => {
    for (const wrong of ["localhost:6379", "http://:secret@localhost", "redis://localhost/x"]) {
      expect(() => openStore({ url: wrong })).toThrow(/redis:\/\/\[USER:PASSWORD@\]HOST:PORT/);
    }
  });
});
