import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpWebhookReceiver } from "../../adapters/http-webhook-receiver.ts";
import { LmdbEventLog } from "../../adapters/lmdb-event-log.ts";
import { ALERTS_TOPIC, LogAlertBus } from "../../adapters/log-alert-bus.ts";
import { alertOf } from "../../ports/alerts.fixture.ts";
import { eventLoopScheduling } from "../../runtime/scheduling.ts";
import { AlertWebhook, type AlertWebhookDeps } from "./alert-webhook.ts";
import { webhookSecretOf } from "./webhook-message.ts";

const SECRET = `whsec_${randomBytes(32).toString("base64")}`;

interface Message {
  readonly id: string;
  readonly alerts: readonly { id: string; revision: number; cursor: string }[];
  readonly body: string;
}
type Answer = (response: ServerResponse, request: IncomingMessage) => void;
const ok: Answer = (response) => response.writeHead(204).end();
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end("no");

describe("an alert webhook", () => {
  let folder: string;
  let log: LmdbEventLog;
  let bus: LogAlertBus;
  let server: Server;
  let url: string;
  /** What came, whatever was answered. */
  let came: Message[];
  /** By the number of messages before; else they are taken. */
  let answers: Answer[];
  let cursor: string | null;
  let waits: number[];
  let logged: string[];
  let sent: number;
  let now: number;
  let open: AlertWebhook[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "millrace-webhook-"));
    now = Date.now();
    log = new LmdbEventLog({ path: join(folder, "log"), clock: () => now });
    await log.createTopics([
      { name: ALERTS_TOPIC, partitions: 1, retentionMs: 60_000, retentionBytes: null },
    ]);
    bus = new LogAlertBus(log);
    [came, answers, waits, logged, open, cursor, sent] = [[], [], [], [], [], null, 0];
    server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const body = Buffer.concat(pieces).toString();
      const answer = answers[came.length] ?? ok;
      // The specification's own library says whether message and signature are as they should be.
      const verified = new Webhook(SECRET).verify(body, request.headers as Record<string, string>);
      const { alerts } = (verified as { data: Pick<Message, "alerts"> }).data;
      came.push({ id: String(request.headers["webhook-id"]), alerts, body });
      answer(response, request);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/t0ken`;
  });
  afterEach(async () => {
    await Promise.all(open.map((webhook) => webhook.stop()));
    server.closeAllConnections();
    server.close();
    await bus.close();
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(changes: Partial<AlertWebhookDeps> & { readonly timeoutMs?: number } = {}): AlertWebhook {
    const { timeoutMs = 5_000, ...deps } = changes;
    const note = ({ err, ...details }: { readonly err?: Error }, message: string) =>
      void logged.push([message, JSON.stringify(details), err?.message].join(" "));
    const webhook = new AlertWebhook({
      alertBus: bus,
      receiver: new HttpWebhookReceiver({
        ...{ url, timeoutMs, clock: () => now },
        secret: webhookSecretOf(SECRET) as Buffer,
      }),
      cursor: {
        load: async () => cursor,
        save: async (saved) => {
          cursor = saved;
        },
      },
      severityMin: "low",
      clock: () => now,
      sleep: async (ms) => {
        waits.push(ms);
        now += ms;
        await eventLoopScheduling.nextTurn();
      },
      nextTurn: () => eventLoopScheduling.nextTurn(),
      random: () => 1,
      logger: { info: note, warn: note, error: note },
      onSent: (alerts) => {
        sent += alerts;
      },
      onFailed: () => undefined,
      ...deps,
    });
    open.push(webhook);
    return webhook;
  }
  const isReady = () => expect.poll(() => cursor).not.toBeNull();
  const publish = (...ids: string[]) => bus.publish(ids.map((id) => alertOf(id)));
  const cameIds = () => came.map(({ alerts }) => alerts.map(({ id }) => id));
  const isSaved = () => expect.poll(async () => cursor === (await bus.position("next"))).toBe(true);

  it("sends alerts as the API shows them, signed after Standard Webhooks, from its first start on", async () => {
    await publish("old");
    start();
    await isReady();
    await publish("a");
    await expect.poll(() => came).toHaveLength(1);
    const { type, timestamp, data } = JSON.parse(came[0].body);
    expect(type).toBe("alerts");
    expect(timestamp).toBe(new Date(now).toISOString());
    expect(data.alerts).toEqual([
      {
        ...alertOf("a"),
        eventTime: "2023-11-14T22:13:20.000Z",
        windowStart: "2023-11-14T22:12:20.000Z",
        windowEnd: "2023-11-14T22:13:20.000Z",
        cursor: await bus.position("next"),
      },
    ]);
    await isSaved();
  });

  it("sends those that wait together, in their order, while the receiver takes its time", async () => {
    let takes: ServerResponse | null = null;
    answers[0] = (response) => {
      takes = response;
    };
    start();
    await isReady();
    await publish("first");
    await expect.poll(() => takes).not.toBeNull();
    const ids = Array.from({ length: 250 }, (_, i) => `a${i}`);
    await publish(...ids);
    (takes as unknown as ServerResponse).writeHead(200).end();
    await expect.poll(() => sent).toBe(251);
    expect(cameIds().flat()).toEqual(["first", ...ids]);
    expect(Math.max(...cameIds().map((each) => each.length))).toBe(100);
    expect(came.length).toBeLessThan(8);
  });

  it("sends what was not taken again, the same, until it is, and later each time", async () => {
    const failures: Answer[] = [
      status(500),
      status(404),
      (response) => response.destroy(),
      // What is elsewhere is not looked for.
      (response, request) => status(307, { location: String(request.url) })(response, request),
      status(429, { "retry-after": "90" }),
    ];
    answers = [...failures];
    const webhook = start();
    await isReady();
    await publish("a");
    await expect.poll(() => sent).toBe(1);
    expect(cameIds()).toEqual(Array.from({ length: failures.length + 1 }, () => ["a"]));
    expect(new Set(came.map(({ id, body }) => id + body)).size).toBe(1);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 90_000]);
    expect(logged.filter((line) => line.startsWith("the webhook took no alerts"))).toHaveLength(
      failures.length,
    );
    expect(logged.at(-1)).toContain('the webhook works again {"failures":5,"failedForMs":105000}');
    expect(logged[0]).toMatch(/127\.0\.0\.1:\d+ answered 500$/);
    expect(logged.join()).not.toContain("t0ken");
    expect(webhook.failingMs).toBe(0);
    await publish("b");
    await expect.poll(() => sent).toBe(2);
    expect(waits).toHaveLength(failures.length);
  });

  it("tells for how long it has failed, and waits five minutes at most", async () => {
    server.close();
    server.closeAllConnections();
    const webhook = start({ sleep: async (ms) => void waits.push(ms) });
    await isReady();
    await publish("a");
    await expect.poll(() => waits.length).toBeGreaterThan(12);
    now += 7_000;
    expect(webhook.failingMs).toBe(7_000);
    expect(Math.max(...waits)).toBe(300_000);
    expect(logged[0]).toContain("does not answer");
  });

  it("takes an answer that does not come in time for none", async () => {
    answers[0] = () => undefined;
    start({ timeoutMs: 50 });
    await isReady();
    await publish("a");
    await expect.poll(() => sent).toBe(1);
    expect(cameIds()).toEqual([["a"], ["a"]]);
  });

  it("stops while its receiver says nothing, and goes on behind what was taken", async () => {
    answers[1] = () => undefined;
    const first = start();
    await isReady();
    await publish("a");
    await expect.poll(() => sent).toBe(1);
    await publish("b");
    await expect.poll(() => came).toHaveLength(2);
    await first.stop();
    await publish("c");
    start();
    await expect.poll(() => sent).toBe(3);
    expect(cameIds().slice(2).flat()).toEqual(["b", "c"]);
    await isSaved();
  });

  it("leaves out what is less severe, and keeps its place among it", async () => {
    const low = Array.from({ length: 1_000 }, (_, i) => ({
      ...alertOf(`low${i}`),
      severity: "low" as const,
    }));
    start({ severityMin: "high" });
    await isReady();
    await bus.publish(low);
    await isSaved();
    await bus.publish([{ ...alertOf("medium"), severity: "medium" }, alertOf("high"), low[0]]);
    await expect.poll(cameIds).toEqual([["high"]]);
    await isSaved();
  });

  it("goes on with what is kept where alerts were dropped before they were taken, and says so", async () => {
    await publish("a", "b", "c");
    cursor = Buffer.from("0:0").toString("base64url");
    now += 61_000;
    await publish("d");
    await log.enforceRetention(now, () => []);
    start();
    await expect.poll(cameIds).toEqual([["d"]]);
    expect(logged[0]).toContain("alerts were dropped before the webhook took them");
  });

  it("goes on where the bus or the place of the cursor fails for a while, which counts as failing", async () => {
    let failures = 4;
    const unless = <T>(value: () => T): T => {
      if (failures-- > 0) throw new Error("not now");
      return value();
    };
    const webhook = start({
      alertBus: {
        position: async (of) => unless(() => bus.position(of)),
        subscribe: (...args) => unless(() => bus.subscribe(...args)),
      },
      cursor: {
        load: async () => unless(() => cursor),
        save: async (saved) =>
          unless(() => {
            cursor = saved;
          }),
      },
      sleep: async (ms) => {
        waits.push(ms);
        expect(webhook.failingMs).toBe(now - startedAt);
        now += ms;
        await eventLoopScheduling.nextTurn();
      },
    });
    const startedAt = now;
    await isReady();
    await expect.poll(() => webhook.failingMs).toBe(0);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  it("sends nothing twice while what was taken cannot be noted, and tells that it fails", async () => {
    let failures = 0;
    const webhook = start({
      cursor: {
        load: async () => cursor,
        save: async (saved) => {
          if (failures-- > 0) throw new Error("no space left");
          cursor = saved;
        },
      },
      sleep: async (ms) => {
        waits.push(ms);
        now += ms;
        if (failures === 1) expect(webhook.failingMs).toBeGreaterThan(0);
        await eventLoopScheduling.nextTurn();
      },
    });
    await isReady();
    failures = 5;
    await publish("a");
    await isSaved();
    expect(cameIds()).toEqual([["a"]]);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(logged[0]).toContain("cannot be noted");
    expect(webhook.failingMs).toBe(0);
  });

  it("survives that the bus fails while a full message is under way", async () => {
    let taking: ((value: unknown) => void) | null = null;
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);
    process.on("unhandledRejection", note);
    const alerts = Array.from({ length: 100 }, (_, i) => ({ alert: alertOf(`a${i}`), cursor: `${i}` }));
    let subscriptions = 0;
    start({
      receiver: {
        post: (_message, signal) =>
          new Promise((resolve, reject) => {
            taking = resolve as (value: unknown) => void;
            signal.addEventListener("abort", () => reject(signal.reason));
          }),
      },
      alertBus: {
        position: async () => "next",
        async *subscribe(_after, signal) {
          if (subscriptions++ === 0) {
            yield* alerts;
            throw new Error("the bus is gone");
          }
          await once(signal, "abort");
        },
      },
    });
    await expect.poll(() => taking).not.toBeNull();
    for (let i = 0; i < 5; i++) await eventLoopScheduling.nextTurn();
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
    (taking as unknown as (value: unknown) => void)(undefined);
    await expect.poll(() => subscriptions).toBe(2);
    expect(cursor).toBe("99");
    expect(sent).toBe(100);
  });

  it("says so where alerts are dropped before the first one is taken", async () => {
    answers = Array.from({ length: 3 }, () => status(401));
    const first = start({ sleep: (_, signal) => once(signal, "abort").then(() => undefined) });
    await isReady();
    await publish("a");
    await expect.poll(() => came).toHaveLength(1);
    await first.stop();
    now += 61_000;
    await publish("b");
    await log.enforceRetention(now, () => []);
    start();
    await expect.poll(() => sent).toBe(1);
    expect(cameIds().at(-1)).toEqual(["b"]);
    expect(logged.join()).toContain("alerts were dropped before the webhook took them");
  });
});
