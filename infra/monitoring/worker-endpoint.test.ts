import { afterEach, expect, test } from "vitest";
import { CollectedLog, scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import { WorkMetrics } from "./work-metrics.ts";
import { WorkerEndpoint } from "./worker-endpoint.ts";

/** Below the range from which systems take the ports of outgoing connections. */
const PORT = 29_500;
/** Connections that are kept open to a port are of the endpoint that a test before had there. */
let nextPort = PORT;

const open: WorkerEndpoint[] = [];
afterEach(async () => {
  for (const endpoint of open.splice(0)) await endpoint[Symbol.asyncDispose]();
});

async function openEndpoint(workerPort = nextPort++, metrics = new WorkMetrics(), log = new CollectedLog()) {
  const config = scenarioConfig("unused", { workerPort });
  const endpoint = await WorkerEndpoint.open(config, log, metrics);
  open.push(endpoint);
  const get = (path: string, method = "GET") => fetch(`${endpoint.url}${path}`, { method });
  return { endpoint, get };
}

test("workers of one machine take a port each, from the one of the setting on", async () => {
  const port = nextPort++;
  const [first, second] = [await openEndpoint(port), await openEndpoint(port)];
  nextPort += 100;
  const portOf = ({ endpoint }: typeof first) => Number(new URL(endpoint.url ?? "").port);
  expect(portOf(first)).toBeGreaterThanOrEqual(PORT);
  expect(portOf(second)).toBeGreaterThan(portOf(first));
  expect((await first.get("/health")).status).toBe(200);
  expect((await second.get("/health")).status).toBe(200);
});

test("without a port nothing listens, and where none is to be had it is told", async () => {
  expect((await openEndpoint(0)).endpoint.url).toBeNull();
  const log = new CollectedLog();
  const config = scenarioConfig("unused", { workerPort: PORT, host: "192.0.2.1" });
  const endpoint = await WorkerEndpoint.open(config, log, new WorkMetrics());
  expect(endpoint.url).toBeNull();
  expect(log.complaints).toEqual([expect.stringContaining("found no port")]);
});

test("a worker is live from the start, and ready once it waits for nothing", async () => {
  const { endpoint, get } = await openEndpoint();
  expect(await (await get("/health")).json()).toEqual({ status: "live" });
  const begun = await get("/ready");
  expect(begun.status).toBe(503);
  expect(await begun.json()).toEqual({ ready: false, waitingFor: ["it waits for its servers"] });
  let waitingFor = ["its tasks of partition 1 do not work yet"];
  endpoint.watch({ waitingFor: () => waitingFor, taskIds: ["events-0", "insights-0"] });
  expect(await (await get("/ready")).json()).toEqual({ ready: false, waitingFor });
  expect(await (await get("/metrics")).text()).toContain("millrace_worker_ready 0\n");
  waitingFor = [];
  const ready = await get("/ready");
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({ ready: true, waitingFor: [] });
  const metrics = await get("/metrics?from=prometheus");
  expect(metrics.headers.get("content-type")).toContain("text/plain");
  const text = await metrics.text();
  expect(text).toContain("millrace_worker_ready 1\n");
  expect(text).toContain("millrace_worker_tasks 2\n");
  expect(text).toContain("process_resident_memory_bytes ");
});

test("anything else is refused", async () => {
  const { get } = await openEndpoint();
  expect((await get("/graphql")).status).toBe(404);
  expect((await get("/metrics", "POST")).status).toBe(405);
});
