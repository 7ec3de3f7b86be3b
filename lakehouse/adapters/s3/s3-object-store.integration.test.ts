import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { objectStoreContract } from "../../ports/object-store.contract.ts";
import { type Fault, type FaultProxy, first, startFaultProxy } from "../testing/fault-proxy.ts";
import { type S3Limits, S3ObjectStore, type S3ObjectStoreOptions } from "./index.ts";

let minio: { endpoint: string; accessKeyId: string; secretAccessKey: string; region: string; bucket: string };
beforeAll(async () => {
  minio = await testServer("minio");
});

/** Short waits: what is tested is that they come to an end, not how long they are. */
const QUICK: Partial<S3Limits> = { attemptsMax: 4, backoffMsMin: 1, backoffMsMax: 5 };

function open(options: Partial<S3ObjectStoreOptions> = {}): S3ObjectStore {
  return new S3ObjectStore({
    endpoint: minio.endpoint,
    region: minio.region,
    bucket: minio.bucket,
    prefix: uniqueName("object-store-test"),
    credentials: { accessKeyId: minio.accessKeyId, secretAccessKey: minio.secretAccessKey },
    sleep: (ms) => sleep(ms),
    random: Math.random,
    ...options,
  });
}

async function keys(store: S3ObjectStore, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found;
}

async function empty(store: S3ObjectStore): Promise<void> {
  await store.delete(await keys(store));
  await store.close();
}

objectStoreContract("S3", async () => {
  const store = open();
  return { store, remove: () => empty(store) };
});

describe("S3 object store, above the size of a single put", () => {
  const PARTS: Partial<S3Limits> = { singlePutBytesMax: 2 ** 20, partBytes: 5 * 2 ** 20 };
  const large = Buffer.alloc(12 * 2 ** 20 + 7, "0123456789abcdef");

  it("puts an object in parts, and refuses to where it must be absent", async () => {
    const store = open({ limits: PARTS });
    await store.put("large", large, { ifAbsent: true });
    expect(Buffer.compare(await store.get("large"), large)).toBe(0);
    await expect(store.put("large", large, { ifAbsent: true })).rejects.toMatchObject({
      code: "precondition-failed",
    });
    await store.put("large", large.subarray(0, 6 * 2 ** 20));
    expect((await store.head("large"))?.bytes).toBe(6 * 2 ** 20);
    await empty(store);
  });

  it("lists and deletes more objects than one page holds", async () => {
    const store = open();
    const names = Array.from({ length: 1_050 }, (_, i) => `n/${String(i).padStart(5, "0")}`);
    for (let i = 0; i < names.length; i += 50) {
      await Promise.all(names.slice(i, i + 50).map((name) => store.put(name, Buffer.from("."))));
    }
    expect(await keys(store, "n/")).toEqual(names);
    await store.delete(names);
    expect(await keys(store)).toEqual([]);
    await store.close();
  });
});

