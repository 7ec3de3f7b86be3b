import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endOfInput } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { GroupWorker } from "../platform/group-worker.ts";
import { Platform } from "../platform/platform.ts";
import { type Connections, freshDistributedConfig } from "../scenarios/testing/distributed-config.ts";
import { LakeReader } from "../scenarios/testing/lake-reader.ts";
import {
  CollectedLog,
  freshFolder,
  removeFolder,
  scenarioConfig,
  withPlatform,
} from "../scenarios/testing/scenario-home.ts";
import { connectionSettings } from "../servers/local-servers.ts";
import { type PrivateServer, startPrivateServer } from "../servers/private-server.ts";
import type { ServerName } from "../servers/server-spec.ts";
import { testServer, testServers, uniqueName } from "../servers/test-servers.ts";
import { declaredTopics } from "../topics/declared-topics.ts";
import { KafkaTopicAdmin } from "../topics/kafka-topic-admin.ts";
import { differencesOf } from "../topics/topic-admin.ts";
import { spreadAnew } from "./rescale.ts";
import { createHistoryTopics, endHistory, openTarget } from "./rescale-target.ts";
import { endShop, expectSameRows, FIRST_CHUNKS, feedShop, RESCALE_SETTINGS } from "./testing/rescale-shop.ts";

const MINUTES_MS = 60_000;

