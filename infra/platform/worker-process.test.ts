import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import { environmentOf } from "./worker-processes.ts";

/** An address at which nothing listens. */
const NOWHERE = "127.0.0.1:1";

test("a worker process that waits for its servers ends in order at SIGTERM", async () => {
  const config = scenarioConfig("unused", {
    mode: "distributed",
    logLevel: "warn",
    kafkaBrokers: [NOWHERE],
    s3Bucket: "none",
    s3Endpoint: `http://${NOWHERE}`,
    redisUrl: `redis://${NOWHERE}`,
    trinoUrl: `http://${NOWHERE}`,
    catalogUri: `http://${NOWHERE}`,
  });
  const child = fork(new URL("./worker-process.ts", import.meta.url), {
    env: { ...process.env, ...environmentOf(config) },
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let log = "";
  for await (const chunk of child.stderr ?? []) {
    log += chunk;
    if (log.includes("waiting for Kafka")) break;
  }
  // `worker` is the number of a thread.
  const [line] = log.split("\n");
  expect(JSON.parse(line)).toMatchObject({ pid: child.pid });
  expect(line).not.toContain('"worker":');
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});