describe("S3 object store behind a network that fails", () => {
  let proxy: FaultProxy;
  beforeAll(async () => {
    proxy = await startFaultProxy(minio.endpoint);
  });
  afterEach(() => proxy.inject(() => "none"));
  afterAll(() => proxy.close());

  const behindProxy = (limits: Partial<S3Limits> = {}) =>
    open({ endpoint: proxy.url, limits: { ...QUICK, ...limits } });
  const isPut = ({ method }: { method: string }) => method === "PUT";

  it.each<Fault>([
    "lose-answer",
    "lose-request",
    { status: 503, applied: true },
    { status: 500, applied: false },
  ])("knows its own conditional put again after %j", async (fault) => {
    const store = behindProxy();
    proxy.inject(first(2, fault, isPut));
    await store.put("k", Buffer.from("mine"), { ifAbsent: true });
    expect(Buffer.from(await store.get("k")).toString()).toBe("mine");
    // The same bytes by another put are not one's own.
    await expect(store.put("k", Buffer.from("mine"), { ifAbsent: true })).rejects.toMatchObject({
      code: "precondition-failed",
    });
    await empty(store);
  });

  it("lets one of racing creators win also where every first answer is lost", async () => {
    const store = behindProxy({ attemptsMax: 10 });
    proxy.inject(first(8, "lose-answer", isPut));
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => store.put("race", Buffer.from(`writer ${i}`), { ifAbsent: true })),
    );
    const winners = results.flatMap((result, i) => (result.status === "fulfilled" ? [i] : []));
    expect(winners).toHaveLength(1);
    expect(Buffer.from(await store.get("race")).toString()).toBe(`writer ${winners[0]}`);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "precondition-failed" });
    }
    await empty(store);
  });

  it("knows its own multipart upload again after the answer to its completion was lost", async () => {
    const store = behindProxy({ singlePutBytesMax: 2 ** 20, partBytes: 5 * 2 ** 20 });
    const bytes = Buffer.alloc(6 * 2 ** 20, "x");
    proxy.inject(
      first(1, "lose-answer", ({ method, url }) => method === "POST" && url.includes("uploadId=")),
    );
    await store.put("large", bytes, { ifAbsent: true });
    proxy.inject(first(1, "lose-answer", ({ url }) => url.includes("partNumber=2")));
    await store.put("other", bytes);
    expect([...(await keys(store))]).toEqual(["large", "other"]);
    expect((await store.get("large")).length).toBe(bytes.length);
    await empty(store);
  });

  it("reads whole objects, lists and deletes where answers are cut or lost", async () => {
    const store = behindProxy();
    const bytes = Buffer.alloc(300_000, "abc");
    await store.put("a", bytes);
    await store.put("b", bytes);
    for (const fault of ["cut-answer", "lose-answer", { status: 503, applied: true }] as const) {
      proxy.inject(first(1, fault, () => true));
      expect(Buffer.compare(await store.get("a"), bytes)).toBe(0);
      proxy.inject(first(1, fault, () => true));
      expect(await keys(store)).toEqual(["a", "b"]);
    }
    proxy.inject(first(1, "lose-answer", ({ method }) => method === "POST"));
    await store.delete(["a", "b"]);
    expect(await keys(store)).toEqual([]);
    await store.close();
  });

  it("gives up after its tries, and goes on when the server is back", async () => {
    const store = behindProxy();
    proxy.inject(() => "lose-request");
    const before = proxy.requests.length;
    await expect(store.get("k")).rejects.toMatchObject({
      code: "object-store-unreachable",
      retry: true,
      message: expect.stringContaining(proxy.url),
    });
    expect(proxy.requests.length - before).toBe(4);
    proxy.inject(() => ({ status: 503, applied: false }));
    await expect(store.put("k", Buffer.from("x"))).rejects.toMatchObject({
      code: "object-store-unavailable",
      retry: true,
    });
    proxy.inject(() => "none");
    await store.put("k", Buffer.from("x"), { ifAbsent: true });
    await empty(store);
  });
});

describe("S3 object store with wrong settings", () => {
  async function refusal(options: Partial<S3ObjectStoreOptions>): Promise<unknown> {
    const store = open({ limits: QUICK, ...options });
    const error: unknown = await store.check().catch((reason: unknown) => reason);
    expect(String(error)).not.toContain("wrong-secret");
    await store.close();
    return error;
  }

  it("says which setting is wrong, and does not repeat what cannot pass", async () => {
    const wrongKey = { accessKeyId: "nobody", secretAccessKey: "wrong-secret" };
    const wrongSecret = { accessKeyId: minio.accessKeyId, secretAccessKey: "wrong-secret" };
    for (const credentials of [wrongKey, wrongSecret]) {
      expect(await refusal({ credentials })).toMatchObject({
        code: "object-store-credentials-invalid",
        origin: "user",
        retry: false,
        message: expect.stringContaining("check access key id and secret access key"),
      });
    }
    expect(await refusal({ bucket: "no-such-bucket" })).toMatchObject({
      code: "object-store-bucket-missing",
      retry: false,
      message: expect.stringContaining('"no-such-bucket"'),
    });
    expect(await refusal({ endpoint: "http://127.0.0.1:1" })).toMatchObject({
      code: "object-store-unreachable",
      retry: true,
      message: expect.stringContaining("http://127.0.0.1:1"),
    });
    expect(await refusal({ endpoint: minio.endpoint.replace("http:", "https:") })).toMatchObject({
      code: "object-store-tls-failed",
      retry: false,
    });
  });

  it("accepts right ones", async () => {
    const store = open();
    await store.check();
    await store.checkConditions();
    expect(await keys(store)).toEqual([]);
    await store.close();
  });

  it("refuses a store that ignores the condition of a write", async () => {
    const careless = createServer(async (request, response) => {
      await buffer(request);
      response.end(request.method === "POST" ? "<DeleteResult/>" : "");
    }).listen(0, "127.0.0.1");
    await once(careless, "listening");
    const endpoint = `http://127.0.0.1:${(careless.address() as AddressInfo).port}`;
    const store = open({ endpoint });
    await expect(store.checkConditions()).rejects.toMatchObject({
      code: "object-store-conditions-ignored",
      retry: false,
      message: expect.stringContaining(endpoint),
    });
    await store.close();
    careless.closeAllConnections();
    careless.close();
  });
});
