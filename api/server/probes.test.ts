import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestApi, taskOf } from "./api.fixture.ts";

const MODEL_HEALTH = {
  rows: 900,
  meanScore: 0.4,
  scoreStability: 0.3,
  featureStability: [],
  labels: 0,
  positives: 0,
  truePositives: 0,
  falsePositives: 0,
  precision: null,
  recall: null,
  calibrationError: null,
};

describe("probes, metrics and pages", () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.start({ probeTimeoutMs: 500 });
  });
  afterAll(() => api.stop());

  const get = (path: string) => fetch(`${api.server.url}${path}`);

  it("are ready only while every task runs and the engine answers", async () => {
    expect((await get("/health")).status).toBe(200);
    const none = await get("/ready");
    expect(none.status).toBe(503);
    expect(await none.json()).toEqual({ ready: false, waitingFor: ["the pipeline has no task yet"] });
    api.tasks = [taskOf(), taskOf({ taskId: "events-1", state: "recovering" })];
    expect(await (await get("/ready")).json()).toMatchObject({ waitingFor: ["task events-1 is recovering"] });
    api.tasks = [taskOf()];
    expect((await get("/ready")).status).toBe(200);
    api.failing = new Error("down");
    const down = await get("/ready");
    api.failing = null;
    expect(down.status).toBe(503);
    expect(await down.json()).toMatchObject({ waitingFor: ["the query engine does not answer"] });
    api.hotStoreHangs = true;
    const hanging = await get("/ready");
    api.hotStoreHangs = false;
    expect(hanging.status).toBe(503);
    expect(await hanging.json()).toMatchObject({ waitingFor: ["the hot store does not answer"] });
  });

  it("say that the tasks are unknown, and since when", async () => {
    api.tasks = [taskOf({ state: "unknown" }), taskOf({ taskId: "events-1", state: "unknown" })];
    api.statusAgeMs = 12_000;
    const unknown = await get("/ready");
    const text = await (await get("/metrics")).text();
    api.statusAgeMs = 0;
    expect(unknown.status).toBe(503);
    expect(await unknown.json()).toEqual({
      ready: false,
      waitingFor: ["the state of the tasks is unknown: Kafka or the object store has not told it for 12 s"],
    });
    expect(text).toContain("millrace_status_age_seconds 12");
    expect(text).toContain('millrace_task_state{task="events-1",state="unknown"} 1');
  });

  it("expose the pipeline's figures to Prometheus", async () => {
    api.tasks = [taskOf({ watermarkMs: Date.now() - 5_000, checkpointedAt: Date.now() - 3_000 })];
    await get("/no-such-page");
    const response = await get("/metrics");
    expect(response.headers.get("content-type")).toContain("text/plain");
    const text = await response.text();
    expect(text).toContain('millrace_events_total{task="events-0",outcome="processed"} 90');
    expect(text).toContain('millrace_events_total{task="events-0",outcome="tooLate"} 4');
    expect(text).toContain(
      'millrace_task_lag_records{task="events-0",topic="customer-events",partition="0"} 10',
    );
    expect(text).toContain('millrace_task_state{task="events-0",state="running"} 1');
    expect(Number(/millrace_watermark_delay_seconds\{task="events-0"\} (.*)/.exec(text)?.[1])).toBeCloseTo(
      5,
      0,
    );
    expect(Number(/millrace_checkpoint_age_seconds\{task="events-0"\} (.*)/.exec(text)?.[1])).toBeCloseTo(
      3,
      0,
    );
    expect(text).toMatch(
      /millrace_http_request_duration_seconds_count\{method="GET",route="\/health",status="200"\} \d/,
    );
    expect(text).toContain('route="unknown",status="404"');
    expect(text).not.toContain("no-such-page");
    expect(text).toContain("millrace_alert_subscribers 0");
    expect(text).toContain("process_cpu_seconds_total");
  });

  it("expose readiness by what it depends on, and the ends of the topics once each", async () => {
    const health = { ...MODEL_HEALTH, version: "v3", drifted: true };
    const model = {
      plugin: "fraud",
      champion: "v3",
      challenger: null,
      championMicros: null,
      challengerMicros: null,
    };
    api.tasks = [
      taskOf({ models: [{ ...model, health }] }),
      taskOf({
        taskId: "events-1",
        watermarkMs: null,
        models: [{ ...model, health: { ...health, drifted: false } }],
      }),
    ];
    const text = await (await get("/metrics")).text();
    expect(text).toContain("millrace_ready 1\n");
    expect(text).toContain('millrace_topic_end_offset{topic="customer-events",partition="0"} 100\n');
    expect(text.match(/^millrace_topic_end_offset\{/gm)).toHaveLength(1);
    expect(text).toContain('millrace_watermark_timestamp_seconds{task="events-0"} 1700000000\n');
    expect(text).not.toContain('millrace_watermark_timestamp_seconds{task="events-1"}');
    expect(text).toContain('millrace_model_drifted{task="events-0",plugin="fraud",version="v3"} 1\n');
    expect(text).toContain('millrace_model_drifted{task="events-1",plugin="fraud",version="v3"} 0\n');
    api.hotStoreHangs = true;
    const hanging = await (await get("/metrics")).text();
    api.hotStoreHangs = false;
    expect(hanging).toContain("millrace_ready 0\n");
    expect(hanging).toContain('millrace_dependency_up{dependency="tasks"} 1\n');
    expect(hanging).toContain('millrace_dependency_up{dependency="query-engine"} 1\n');
    expect(hanging).toContain('millrace_dependency_up{dependency="hot-store"} 0\n');
  });

  it("serve pages that load everything from here", async () => {
    for (const page of ["/", "/graphiql"]) {
      const response = await get(page);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-security-policy")).toContain("default-src 'self'");
      const html = await response.text();
      const links = Array.from(html.matchAll(/(?:src|href)="([^"]+)"/g), (match) => match[1]);
      for (const link of links.filter((link) => link !== "data:,")) {
        expect(link).toMatch(/^\//);
        expect((await get(link)).status, link).toBe(200);
      }
    }
    for (const path of ["/web/../package.json", "/web/graphiql/../react/package.json", "/web/index.html"]) {
      expect((await get(path)).status, path).toBe(404);
    }
  });

  it("say so where the address is taken", async () => {
    const port = Number(new URL(api.server.url).port);
    const own = await TestApi.start();
    const { server } = own;
    await expect(own.serve({ port })).rejects.toMatchObject({ code: "listen-failed", origin: "user" });
    own.server = server;
    await own.stop();
  });

  it("close at once, with requests and sockets under way", async () => {
    const own = await TestApi.start();
    const client = own.client();
    const ended = new Promise((resolve) => {
      client.on("closed", resolve);
      client.subscribe(
        { query: "subscription { alerts { id } }" },
        { next: () => undefined, error: () => undefined, complete: () => undefined },
      );
      client.on("connected", () => void own.stop());
    });
    expect(await ended).toMatchObject({ code: 1001 });
  });
});
