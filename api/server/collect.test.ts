import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { MillraceError } from "../../schema/index.ts";
import { recordTexts } from "../../stream/ports/record-texts.fixture.ts";
import { TestApi } from "./api.fixture.ts";

const NOW = Date.now();
const KEYS = {
  ...{ shop: "shop-0123456789abcdef", ann: "ann-0123456789abcdef" },
  ...{ web: "web-0123456789abcdef", bob: "bob-0123456789abcdef" },
};
const JSON_TYPE = "application/json";
const LINES_TYPE = "application/x-ndjson";
let made = 0;

/** An event of its own: its id tells it apart. */
const view = (changes: object = {}) => ({
  ...{ eventId: `e${++made}`, eventType: "item_view", eventTime: NOW, userId: "u1", productId: "p1" },
  ...changes,
});

/** A request whose body does not come to its end. */
function halfSent(url: string) {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(
    `POST /collect/customer-events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEYS.shop}\r\ncontent-type: ${JSON_TYPE}\r\ncontent-length: 50000\r\nexpect: 100-continue\r\n\r\n[`,
  );
  // The server has seen its headers.
  return { socket, isOpen: once(socket, "data") };
}

describe("the collector over HTTP", () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.start({
      ...{ collectBytesMax: 50_000, collectUnderWayBytesMax: 60_000 },
      allowedOrigins: ["https://shop.example"],
      apiKeys: [
        { name: "shop", role: "producer", key: KEYS.shop },
        { name: "ann", role: "operator", key: KEYS.ann },
        { name: "web", role: "page", key: KEYS.web },
        { name: "bob", role: "viewer", key: KEYS.bob },
      ],
    });
  });
  afterAll(() => api.stop());
  afterEach(() => vi.restoreAllMocks());

  interface Sent {
    readonly type?: string | null;
    readonly key?: string | null;
    readonly topic?: string;
    readonly headers?: Record<string, string>;
    readonly method?: string;
  }
  async function send(body: string | Buffer | undefined, options: Sent = {}) {
    const {
      type = JSON_TYPE,
      key = KEYS.shop,
      topic = "customer-events",
      headers,
      method = "POST",
    } = options;
    const response = await fetch(`${api.server.url}/collect/${topic}`, {
      method,
      headers: {
        ...(type !== null && { "content-type": type }),
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : new Uint8Array(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? null : JSON.parse(text),
    };
  }
  const codeOf = async (...sent: Parameters<typeof send>) => {
    const { status, body } = await send(...sent);
    const [{ message, extensions }] = body.errors;
    expect(message.length).toBeGreaterThan(10);
    return [status, extensions.code, extensions.origin];
  };
  const end = async (topic = "customer-events") => (await api.log.offsets(topic, 0)).end;
  /** The records of the topic from the offset on. */
  const recordsFrom = (offset: number) => recordTexts(api.log, "customer-events", 0, offset);

  it("takes an array, one object, and one object a line, gzipped or not, as they came", async () => {
    const texts = Array.from({ length: 10 }, () => JSON.stringify(view({ "of mine": [1, "ü"] })));
    const from = await end();
    const bodies: [string | Buffer, Sent][] = [
      [`[${texts[0]}, ${texts[1]}]`, {}],
      [texts[2], { type: "application/json; charset=utf-8" }],
      [`${texts[3]}\n${texts[4]}\r\n`, { type: LINES_TYPE }],
      [gzipSync(`${texts[5]}\n${texts[6]}`), { type: LINES_TYPE, headers: { "content-encoding": "gzip" } }],
      [`[${texts[7]}]`, { key: KEYS.ann }],
      [`[${texts[9]}]`, { key: KEYS.web }],
      [texts[8], { headers: { "content-encoding": "identity" } }],
    ];
    let accepted = 0;
    for (const [body, sent] of bodies) {
      const answer = await send(body, sent);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ refused: 0, refusals: [] });
      accepted += answer.body.accepted;
      // Answered when they are there.
      expect(await end()).toBe(from + accepted);
    }
    expect((await recordsFrom(from)).map((record) => record.trim()).sort()).toEqual(texts.sort());
  });

  it("tells which events it refused, and why, and takes the others", async () => {
    const from = await end();
    const good = [JSON.stringify(view()), JSON.stringify(view())];
    const bad = JSON.stringify(view({ eventTime: "yesterday" }));
    const some = await send(`[${good[0]},${bad},{,${good[1]}]`.replace("{,", "{},"));
    expect(some.status).toBe(207);
    expect(some.body).toMatchObject({ accepted: 2, refused: 2 });
    expect(some.body.refusals).toEqual([
      { index: 1, reason: "wrong-type", field: "eventTime", detail: expect.stringContaining("yesterday") },
      { index: 2, reason: "missing-field", field: "eventId", detail: expect.any(String) },
    ]);
    expect(await recordsFrom(from)).toEqual(good);
    const none = await send(bad);
    expect(none.status).toBe(422);
    expect(none.body).toMatchObject({ accepted: 0, refused: 1 });
    const text = await (await fetch(`${api.server.url}/metrics`)).text();
    expect(text).toMatch(/millrace_collected_events_total{topic="customer-events",outcome="refused"} 3\n/);
  });

  it("says what is wrong with a request, and takes nothing of it", async () => {
    const from = await end();
    const event = JSON.stringify(view());
    const gzip = { "content-encoding": "gzip" };
    const cases: [string | Buffer | undefined, Sent, number, string][] = [
      [event, { key: null }, 401, "unauthenticated"],
      [event, { key: "nobody-0123456789" }, 401, "unauthenticated"],
      [event, { key: KEYS.bob }, 403, "forbidden"],
      [event, { key: KEYS.web, topic: "orders" }, 403, "forbidden"],
      [event, { key: KEYS.bob, topic: "clicks" }, 403, "forbidden"],
      [event, { topic: "clicks" }, 404, "unknown-topic"],
      [event, { topic: "rule-changes" }, 404, "unknown-topic"],
      [event, { type: "text/csv" }, 415, "unknown-media-type"],
      [undefined, { type: null }, 415, "unknown-media-type"],
      [event, { headers: { "content-encoding": "br" } }, 415, "unknown-encoding"],
      [event, { headers: gzip }, 400, "invalid-gzip"],
      [gzipSync(event).subarray(0, 30), { headers: gzip }, 400, "invalid-gzip"],
      [gzipSync(" ".repeat(50_001)), { headers: gzip }, 413, "body-too-large"],
      [" ".repeat(50_001), {}, 413, "body-too-large"],
      [`[${event}`, {}, 400, "invalid-json"],
      [`[${"1,".repeat(10_000)}1]`, {}, 413, "too-many-events"],
      ["[]", {}, 400, "no-events"],
      ["\n\n", { type: LINES_TYPE }, 400, "no-events"],
    ];
    for (const [body, sent, status, code] of cases)
      expect(await codeOf(body, sent), `${body} ${JSON.stringify(sent)}`).toEqual([status, code, "user"]);
    const { body } = await send(event, { topic: "clicks" });
    expect(body.errors[0].message).toContain("customer-events, orders");
    expect(await end()).toBe(from);
  });

  it("asks to come again while too much is under way, which ends with those requests", async () => {
    const { socket: stuck, isOpen } = halfSent(api.server.url);
    await isOpen;
    const large = `[${JSON.stringify(view())}${" ".repeat(20_000)}]`;
    const busy = await send(large);
    expect(busy.status).toBe(429);
    expect(busy.headers.get("retry-after")).toBe("1");
    expect(busy.body.errors[0]).toMatchObject({
      message: expect.stringContaining("in a moment"),
      extensions: { code: "collector-busy", retry: true },
    });
    expect((await send(JSON.stringify(view()))).status).toBe(200);
    const unpacking = gzipSync(large);
    expect(unpacking.length).toBeLessThan(1_000);
    const packed = { headers: { "content-encoding": "gzip" } };
    expect((await send(unpacking, packed)).status).toBe(429);
    stuck.destroy();
    await expect.poll(async () => (await send(unpacking, packed)).status).toBe(200);
    await expect.poll(async () => (await send(large)).status).toBe(200);
  });

  it("holds few unpacked bodies at a time, however many come", async () => {
    const large = gzipSync(`[${" ".repeat(15_000)}]`);
    const packed = { headers: { "content-encoding": "gzip" } };
    const answers = await Promise.all(Array.from({ length: 40 }, () => send(large, packed)));
    // Taken one after another, none has to come again; what is refused is that they have no event.
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
  });

  it("counts what is being appended though its sender has hung up", async () => {
    const appended = Promise.withResolvers<never>();
    const append = vi.spyOn(api.log, "append").mockImplementation(() => appended.promise);
    const hangUp = new AbortController();
    const large = `[${JSON.stringify(view())}${" ".repeat(40_000)}]`;
    const sent = fetch(`${api.server.url}/collect/customer-events`, {
      method: "POST",
      headers: { "content-type": JSON_TYPE, authorization: `Bearer ${KEYS.shop}` },
      body: large,
      signal: hangUp.signal,
    });
    await expect.poll(() => append.mock.calls.length).toBe(1);
    hangUp.abort();
    await expect(sent).rejects.toThrow();
    const answers = [];
    for (let i = 0; i < 5; i++) {
      const answer = await Promise.race([send(large), sleep(1_000)]);
      answers.push(answer?.status);
    }
    append.mockRestore();
    appended.reject(new Error("not in time"));
    expect(answers).toEqual([429, 429, 429, 429, 429]);
    await expect.poll(async () => (await send(large)).status).toBe(200);
  });

  it("tells a failure of the log to the operator, and the sender to come again", async () => {
    const cause = new MillraceError("Kafka at broker:9092 does not accept the credentials", {
      ...{ code: "kafka-auth-failed", origin: "user" },
    });
    vi.spyOn(api.log, "append").mockRejectedValue(cause);
    const { status, headers, body } = await send(JSON.stringify(view()));
    expect(status).toBe(503);
    expect(headers.get("retry-after")).toBe("1");
    expect(JSON.stringify(body)).not.toContain("broker");
    expect(body.errors[0].extensions).toMatchObject({ code: "collect-failed", retry: true });
    const [logged] = api.logged.slice(-1) as { err: MillraceError; reference: string }[];
    expect(logged).toMatchObject({ reference: body.errors[0].extensions.reference, err: { cause } });
  });

  it("does not hold the server's end up for a body that never comes", async () => {
    const own = await TestApi.start({
      apiKeys: [{ name: "shop", role: "producer", key: KEYS.shop }],
      closeWithinMs: 100,
    });
    const { socket, isOpen } = halfSent(own.server.url);
    await isOpen;
    await own.stop();
    await expect.poll(() => socket.closed).toBe(true);
  });

  it("is there for the pages of allowed origins", async () => {
    const preflight = (origin: string) =>
      send(undefined, { type: null, key: null, method: "OPTIONS", headers: { origin } });
    const allowed = await preflight("https://shop.example");
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://shop.example");
    expect(allowed.headers.get("access-control-allow-headers")).toContain("authorization");
    expect((await preflight("https://other.example")).headers.get("access-control-allow-origin")).toBeNull();
    const { headers } = await send(JSON.stringify(view()), { headers: { origin: "https://shop.example" } });
    expect(headers.get("access-control-allow-origin")).toBe("https://shop.example");
  });
});
