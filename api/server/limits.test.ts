import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { MillraceError, silverSessions } from "../../schema/index.ts";
import { HotNamespace } from "../../stream/index.ts";
import { alertOf, TestApi } from "./api.fixture.ts";

describe("limits and errors of the API", () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.start({ operationsPerSocketMax: 3, requestBytesMax: 20_000 });
  });
  afterAll(() => api.stop());

  async function figure(name: string): Promise<number> {
    const text = await (await fetch(`${api.server.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
  }

  const aliases = (count: number) =>
    `{ ${Array.from({ length: count }, (_, i) => `a${i}: __typename`).join(" ")} }`;

  /** The first error of a query over a socket. */
  function socketError(query: string, variables: Record<string, unknown> = {}) {
    const client = api.client();
    return new Promise<{ message: string; extensions: Record<string, unknown> }>((resolve, reject) => {
      client.subscribe(
        { query, variables },
        {
          next: ({ errors }) => (errors ? resolve(errors[0] as never) : reject(new Error("no error"))),
          error: (errors) => resolve((errors as never[])[0]),
          complete: () => undefined,
        },
      );
    }).finally(() => client.dispose());
  }

  it("refuse what is too much, over HTTP and over a socket, with a stable code", async () => {
    const costly =
      "{ products(first: 200) { edges { node { activity(first: 200) { edges { node { views } } } } } } }";
    const spread = `{ products(first: 200) { ...P } } fragment P on ProductConnection { edges { node { activity(first: 200) { ...A } } } }
      fragment A on ProductActivityConnection { edges { node { views cartAdds purchases } } }`;
    const cases: [string, string][] = [
      [aliases(21), "alias-limit"],
      [
        `{ __schema { ${Array.from({ length: 21 }, (_, i) => `a${i}: types { name }`).join(" ")} } }`,
        "alias-limit",
      ],
      [costly, "cost-limit"],
      [spread, "cost-limit"],
      [`{ ${"a ".repeat(2_000)} }`, "GRAPHQL_PARSE_FAILED"],
      ["{ nothing }", "GRAPHQL_VALIDATION_FAILED"],
      ["{", "GRAPHQL_PARSE_FAILED"],
    ];
    for (const [query, code] of cases) {
      const answer = await api.query(query);
      expect(answer.status, code).toBe(400);
      expect(answer.errors?.[0].extensions, query.slice(0, 80)).toEqual({ code, origin: "user" });
      expect((await socketError(query)).extensions, query.slice(0, 80)).toEqual({ code, origin: "user" });
    }
    expect((await api.query(aliases(20))).errors).toBeUndefined();
  });

  it("say of a subscription over HTTP where it belongs", async () => {
    const { status, errors } = await api.query("subscription { alerts { id } }");
    expect(status).toBe(400);
    expect(errors?.[0].extensions).toEqual({ code: "subscription-over-http", origin: "user" });
    expect(errors?.[0].message).toContain("WebSocket");
  });

  it("refuse deep operations, also through fragments", async () => {
    const own = await TestApi.start({ depthMax: 3 });
    const query = "{ pipelineStatus { tasks { ...T } } } fragment T on PipelineTask { inputs { topic } }";
    expect((await own.query(query)).errors?.[0].extensions.code).toBe("depth-limit");
    expect((await own.query("{ pipelineStatus { tasks { id } } }")).errors).toBeUndefined();
    await own.stop();
  });

  it("refuse variables of the wrong type as the caller's fault", async () => {
    const query = "query ($t: DateTime!) { revenueByCategory(from: $t, to: $t) { rows { units } } }";
    for (const t of ["2026-01-31", "yesterday", 5, "2026-13-01T00:00:00Z", "2026-02-31T00:00:00Z", null]) {
      const { errors } = await api.query(query, { t });
      expect(errors?.[0].extensions, String(t)).toEqual({ code: "BAD_USER_INPUT", origin: "user" });
    }
  });

  it("refuse null for an argument that takes none as the caller's fault", async () => {
    const logged = api.logged.length;
    const query = "query ($n: Int) { orders(first: $n) { edges { cursor } } }";
    const error = {
      message: 'Argument "first" of non-null type "Int!" must not be null.',
      locations: [{ line: 1, column: 33 }],
      path: ["orders"],
      extensions: { code: "BAD_USER_INPUT", origin: "user" },
    };
    expect((await api.query(query, { n: null })).errors).toEqual([error]);
    expect(await socketError(query, { n: null })).toEqual(error);
    expect((await api.query(query)).errors).toBeUndefined();
    const nested = 'query ($n: Int) { user(id: "u") { sessions(first: $n) { edges { cursor } } } }';
    expect((await api.query(nested, { n: null })).errors?.[0].extensions).toEqual(error.extensions);
    expect(api.logged.length).toBe(logged);
  });

  it("show nothing of a result that does not fit the schema", async () => {
    await api.put(HotNamespace.popularProducts, "all", { windowStart: "secret", windowEnd: 0, items: [] });
    const { errors } = await api.query("{ popularProducts { windowStart } }");
    expect(errors?.[0].extensions).toMatchObject({ code: "internal", origin: "internal" });
    expect(JSON.stringify(errors)).not.toContain("DateTime");
  });

  it("refuse bodies and messages over the limit", async () => {
    const response = await fetch(`${api.server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: `{ __typename } #${"x".repeat(20_000)}` }),
    });
    expect(response.status).toBe(413);
    const socket = new WebSocket(api.socketUrl(), "graphql-transport-ws");
    socket.once("open", () => socket.send("x".repeat(20_001)));
    expect(await new Promise((resolve) => socket.once("close", resolve))).toBe(1009);
  });

  it("take only so many operations on one socket", async () => {
    const client = api.client();
    const query = "subscription { alerts { id } }";
    const codes = await new Promise<unknown[]>((resolve) => {
      for (let i = 0; i < 4; i++) {
        client.subscribe(
          { query },
          {
            next: () => undefined,
            error: (errors) => resolve((errors as { extensions: object }[]).map((e) => e.extensions)),
            complete: () => undefined,
          },
        );
      }
    });
    expect(codes).toEqual([{ code: "operation-limit", origin: "user" }]);
    await client.dispose();
  });

  it("answer no cross-site request that a browser sends unasked", async () => {
    const plain = await fetch(`${api.server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: JSON.stringify({ query: "{ __typename }" }),
    });
    expect(plain.status).toBeGreaterThanOrEqual(400);
    const get = await fetch(`${api.server.url}/graphql?query=${encodeURIComponent("{ __typename }")}`);
    expect(get.status).toBe(400);
    const batch = await fetch(`${api.server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([{ query: "{ __typename }" }]),
    });
    expect(batch.status).toBe(400);
  });

  it("let pages of listed origins read answers, and no others", async () => {
    const own = await TestApi.start({ allowedOrigins: ["https://shop.example"] });
    const ask = (method: string, origin: string) =>
      fetch(`${own.server.url}/graphql`, {
        method,
        headers: { origin, "content-type": "application/json" },
        ...(method === "POST" && { body: JSON.stringify({ query: "{ __typename }" }) }),
      });
    for (const method of ["OPTIONS", "POST"]) {
      const listed = await ask(method, "https://shop.example");
      expect(listed.status).toBe(method === "OPTIONS" ? 204 : 200);
      expect(listed.headers.get("access-control-allow-origin")).toBe("https://shop.example");
      const other = await ask(method, "https://evil.example");
      expect(other.headers.get("access-control-allow-origin")).toBeNull();
    }
    await own.stop();
  });

  it("open sockets to pages of their own and of listed origins only", async () => {
    const own = await TestApi.start({ allowedOrigins: ["https://shop.example"] });
    const connect = (origin: string | undefined, path = "/graphql") =>
      new Promise((resolve) => {
        const url = own.socketUrl().replace("/graphql", path);
        const socket = new WebSocket(url, "graphql-transport-ws", origin === undefined ? {} : { origin });
        socket.once("open", () => resolve("open"));
        socket.once("unexpected-response", (_request, response) => resolve(response.statusCode));
        socket.once("close", () => undefined);
        socket.once("error", () => undefined);
      });
    expect(await connect(undefined)).toBe("open");
    expect(await connect(own.server.url)).toBe("open");
    expect(await connect("https://shop.example")).toBe("open");
    expect(await connect("https://evil.example")).toBe(403);
    expect(await connect("null")).toBe(403);
    expect(await connect(own.server.url, "/other")).toBe(404);
    await own.stop();
  });

  /** Errors in answers since the start, by whose fault they were. */
  async function errorCounts(): Promise<Record<string, number>> {
    const text = await (await fetch(`${api.server.url}/metrics`)).text();
    const found = text.matchAll(/^millrace_graphql_errors_total\{origin="(\w+)"\} (\d+)$/gm);
    return Object.fromEntries([...found].map(([, origin, count]) => [origin, Number(count)]));
  }

  it("show nothing of what is not the caller's fault, but a reference into the log", async () => {
    const query = "{ sessions { edges { cursor } } }";
    await api.commit(silverSessions, [sessionRow()]);
    const failures: [Error, string, string][] = [
      [new Error("secret /etc/passwd"), "internal", "internal"],
      [new MillraceError("secret SQL", { code: "query-invalid", origin: "user" }), "internal", "internal"],
      [
        new MillraceError("secret host", { code: "query-failed", origin: "external", retry: true }),
        "query-failed",
        "external",
      ],
    ];
    const before = await errorCounts();
    for (const [failure, code, origin] of failures) {
      api.failing = failure;
      const answer = await api.query(query);
      const overSocket = await socketError(query);
      api.failing = null;
      for (const error of [answer.errors![0], overSocket]) {
        expect(error.extensions).toMatchObject({ code, origin, reference: expect.any(String) });
        expect(JSON.stringify(error)).not.toMatch(/secret|stack/);
        expect(error.message).toContain(error.extensions.reference);
        expect(api.logged).toContainEqual(expect.objectContaining({ reference: error.extensions.reference }));
      }
    }
    api.failing = new MillraceError("too slow, ask for less", { code: "query-timeout", origin: "user" });
    const [error] = (await api.query(query)).errors ?? [];
    api.failing = null;
    // Each of the three over HTTP and over a socket.
    const { user, external, internal } = await errorCounts();
    expect(internal - before.internal).toBe(4);
    expect(external - before.external).toBe(2);
    expect(user - before.user).toBe(1);
    expect(error.message).toBe("too slow, ask for less");
    expect(error.extensions).toEqual({ code: "query-timeout", origin: "user", retry: false });
  });

  it("hide the schema in production, over HTTP and over a socket", async () => {
    const shared = api;
    api = await TestApi.start({ production: true });
    try {
      const query = "{ __schema { types { name } } }";
      expect((await api.query(query)).errors?.[0].extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
      expect((await socketError(query)).extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
      expect(JSON.stringify(await api.query("{ sesions { edges { cursor } } }"))).not.toContain(
        "Did you mean",
      );
      expect((await socketError("{ sesions { edges { cursor } } }")).message).not.toContain("Did you mean");
      expect((await fetch(`${api.server.url}/graphiql`)).status).toBe(404);
      const [page, usual] = await Promise.all([api, shared].map(({ server }) => fetch(server.url)));
      expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
      expect(await page.text()).not.toMatch(/graphiql/i);
      expect(await usual.text()).toContain('href="/graphiql"');
    } finally {
      await api.stop();
      api = shared;
    }
  });

  it("survive sockets that break the protocol", async () => {
    for (const message of ["", "{", "[]", '{"type":"subscribe"}', '{"type":"nothing"}', "\u0000", '"x"']) {
      const socket = new WebSocket(api.socketUrl(), "graphql-transport-ws");
      await new Promise((resolve) => socket.once("open", resolve));
      socket.send(message);
      expect(await new Promise((resolve) => socket.once("close", resolve)), message).toBeGreaterThanOrEqual(
        4400,
      );
    }
    await new Promise<void>((resolve) => {
      const { hostname, port } = new URL(api.server.url);
      const broken = request({
        hostname,
        port,
        path: "/graphql",
        headers: { upgrade: "websocket", connection: "upgrade" },
      });
      broken.once("response", () => resolve());
      broken.once("error", () => resolve());
      broken.end();
    });
    await api.alertBus.publish([alertOf()]);
    expect((await api.query("{ __typename }")).data).toEqual({ __typename: "Query" });
  });

  it("survive clients that are gone when their socket is refused", async () => {
    const { hostname, port } = new URL(api.server.url);
    for (let i = 0; i < 20; i++) {
      await new Promise<void>((resolve) => {
        const client = connect(Number(port), hostname, () => {
          client.write(
            "GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            () => {
              client.resetAndDestroy();
            },
          );
        });
        client.once("close", () => resolve());
      });
    }
    expect((await api.query("{ __typename }")).data).toEqual({ __typename: "Query" });
  });

  it("end though a client whose socket was refused keeps his end open", async () => {
    const own = await TestApi.start();
    const { hostname, port } = new URL(own.server.url);
    const client = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const refused = new Promise((resolve) => client.once("data", resolve));
    client.write("GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    expect(String(await refused)).toContain("404");
    await own.stop();
    client.destroy();
  });

  it("cut a client that asks on and on, and reads no answer", async () => {
    const socket = new WebSocket(api.socketUrl(), "graphql-transport-ws");
    await new Promise((resolve) => socket.once("open", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.send(JSON.stringify({ type: "connection_init" }));
    socket.pause();
    const ping = JSON.stringify({ type: "ping", payload: { text: "x".repeat(15_000) } });
    let sent = 0;
    // Far more than the operating systems' buffers on the way back, and what may wait besides.
    while (sent < 4_000 && (await stillOpen())) for (let i = 0; i < 100; i++, sent++) socket.send(ping);
    await expect.poll(() => figure("millrace_sockets")).toBe(0);
    socket.terminate();
    await closed;

    async function stillOpen(): Promise<boolean> {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return (await figure("millrace_sockets")) > 0;
    }
  });

  it("end a socket's subscriptions with it, also of ids that were used again while they were opened", async () => {
    const open = () => figure("millrace_alert_subscribers");
    const socket = new WebSocket(api.socketUrl(), "graphql-transport-ws");
    await new Promise((resolve) => socket.once("open", resolve));
    const acknowledged = new Promise((resolve) => socket.once("message", resolve));
    socket.send(JSON.stringify({ type: "connection_init" }));
    await acknowledged;
    const subscribe = JSON.stringify({
      ...{ id: "1", type: "subscribe" },
      payload: { query: "subscription { alerts { id } }" },
    });
    for (let i = 0; i < 40; i++) {
      socket.send(subscribe);
      socket.send('{"id":"1","type":"complete"}');
    }
    socket.send(subscribe);
    await expect.poll(open).toBeGreaterThan(0);
    await expect.poll(open).toBeLessThanOrEqual(3);
    socket.close();
    await expect.poll(open).toBe(0);
  });

  function sessionRow() {
    const time = new Date(0);
    return {
      session_key: "u:0",
      user_id: "u",
      session_start: time,
      session_end: time,
      duration_ms: 0,
      events: 1,
      page_views: 1,
      cart_adds: 0,
      purchases: 0,
      revenue_minor: 0,
      converted: false,
      entry_event_type: "page_view",
      exit_event_type: "page_view",
    };
  }
});
