import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import {
  CollectedLog,
  freshFolder,
  removeFolder,
  scenarioConfig,
} from "../scenarios/testing/scenario-home.ts";
import { dashboards } from "./dashboards.ts";
import { WorkMetrics } from "./work-metrics.ts";
import { WorkerEndpoint } from "./worker-endpoint.ts";

const LAUNCHER = join(import.meta.dirname, "../cli/millrace.mjs");
const RULES = join(import.meta.dirname, "../images/prometheus/rules/millrace.yml");
const POLL = { timeout: 60_000, interval: 250 };
const SETTINGS = {
  "--port": "0",
  "--checkpoint-interval-ms": "500",
  "--maintenance-interval-ms": "10000",
};

let home: string;
let url: string;
let stop: () => Promise<void>;
beforeAll(async () => {
  home = freshFolder("metrics");
  const flags = Object.entries(SETTINGS).flat();
  const child = spawn(process.execPath, [LAUNCHER, "up", "--json", "--home", home, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  stop = async () => {
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  let out = "";
  for await (const piece of child.stdout.iterator({ destroyOnReturn: false })) {
    out += piece;
    if (out.endsWith("\n")) break;
  }
  ({ url } = JSON.parse(out));
});
afterAll(async () => {
  await stop();
  removeFolder(home);
});

const served = async (from = url): Promise<string> => (await fetch(`${from}/metrics`)).text();

/** Sum of the samples of a metric whose labels the pattern takes. */
async function sumOf(metric: string, labels = ""): Promise<number> {
  const pattern = new RegExp(`^${metric}(?:\\{[^}]*${labels}[^}]*\\})? (\\S+)$`, "gm");
  return [...(await served()).matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Names as they are declared, without the endings that a histogram's samples have. */
function namesIn(text: string): Set<string> {
  return new Set(
    (text.match(/\b(?:millrace|process|nodejs)_[a-z0-9_]+/g) ?? []).map((name) =>
      name.replace(/_(?:bucket|count|sum)$/, ""),
    ),
  );
}

test("every metric that rules and dashboards name is served by a platform, or by a worker process", async () => {
  const endpoint = await WorkerEndpoint.open(
    scenarioConfig("unused", { workerPort: 29_600 }),
    new CollectedLog(),
    new WorkMetrics(),
  );
  const declared = new Set(
    [...`${await served()}\n${await served(endpoint.url ?? "")}`.matchAll(/^# TYPE (\S+) /gm)].map(
      ([, name]) => name,
    ),
  );
  await endpoint[Symbol.asyncDispose]();
  const asked = namesIn(`${readFileSync(RULES, "utf8")}\n${JSON.stringify(dashboards)}`);
  expect(asked.size).toBeGreaterThan(30);
  expect([...asked].filter((name) => !declared.has(name))).toEqual([]);
});

test("they count what a platform with a shop does", async () => {
  await expect
    .poll(() => sumOf("millrace_records_total", 'topic="customer-events"'), POLL)
    .toBeGreaterThan(0);
  await expect.poll(() => sumOf("millrace_checkpoint_duration_seconds_count"), POLL).toBeGreaterThan(1);
  await expect.poll(() => sumOf("millrace_hot_values_total"), POLL).toBeGreaterThan(0);
  expect(await sumOf("millrace_ready")).toBe(1);
  expect(await sumOf("millrace_dependency_up")).toBe(3);
  expect(await sumOf("millrace_worker_failures_total")).toBe(0);
  expect(await sumOf("millrace_topic_end_offset", 'topic="customer-events"')).toBeGreaterThan(0);
  expect(await sumOf("millrace_worker_busy_ratio")).toBeGreaterThan(0);
});

test("a record that is refused counts by topic and reason", async () => {
  const labels = 'topic="orders",reason="invalid-json"';
  expect(await sumOf("millrace_dead_letters_total", labels)).toBe(0);
  const adapters = openEmbeddedAdapters(home, Date.now);
  const bytes = Buffer.from("no order");
  const [starts, ends] = [Int32Array.of(0), Int32Array.of(bytes.length)];
  await adapters.log.append([{ topic: "orders", partition: 0, count: 1, bytes, starts, ends }]);
  await adapters.close();
  await expect.poll(() => sumOf("millrace_dead_letters_total", labels), POLL).toBe(1);
});

test("a round of maintenance tells when it was, and how many files the tables have", async () => {
  await expect
    .poll(() => sumOf("millrace_table_files", 'table="bronze.customer_events"'), POLL)
    .toBeGreaterThan(0);
  expect(await sumOf("millrace_table_rows", 'table="bronze.customer_events"')).toBeGreaterThan(0);
  expect(await sumOf("millrace_maintenance_failures_total")).toBe(0);
});
