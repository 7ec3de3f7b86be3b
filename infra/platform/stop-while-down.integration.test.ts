import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Config } from "../config/index.ts";
import { distributedConfig } from "../scenarios/testing/distributed-config.ts";
import { WorkerChild } from "../scenarios/testing/distributed-run.ts";
import { type OwnCatalog, startOwnCatalog } from "../servers/own-catalog.ts";
import { type PrivateServer, startPrivateServer } from "../servers/private-server.ts";
import { uniqueName } from "../servers/test-servers.ts";
import { committed } from "./input-ends.ts";
import { Platform } from "./platform.ts";
import { appendPageViews } from "./testing/page-views.ts";

const SHARED = ["minio", "redis"] as const;
const TOPIC = "customer-events";
const EVENTS = 20;

describe("a worker process that is asked to stop while Kafka is down", () => {
  let kafka: PrivateServer<"kafka">;
  let config: Config;
  let catalog: OwnCatalog;
  let worker: WorkerChild | null;
  beforeEach(async () => {
    catalog = await startOwnCatalog(SHARED);
    kafka = await startPrivateServer("kafka");
    config = distributedConfig("unused", uniqueName("stop"), catalog.connections, {
      kafkaBrokers: [kafka.endpoint.bootstrap],
      kafkaReplication: 1,
      kafkaSessionTimeoutMs: 2_500,
      trinoUrl: "http://127.0.0.1:1",
      partitions: 1,
      workers: 0,
      stopWithinMs: 3_000,
    });
    worker = null;
  });
  afterEach(async () => {
    worker?.signal("SIGKILL");
    await worker?.ended;
    await kafka.remove();
    await catalog.remove();
  });

  async function withPlatform<T>(use: (platform: Platform) => Promise<T>): Promise<T> {
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const platform = await Platform.open(config, quiet);
    try {
      return await use(platform);
    } finally {
      await platform.close();
    }
  }

  /** Without it, nothing may have come since the last checkpoint, and there is none to wait for. */
  async function processed({ log }: WorkerChild, events: number): Promise<void> {
    const port = /"port":(\d+),"msg":"answers \/metrics/.exec(log)?.[1];
    await vi.waitFor(
      async () => {
        const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        expect(metrics).toContain(`millrace_records_total{topic="${TOPIC}"} ${events}\n`);
      },
      { timeout: 20_000, interval: 100 },
    );
  }

  // Paused, it takes connections and answers nobody; killed, it refuses them.
  it.each(["kill", "pause"] as const)(
    "by %s ends in the time that it is given, and loses nothing",
    async (how) => {
      await withPlatform(async ({ log }) => {
        worker = new WorkerChild(config, "");
        await worker.ready;
        await appendPageViews(log, 0, EVENTS);
        await committed(log, config.kafkaGroup, [{ topic: TOPIC, partition: 0, offset: EVENTS / 2 }]);
        await appendPageViews(log, EVENTS, EVENTS);
        await processed(worker, 2 * EVENTS);
      });
      await kafka[how]();
      worker?.signal("SIGTERM");
      expect(await worker?.ended).toBe(0);
      expect(worker?.log).toMatch(/waits for a last checkpoint of its tasks, 3 s in all at most/);
      expect(worker?.log).toMatch(/stopped without a last checkpoint; nothing is lost.*longer than 3 s/);
      if (how === "kill") await kafka.restart();
      else kafka.resume();
      await withPlatform(async (platform) => {
        worker = new WorkerChild(config, "");
        await worker.ready;
        await committed(platform.log, config.kafkaGroup, [
          { topic: TOPIC, partition: 0, offset: (await platform.log.offsets(TOPIC, 0)).end },
        ]);
        await platform.refreshTasks();
        const task = platform.tasks().find(({ taskId }) => taskId === "events-0");
        expect(task?.events).toMatchObject({ processed: 2 * EVENTS, duplicates: 0 });
      });
    },
  );
});
