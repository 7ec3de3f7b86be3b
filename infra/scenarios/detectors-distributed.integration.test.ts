import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { SeededRandom, type ShopTruth, wholeTopics } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { consumerGroupsOf } from "../platform/consumer-groups.ts";
import { committed } from "../platform/input-ends.ts";
import { connectionSettings } from "../servers/local-servers.ts";
import { type PrivateServer, startPrivateServer } from "../servers/private-server.ts";
import { testServer, testServers, uniqueName } from "../servers/test-servers.ts";
import { describeDetectors, type ShopRun } from "./testing/detector-suite.ts";
import { type Connections, freshDistributedConfig } from "./testing/distributed-config.ts";
import { DistributedRun } from "./testing/distributed-run.ts";

const SERVERS = ["kafka", "minio", "redis"] as const;

/** Tables have fixed names, so the catalog is the test's own; all else is apart by name. */
let catalog: PrivateServer<"catalog">;
beforeAll(async () => {
  await testServers.start(SERVERS);
  catalog = await startPrivateServer("catalog", { endpoints: { minio: await testServer("minio") } });
});
afterAll(() => catalog?.remove());

const KILLS = 2;
const WORKERS = 2;
const CHUNK_EVERY_MS = 30;
/** Records that are appended around a kill. */
const KILL_RECORDS = 5_000;
/** The seed of the moments and victims; printed, so that a failing one can be given again. */
const seed = Number(process.env.MILLRACE_SEED ?? 1);

/** Kills worker processes with SIGKILL while records come; their tasks go to the others, or to new ones. */
async function processKilled(config: Config, { prepare, ...input }: ShopRun): Promise<ShopTruth> {
  const random = new SeededRandom(seed);
  const run = await DistributedRun.open({ ...config, workers: 0 }, input);
  try {
    await run.keepWorkers(WORKERS);
    await prepare(run.platform);
    for (let kill = 0; kill < KILLS; kill++) {
      const feeding = run.feed.append(KILL_RECORDS, CHUNK_EVERY_MS);
      await sleep(random.between(300, 1_500));
      const victim = random.pick(run.running);
      victim.signal("SIGKILL");
      expect(await victim.ended, `seed ${seed}`).toBe("SIGKILL");
      await run.keepWorkers(WORKERS);
      await feeding;
    }
    await run.finish(WORKERS);
  } catch (error) {
    await run.close();
    throw error;
  }
  return run.feed.truth();
}

describeDetectors({
  name: "distributed",
  async freshConfig(folder, flags) {
    // Nobody queries: the oracles read the files.
    const rest = { catalogUri: catalog.endpoint.uri, trinoUrl: "http://127.0.0.1:1" };
    const connections: Connections = { ...connectionSettings(testServers, SERVERS), ...rest };
    return freshDistributedConfig(folder, uniqueName("detectors"), connections, {
      workers: 2,
      checkpointIntervalMs: 1_000,
      ...flags,
    });
  },
  async productsSeen({ config, log }) {
    const groupsOf = consumerGroupsOf(config);
    for (const topic of wholeTopics) {
      for (let partition = 0; partition < config.partitions; partition++) {
        const { end } = await log.offsets(topic, partition);
        for (const group of groupsOf(topic, partition))
          await committed(log, group, [{ topic, partition, offset: end }]);
      }
    }
  },
  seeds: [1],
  killed: { seeds: [2], process: processKilled },
  files: [],
});
