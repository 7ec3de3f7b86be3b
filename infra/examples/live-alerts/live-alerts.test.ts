import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { alertOf, TestApi } from "../../../api/server/api.fixture.ts";
import { type LiveAlert, liveAlerts } from "./live-alerts.ts";
import { TcpProxy } from "./tcp-proxy.fixture.ts";

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.stop());

async function firstOf(alerts: AsyncGenerator<LiveAlert>): Promise<LiveAlert> {
  for await (const alert of alerts) return alert;
  throw new Error("the subscription ended without an alert");
}

it("follows alerts, and goes on behind a cursor", async () => {
  await api.alertBus.publish(["first", "second"].map((title) => alertOf({ id: title, title })));
  const first = await firstOf(liveAlerts(api.socketUrl(), "begin"));
  expect(first).toMatchObject({ id: "first", title: "first", status: "RAISED" });
  expect(await firstOf(liveAlerts(api.socketUrl(), first.cursor))).toMatchObject({ title: "second" });
});

it("says what the server refused", async () => {
  await expect(firstOf(liveAlerts(api.socketUrl(), "nonsense"))).rejects.toThrow(/cursor/);
});

describe("gives every alert once, in order,", () => {
  let proxy: TcpProxy;
  let alerts: AsyncGenerator<LiveAlert>;
  let round = 0;
  const interruptions: string[] = [];
  beforeEach(async () => {
    proxy = await TcpProxy.open(Number(new URL(api.server.url).port));
    const [last] = await publish(1);
    alerts = liveAlerts(`ws://127.0.0.1:${proxy.port}/graphql`, "begin", (why) => interruptions.push(why));
    while ((await take(1))[0] !== last);
    interruptions.length = 0;
  });
  afterEach(() => proxy.close());

  async function publish(count: number): Promise<string[]> {
    round += 1;
    const ids = Array.from({ length: count }, (_, i) => `round-${round}-${i}`);
    await api.alertBus.publish(ids.map((id) => alertOf({ id })));
    return ids;
  }

  async function take(count: number): Promise<string[]> {
    const ids: string[] = [];
    while (ids.length < count) ids.push((await alerts.next()).value.id);
    return ids;
  }

  it("though its connection is cut again and again", async () => {
    for (let cut = 0; cut < 3; cut++) {
      const published = await publish(10);
      expect(await take(5)).toEqual(published.slice(0, 5));
      proxy.cut();
      const meanwhile = await publish(10);
      expect(await take(15)).toEqual([...published.slice(5), ...meanwhile]);
    }
    expect(interruptions.length).toBeGreaterThanOrEqual(3);
  });

  it("though the server refuses connections for some seconds", async () => {
    await proxy.refuse();
    const published = await publish(10);
    const taken = take(10);
    await sleep(3_000);
    expect(interruptions.length).toBeGreaterThan(2);
    await proxy.listen();
    expect(await taken).toEqual(published);
  });

  it("though its connection falls silent without an end", async () => {
    proxy.freeze();
    const published = await publish(10);
    expect(await take(10)).toEqual(published);
  });

  it("though the server is started anew", async () => {
    const { port } = new URL(api.server.url);
    const next = take(1);
    await api.server.close();
    await api.serve({ port: Number(port) });
    const [published] = await publish(1);
    expect(await next).toEqual([published]);
  });
}, 30_000);
