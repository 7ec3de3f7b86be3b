import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { testServer } from "../../../infra/servers/test-servers.ts";
import { type FaultProxy, startFaultProxy } from "../testing/fault-proxy.ts";
import { type CatalogAuth, RestCatalog } from "./index.ts";

const SECRET = "a secret of the test";

describe("REST catalog with tokens", () => {
  let tokens: Server;
  let tokenUri: string;
  let granted: URLSearchParams[];
  let grant: () => { status: number; body: unknown };
  let proxy: FaultProxy;
  let now: number;

  beforeAll(async () => {
    proxy = await startFaultProxy((await testServer("catalog")).uri);
    tokens = createServer(async (request, response) => {
      granted.push(new URLSearchParams(await text(request)));
      const { status, body } = grant();
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
    tokens.listen(0, "127.0.0.1");
    await once(tokens, "listening");
    tokenUri = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`;
  });
  afterAll(async () => {
    await proxy.close();
    tokens.closeAllConnections();
    tokens.close();
  });
  beforeEach(() => {
    granted = [];
    now = 1_000_000;
    grant = () => ({ status: 200, body: { access_token: `token-${granted.length}`, expires_in: 600 } });
    proxy.inject(() => "none");
  });

  const open = (auth: CatalogAuth) =>
    new RestCatalog({
      uri: proxy.url,
      auth,
      limits: { attemptsMax: 3, backoffMsMin: 1, backoffMsMax: 2 },
      clock: () => now,
      sleep: (ms) => sleep(ms),
      random: Math.random,
    });
  const credentials = (): CatalogAuth => ({
    kind: "client-credentials",
    clientId: "the client",
    clientSecret: SECRET,
    tokenUri,
  });
  const sent = (from: number) => proxy.requests.slice(from).map(({ headers }) => headers.authorization);
  const refuse = (...refused: string[]) =>
    proxy.inject(({ headers }) =>
      refused.includes(headers.authorization ?? "") ? { status: 401, applied: false } : "none",
    );

  it("sends a fixed token, and says so when it is refused", async () => {
    const catalog = open({ kind: "bearer", token: SECRET });
    const from = proxy.requests.length;
    await catalog.check();
    expect(new Set(sent(from))).toEqual(new Set([`Bearer ${SECRET}`]));
    refuse(`Bearer ${SECRET}`);
    const error = await catalog.check().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "catalog-credentials-invalid", origin: "user", retry: false });
    expect(String(error)).not.toContain(SECRET);
  });

  it("fetches one token for requests at the same time, and a new one before it expires", async () => {
    const catalog = open(credentials());
    const from = proxy.requests.length;
    await Promise.all([catalog.check(), catalog.check(), catalog.check()]);
    expect(granted).toHaveLength(1);
    expect(Object.fromEntries(granted[0])).toEqual({
      grant_type: "client_credentials",
      client_id: "the client",
      client_secret: SECRET,
      scope: "catalog",
    });
    now += 539_000;
    await catalog.check();
    expect(granted).toHaveLength(1);
    now += 2_000;
    await catalog.check();
    expect(granted).toHaveLength(2);
    expect(new Set(sent(from))).toEqual(new Set(["Bearer token-1", "Bearer token-2"]));
  });

  it("fetches a new token when the catalog refuses the old one, and gives up when that is refused too", async () => {
    const catalog = open(credentials());
    await catalog.check();
    refuse("Bearer token-1");
    await catalog.check();
    expect(granted).toHaveLength(2);
    refuse("Bearer token-2", "Bearer token-3");
    await expect(catalog.check()).rejects.toMatchObject({ code: "catalog-credentials-invalid" });
    expect(granted).toHaveLength(3);
  });

  it("says that the client's credentials are wrong, without repeating them", async () => {
    grant = () => ({ status: 401, body: { error: "invalid_client" } });
    const error = await open(credentials())
      .check()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "catalog-credentials-invalid",
      retry: false,
      message: expect.stringContaining(tokenUri),
    });
    expect(String(error)).not.toContain(SECRET);
    expect(granted).toHaveLength(1);
  });

  it("goes on when the token endpoint was away", async () => {
    const answers = [503, 503, 200];
    grant = () => ({ status: answers.shift() ?? 200, body: { access_token: "late", expires_in: 600 } });
    await open(credentials()).check();
    expect(granted).toHaveLength(3);
  });

  it("takes the catalog's own token endpoint where no other is named", async () => {
    const from = proxy.requests.length;
    await open({ kind: "client-credentials", clientId: "the client", clientSecret: SECRET }).check();
    expect(proxy.requests[from]).toMatchObject({ method: "POST", url: "/v1/oauth/tokens" });
  });
});