describe("platforms on servers", { timeout: 10 * MINUTES_MS }, () => {
  const folder = freshFolder("rescale-distributed");
  const privates: PrivateServer<ServerName>[] = [];
  let reader: LakeReader;
  let oldServers: Connections;
  let newServers: Connections;

  beforeAll(async () => {
    reader = await LakeReader.open();
    await testServers.start(["kafka", "minio", "redis"]);
    const minio = await testServer("minio");
    // Tables have fixed names: each platform has a catalog of its own, and the old one's is read by Trino.
    const catalogs = await Promise.all([catalog(minio), catalog(minio)]);
    const trino = await startPrivateServer("trino", {
      endpoints: { minio, catalog: catalogs[0].endpoint },
    });
    privates.push(trino);
    // Nobody is killed: a machine that is busy may take its time.
    const patient = { kafkaSessionTimeoutMs: 20_000 };
    const shared = { ...connectionSettings(testServers, ["kafka", "minio", "redis"]), ...patient };
    const { url: trinoUrl, catalog: trinoCatalog, user: trinoUser } = trino.endpoint;
    oldServers = { ...shared, catalogUri: catalogs[0].endpoint.uri, trinoUrl, trinoCatalog, trinoUser };
    newServers = { ...shared, catalogUri: catalogs[1].endpoint.uri, trinoUrl: "http://127.0.0.1:1" };
  }, 10 * MINUTES_MS);
  afterAll(async () => {
    reader?.close();
    for (const server of privates.reverse()) await server.remove();
    removeFolder(folder);
  });

  async function catalog(minio: Awaited<ReturnType<typeof testServer<"minio">>>) {
    const server = await startPrivateServer("catalog", { endpoints: { minio } });
    privates.push(server);
    return server;
  }

  /** While no worker runs: of a minute that is written in a moment, one would see some topics before others. */
  async function feed(config: Config, append: (log: Platform["log"]) => Promise<void>): Promise<void> {
    const platform = await Platform.open(config, new CollectedLog(), { runsWorkers: false });
    try {
      await append(platform.log);
    } finally {
      await platform.close();
    }
  }

  /** Fills the new platform from the old one's bronze; null where it was stopped on the way. */
  async function spread(old: Config, target: Config, stopAfter = Number.POSITIVE_INFINITY) {
    const controller = new AbortController();
    const platform = await Platform.open(old, new CollectedLog(), { runsWorkers: false, runsQueries: true });
    try {
      return await spreadAnew({
        engine: platform.queryEngine,
        objects: platform.adapters.objects,
        target,
        signal: controller.signal,
        appendRecords: 500,
        onProgress: (records) => records >= stopAfter && controller.abort(),
      });
    } finally {
      await platform.close();
    }
  }

  it.each([
    { before: 2, after: 4 },
    { before: 3, after: 1 },
  ])(
    "of $before partitions, spread over $after, go on as one that had so many from the beginning",
    async ({ before, after }) => {
      const name = uniqueName("rescale");
      const flags = { ...RESCALE_SETTINGS, workers: 1 };
      const old = await freshDistributedConfig(join(folder, "old"), `${name}-old`, oldServers, {
        ...flags,
        partitions: before,
      });
      const rescaled = await freshDistributedConfig(join(folder, "new"), `${name}-new`, newServers, {
        ...flags,
        partitions: after,
      });
      await createHistoryTopics(old);
      await feed(old, (log) => feedShop(log, before, { to: FIRST_CHUNKS }));
      await withPlatform(old, (platform) => platform.waitUntilProcessed(), { takesHistory: true });
      expect(await spread(old, rescaled, 500)).toBeNull();
      // A part of it is there: nothing runs on that.
      const half = Platform.open(rescaled, new CollectedLog());
      await expect(half).rejects.toMatchObject({ code: "rescale-unfinished" });
      const worker = GroupWorker.open(rescaled, new CollectedLog());
      await expect(worker).rejects.toMatchObject({ code: "rescale-unfinished" });
      expect(await spread(old, rescaled)).toBeGreaterThan(2000);
      await withPlatform(rescaled, (platform) => platform.waitUntilProcessed(), { takesHistory: true });
      await feed(rescaled, (log) => feedShop(log, after, { from: FIRST_CHUNKS }));
      await withPlatform(rescaled, (platform) => platform.waitUntilProcessed(), { takesHistory: true });
      await endHistory(rescaled);
      await feed(rescaled, (log) => endShop(log, after));
      await withPlatform(rescaled, (platform) => platform.waitUntilProcessed());
      expect(await topicDifferences(rescaled)).toEqual([]);
      // What so many partitions make of the same records: in embedded mode, which has to agree.
      const fresh = scenarioConfig(join(folder, `fresh-${after}`), {
        ...RESCALE_SETTINGS,
        partitions: after,
      });
      await withPlatform(fresh, async (platform) => {
        await feedShop(platform.log, after);
        await endShop(platform.log, after);
        await platform.waitUntilProcessed();
      });
      await expectSameRows(reader, fresh, rescaled);
    },
  );

  it("are not waited for any longer when they are closed", async () => {
    const config = await freshDistributedConfig(
      join(folder, "closed"),
      uniqueName("rescale"),
      newServers,
      {},
    );
    const platform = await Platform.open(config, new CollectedLog(), { runsWorkers: false });
    await platform.log.append([endOfInput("orders", 0)]);
    const told = expect(platform.waitUntilProcessed()).rejects.toMatchObject({ code: "worker-stopped" });
    await platform.close();
    await told;
  });

  it("are told where the new one's topics have other partitions, or it has something already", async () => {
    const name = uniqueName("rescale");
    const target = await freshDistributedConfig(join(folder, "new"), `${name}-new`, newServers, {
      partitions: 2,
    });
    await withPlatform({ ...target, workers: 0 }, async () => undefined);
    const none = { partitions: 2, ranges: [] };
    await expect(openTarget({ ...target, partitions: 1 }, none)).rejects.toMatchObject({
      code: "topic-mismatch",
      message: expect.stringContaining("kafkaTopicPrefix"),
    });
    const emptyElsewhere = { ...target, s3Prefix: `${name}-other` };
    await expect(openTarget(emptyElsewhere, none)).rejects.toMatchObject({
      code: "rescale-target-taken",
      message: expect.stringContaining("its catalog has"),
    });
  });
});

async function topicDifferences(config: Config) {
  const admin = await KafkaTopicAdmin.open(config);
  try {
    return await differencesOf(
      declaredTopics(config).filter(({ only }) => only === null),
      admin,
    );
  } finally {
    await admin.close();
  }
}
