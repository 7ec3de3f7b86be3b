import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { alertOf, TestApi } from "../../server/api.fixture.ts";

const QUERY = `subscription ($filter: AlertFilter, $after: String) { alerts(filter: $filter, after: $after) {
  cursor id revision status kind severity title productId eventTime figures { name number text } } }`;

interface Event {
  readonly cursor: string;
  readonly id: string;
}

const LIMITS = { subscriberQueueMax: 16, alertRingMax: 32 };

describe("alerts subscription", () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.start(LIMITS);
  });
  afterAll(() => api.stop());

  /** Opens a subscription, waits until the server has it, lets `act` run, and takes so many alerts. */
  async function take(
    count: number,
    variables: Record<string, unknown>,
    act?: () => Promise<unknown>,
  ): Promise<Event[]> {
    const client = api.client();
    const iterator = client.iterate<{ alerts: Event }>({ query: QUERY, variables });
    const events: Event[] = [];
    const open = await subscribers();
    const first = iterator.next();
    while (act && (await subscribers()) === open) await sleep(1);
    await act?.();
    for (let result = await first; !result.done; result = await iterator.next()) {
      expect(result.value.errors).toBeUndefined();
      events.push(result.value.data!.alerts);
      if (events.length === count) break;
    }
    await iterator.return?.();
    await client.dispose();
    while ((await subscribers()) > open) await sleep(1);
    return events;
  }

  async function subscribers(): Promise<number> {
    const text = await (await fetch(`${api.server.url}/metrics`)).text();
    return Number(/^millrace_alert_subscribers (\d+)$/m.exec(text)?.[1]);
  }

  /** The errors that a subscription ends with. */
  async function failureOf(variables: Record<string, unknown>): Promise<readonly { extensions: object }[]> {
    const client = api.client();
    return new Promise((resolve, reject) => {
      client.subscribe(
        { query: QUERY, variables },
        { next: () => undefined, error: (errors) => resolve(errors as never), complete: () => reject() },
      );
    });
  }

  it("gives every field of an alert that is published after it opened", async () => {
    await api.alertBus.publish([alertOf({ title: "before" })]);
    const alert = alertOf({ revision: 2, status: "retracted", severity: "high" });
    const [event] = await take(1, {}, () => api.alertBus.publish([alert]));
    expect(event).toEqual({
      cursor: expect.any(String),
      id: alert.id,
      revision: 2,
      status: "RETRACTED",
      kind: "flash-sale",
      severity: "HIGH",
      title: alert.title,
      productId: "p1",
      eventTime: "2023-11-14T22:13:20.000Z",
      figures: [
        { name: "views", number: 120, text: null },
        { name: "purchases", number: 1, text: null },
        { name: "note", number: null, text: "few" },
      ],
    });
  });

  it("gives only what passes the filter", async () => {
    const wanted = alertOf({ kind: "order-velocity", severity: "high", userId: "u7", productId: "p9" });
    const others = [
      alertOf({ kind: "order-velocity", severity: "low", userId: "u7", productId: "p9" }),
      alertOf({ kind: "order-velocity", severity: "high", userId: "u8", productId: "p9" }),
      alertOf({ kind: "order-velocity", severity: "high", userId: "u7", productId: "p1" }),
      alertOf({ kind: "flash-sale", severity: "high", userId: "u7", productId: "p9" }),
    ];
    const filter = {
      kinds: ["order-velocity", "x"],
      severities: ["HIGH", "MEDIUM"],
      userId: "u7",
      productId: "p9",
    };
    const [event] = await take(1, { filter }, () => api.alertBus.publish([...others, wanted]));
    expect(event.id).toBe(wanted.id);
    const everything = await take(1, { filter, after: "begin" });
    expect(everything[0].id).toBe(wanted.id);
  });

  it("resumes behind any cursor without loss or repeat: from the ring, from the log, and while it goes on", async () => {
    const start = (await take(1, {}, () => api.alertBus.publish([alertOf()])))[0].cursor;
    const alerts = Array.from({ length: 200 }, () => alertOf());
    for (const alert of alerts.slice(0, 100)) await api.alertBus.publish([alert]);
    let live = 100;
    let after = start;
    const seen: string[] = [];
    for (const count of [1, 30, 50, 18, 40, 60, 1]) {
      // Fewer than the queue holds at a time, as a reader that keeps up would see them.
      const events = await take(count, { after }, async () => {
        for (; live < Math.min(200, seen.length + count); live++) {
          await api.alertBus.publish([alerts[live]]);
          await sleep(1);
        }
      });
      seen.push(...events.map(({ id }) => id));
      after = events.at(-1)?.cursor ?? after;
    }
    expect(seen).toEqual(alerts.map(({ id }) => id));
  });

  it("serves many subscribers the same alerts from one tail", async () => {
    const alerts = Array.from({ length: 10 }, () => alertOf({ kind: "shared" }));
    const variables = { filter: { kinds: ["shared"] }, after: "begin" };
    const readers = Array.from({ length: 20 }, () => take(10, variables));
    for (const alert of alerts) await api.alertBus.publish([alert]);
    const ids = alerts.map(({ id }) => id);
    for (const events of await Promise.all(readers)) expect(events.map(({ id }) => id)).toEqual(ids);
    expect(await subscribers()).toBe(0);
  });

  it("refuses a cursor that is none", async () => {
    for (const after of ["", "x", "null", Buffer.from("1:5").toString("base64url")]) {
      const [error] = await failureOf({ after });
      expect(error.extensions, after).toMatchObject({ code: "cursor-invalid", origin: "user" });
    }
  });

  it("says so where alerts behind the cursor are gone", async () => {
    const [first] = await take(1, {}, () => api.alertBus.publish([alertOf()]));
    await api.alertBus.publish([alertOf()]);
    await api.log.enforceRetention(Date.now() + 86_400_000, () => []);
    // What the server has in memory still bridges the gap; a server that starts has none.
    expect(await take(1, { after: first.cursor })).toHaveLength(1);
    await api.server.close();
    await api.serve(LIMITS);
    const [error] = await failureOf({ after: first.cursor });
    expect(error.extensions).toMatchObject({ code: "cursor-gap", origin: "user" });
  });

  it("closes a subscriber that does not read, with the cursor to go on from", async () => {
    const title = "x".repeat(128 * 1024);
    const socket = new WebSocket(api.socketUrl(), "graphql-transport-ws");
    await new Promise((resolve) => socket.once("open", resolve));
    const messages: { type: string; payload: never }[] = [];
    socket.on("message", (data) => messages.push(JSON.parse(String(data))));
    const closed = new Promise<{ code: number; reason: string }>((resolve) =>
      socket.once("close", (code, reason) => resolve({ code, reason: String(reason) })),
    );
    const open = await subscribers();
    const variables = { filter: { kinds: ["large"] } };
    socket.send(JSON.stringify({ type: "connection_init" }));
    await new Promise((resolve) => socket.once("message", resolve));
    socket.send(JSON.stringify({ id: "slow", type: "subscribe", payload: { query: QUERY, variables } }));
    while ((await subscribers()) === open) await sleep(1);
    socket.pause();
    const alerts = [];
    do {
      const alert = alertOf({ kind: "large", title });
      alerts.push(alert);
      await api.alertBus.publish([alert]);
      expect(alerts.length).toBeLessThan(1_000);
    } while ((await subscribers()) > open);
    socket.resume();
    const { code, reason } = await closed;
    const events = messages.filter(({ type }) => type === "next");
    const error = messages.at(-1) as unknown as { type: string; payload: { extensions: object }[] };
    const last = events.at(-1)?.payload as unknown as { data: { alerts: Event } };
    expect(events.length).toBeLessThan(alerts.length);
    expect(error.type).toBe("error");
    expect(error.payload[0].extensions).toEqual({
      code: "subscriber-too-slow",
      origin: "user",
      retry: true,
      cursor: last.data.alerts.cursor,
    });
    expect({ code, reason }).toEqual({
      code: 4290,
      reason: `subscriber-too-slow after=${last.data.alerts.cursor}`,
    });
    const rest = await take(alerts.length - events.length, { ...variables, after: last.data.alerts.cursor });
    expect(rest.map(({ id }) => id)).toEqual(alerts.slice(events.length).map(({ id }) => id));
  });

  it("ends with the cursor to go on from where the bus is gone", async () => {
    const own = await TestApi.start();
    const client = own.client();
    const events: Event[] = [];
    const [error] = await new Promise<readonly { extensions: object }[]>((resolve, reject) => {
      const sink = {
        next: ({ data }: { data?: { alerts: Event } | null }) => {
          events.push(data!.alerts);
          void own.alertBus.close();
        },
        error: (errors: unknown) => resolve(errors as never),
        complete: () => reject(new Error("completed")),
      };
      client.subscribe<{ alerts: Event }>({ query: QUERY, variables: { after: "begin" } }, sink);
      void own.alertBus.publish([alertOf()]);
    });
    expect(error.extensions).toMatchObject({
      code: "alert-bus-failed",
      cursor: events[0].cursor,
      retry: true,
    });
    await client.dispose();
    await own.stop();
  });
});
