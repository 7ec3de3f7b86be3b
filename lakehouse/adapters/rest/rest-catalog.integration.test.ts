import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { catalogContract } from "../../ports/catalog.contract.ts";
import type { TableCommit } from "../../ports/catalog.ts";
import {
  type Fault,
  type FaultProxy,
  first,
  type ProxiedRequest,
  startFaultProxy,
} from "../testing/fault-proxy.ts";
import { RestCatalog, type RestCatalogLimits, type RestCatalogOptions } from "./index.ts";

let server: { readonly uri: string; readonly warehouse: string };
beforeAll(async () => {
  server = await testServer("catalog");
});

/** Short waits: what is tested is that they come to an end, not how long they are. */
const QUICK: Partial<RestCatalogLimits> = { attemptsMax: 4, backoffMsMin: 1, backoffMsMax: 5 };

function open(options: Partial<RestCatalogOptions> = {}): RestCatalog {
  return new RestCatalog({
    uri: server.uri,
    clock: Date.now,
    sleep: (ms) => sleep(ms),
    random: Math.random,
    ...options,
  });
}

const uniqueTable = () => `${uniqueNamespace()}.probe`;
const uniqueNamespace = () => uniqueName("catalog_test").replaceAll("-", "_");

catalogContract("REST", async () => ({
  catalog: open(),
  open: () => open(),
  namespace: uniqueNamespace(),
  location: (table) => `${server.warehouse}/${table.replace(".", "/")}`,
  remove: async () => {},
}));

const CREATION = {
  requirements: [{ type: "assert-create" }],
  updates: [
    { action: "assign-uuid", uuid: "6d0a9d3c-5a0e-4f6f-9c39-6f3f5a3f0c12" },
    { action: "upgrade-format-version", "format-version": 2 },
    {
      action: "add-schema",
      schema: {
        type: "struct",
        "schema-id": 0,
        fields: [{ id: 1, name: "a", required: true, type: "long" }],
      },
    },
    { action: "set-current-schema", "schema-id": -1 },
    { action: "add-spec", spec: { "spec-id": 0, fields: [] } },
    { action: "set-default-spec", "spec-id": -1 },
    { action: "add-sort-order", "sort-order": { "order-id": 0, fields: [] } },
    { action: "set-default-sort-order", "sort-order-id": -1 },
  ],
} as const;

function creation(table: string): TableCommit {
  const location = `${server.warehouse}/${table.replace(".", "/")}`;
  return { ...CREATION, updates: [...CREATION.updates, { action: "set-location", location }] };
}

const change = (value: string): TableCommit => ({
  requirements: [],
  updates: [{ action: "set-properties", updates: { value } }],
});

describe("REST catalog behind a network that fails", () => {
  let proxy: FaultProxy;
  beforeAll(async () => {
    proxy = await startFaultProxy(server.uri);
  });
  afterEach(() => proxy.inject(() => "none"));
  afterAll(() => proxy.close());

  const behindProxy = () => open({ uri: proxy.url, limits: QUICK });
  const isCommit = ({ method, url }: ProxiedRequest) => method === "POST" && url.includes("/tables/");
  const storedValue = async (table: string) => (await open().load(table))?.metadata.properties?.value;

  it.each<[Fault, string | undefined]>([
    ["lose-answer", "new"],
    ["lose-request", undefined],
    ["cut-answer", "new"],
    [{ status: 500, applied: true }, "new"],
    [{ status: 502, applied: true }, "new"],
    [{ status: 503, applied: true, headers: { "retry-after": "0" } }, "new"],
    [{ status: 504, applied: false }, undefined],
  ])("sends a commit once and says that its outcome is unknown after %j", async (fault, value) => {
    const catalog = behindProxy();
    const table = uniqueTable();
    await catalog.commit(table, creation(table));
    proxy.inject(first(1, fault, isCommit));
    const before = proxy.requests.filter(isCommit).length;
    await expect(catalog.commit(table, change("new"))).rejects.toMatchObject({
      code: "commit-unknown",
      retry: true,
    });
    expect(proxy.requests.filter(isCommit).length - before).toBe(1);
    expect(await storedValue(table)).toBe(value);
  });

  it("sends a commit again that was turned away for the load, after the time that the catalog asks for", async () => {
    const waits: number[] = [];
    const limits = { ...QUICK, backoffMsMax: 5_000 };
    const sleepNot = async (ms: number) => void waits.push(ms);
    const catalog = open({ uri: proxy.url, limits, sleep: sleepNot });
    const table = uniqueTable();
    await catalog.commit(table, creation(table));
    proxy.inject(first(2, { status: 429, applied: false, headers: { "retry-after": "3" } }, isCommit));
    await catalog.commit(table, change("new"));
    expect(waits).toEqual([3_000, 3_000]);
    expect(await storedValue(table)).toBe("new");
  });

  it("repeats what changes nothing, a bounded number of times", async () => {
    const catalog = behindProxy();
    const table = uniqueTable();
    await catalog.commit(table, creation(table));
    for (const fault of [
      "lose-answer",
      "lose-request",
      "cut-answer",
      { status: 503, applied: false },
    ] as const) {
      proxy.inject(first(2, fault, () => true));
      expect((await catalog.load(table))?.metadata.location).toContain(table.split(".")[0]);
      proxy.inject(first(2, fault, () => true));
      expect(await catalog.list(table.split(".")[0])).toEqual([table]);
    }
    proxy.inject(() => "lose-request");
    const before = proxy.requests.length;
    await expect(catalog.load(table)).rejects.toMatchObject({ code: "catalog-unreachable", retry: true });
    expect(proxy.requests.length - before).toBe(4);
    proxy.inject(() => "none");
    expect(await catalog.load(table)).not.toBeNull();
  });

  it("takes a 404 that is not the catalog's for a wrong address, not for a missing table", async () => {
    const catalog = behindProxy();
    const table = uniqueTable();
    await catalog.list("none");
    proxy.inject(() => ({ status: 404, applied: false }));
    await expect(catalog.load(table)).rejects.toMatchObject({ code: "catalog-not-found", origin: "user" });
  });

  it.each(["shop", "/shop/"])("asks under the prefix that it was given (%s)", async (prefix) => {
    const catalog = open({ uri: proxy.url, prefix, limits: QUICK });
    const from = proxy.requests.length;
    await catalog.load("gold.funnel").catch(() => undefined);
    expect(proxy.requests.slice(from).map(({ url }) => url)).toContain(
      "/v1/shop/namespaces/gold/tables/funnel",
    );
  });

  it("stops when its signal does", async () => {
    const closing = new AbortController();
    const catalog = open({ signal: closing.signal });
    await catalog.list("none");
    closing.abort();
    await expect(catalog.list("none")).rejects.toMatchObject({ code: "catalog-request-aborted" });
  });

  it("says that nothing answers", async () => {
    const catalog = open({ uri: "http://127.0.0.1:1", limits: QUICK });
    await expect(catalog.check()).rejects.toMatchObject({
      code: "catalog-unreachable",
      retry: true,
      message: expect.stringContaining("http://127.0.0.1:1"),
    });
  });
});
