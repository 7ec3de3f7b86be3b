import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { createLakePublisher } from "../../table/index.ts";
import { idsOf } from "../testing/remote-lake.ts";
import { type LakeServers, openTrinoLake, type TrinoLake, trinoConnection } from "./testing.ts";
import { maintainTablesByTrino, type TrinoMaintenanceOptions } from "./trino-maintenance.ts";

/** Epochs after which a writer gives up waiting for maintenance to find something. */
const EPOCHS_MAX = 200;

describe("maintenance by Trino", () => {
  let servers: LakeServers;
  let lake: TrinoLake;
  beforeAll(async () => {
    servers = {
      trino: await testServer("trino"),
      catalog: await testServer("catalog"),
      minio: await testServer("minio"),
    };
  });
  beforeEach(async () => {
    lake = await openTrinoLake(servers, uniqueName("maintained").replaceAll("-", "_"));
  });
  afterEach(() => lake.engine.close());

  const maintain = (options: Partial<TrinoMaintenanceOptions> = {}) =>
    maintainTablesByTrino([lake.spec], {
      ...trinoConnection(servers),
      catalog: lake.catalog,
      prepared: [],
      ...options,
    });
  const ids = async () => {
    const { rows } = await lake.engine.query(`SELECT id FROM {${lake.table}} ORDER BY id`, []);
    return rows.map(({ id }) => id);
  };
  const snapshotIds = async () =>
    ((await lake.catalog.load(lake.table))?.metadata.snapshots ?? []).map((each) =>
      String(each["snapshot-id"]),
    );
  const objects = async (folder: string) => {
    const keys: string[] = [];
    for await (const { key } of lake.objectStore.list(`lake/gold/${lake.spec.name}/${folder}`))
      keys.push(key);
    return keys;
  };

  it("merges the small files of each day and says so; snapshots and objects that are young stay", async () => {
    for (let i = 0; i < 4; i++) await lake.append(i * 10, i * 10 + 10, 20_000);
    for (let i = 4; i < 7; i++) await lake.append(i * 10, i * 10 + 10, 20_001);
    const before = await snapshotIds();
    const orphan = `lake/gold/${lake.spec.name}/data/staged.parquet`;
    await lake.objectStore.put(orphan, Buffer.from("staged, not yet published"));
    const [report] = await maintain();
    expect(report).toMatchObject({
      table: lake.table,
      compaction: { filesBefore: 7, filesAfter: 2, rows: 70, committed: true },
      expiry: { snapshots: 0 },
    });
    expect(report.compaction.bytesAfter).toBeGreaterThan(0);
    expect(await snapshotIds()).toEqual(expect.arrayContaining(before));
    expect(await objects("data/staged")).toEqual([orphan]);
    expect(await ids()).toEqual(Array.from({ length: 70 }, (_, i) => i));
    expect((await maintain())[0].compaction).toMatchObject({ filesBefore: 0, committed: false });
  });

  it("expires old snapshots and removes old orphans, but no epoch of a task", async () => {
    for (let i = 0; i < 4; i++) await lake.append(i * 10, i * 10 + 10);
    await lake.objectStore.put(`lake/gold/${lake.spec.name}/data/orphan.parquet`, Buffer.from("left over"));
    await sleep(1500);
    const [report] = await maintain({ maxAgeMs: 1000, orphanAgeMs: 1000 });
    expect(report.expiry.snapshots).toBe(4);
    expect(await snapshotIds()).toHaveLength(1);
    expect(await objects("data/")).toHaveLength(1);
    expect((await lake.catalog.load(lake.table))?.metadata.properties).toMatchObject({
      "millrace.task.t": "3",
    });
    expect(await ids()).toEqual(Array.from({ length: 40 }, (_, i) => i));
    await lake.append(40, 50);
    expect(await ids()).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it("loses and doubles nothing beside running writers, whose epochs are published once", async () => {
    const tasks = [1, 2];
    const epochsLeast = 12;
    let merged = 0;
    let expired = 0;
    let running = tasks.length;
    // Until there was something old enough to expire, however slow a round of maintenance is.
    const isEnough = (epoch: number) => epoch >= epochsLeast && merged > 0 && expired > 0;
    const writers = tasks.map(async (task) => {
      const publisher = createLakePublisher({ ...lake.deps, tables: [lake.spec] });
      const written: number[] = [];
      try {
        for (let epoch = 0; !isEnough(epoch) && epoch < EPOCHS_MAX; epoch++) {
          const commit = await lake.stageCommit(task, epoch);
          await publisher.publish([commit]);
          // As after a crash between publishing and knowing it.
          if (epoch % 4 === 3) await publisher.publish([commit]);
          written.push(...idsOf(task, epoch));
        }
      } finally {
        running -= 1;
      }
      return written;
    });
    do {
      const [report] = await maintain({ maxAgeMs: 2000 });
      merged += report.compaction.filesBefore;
      expired += report.expiry.snapshots;
    } while (running > 0);
    const written = (await Promise.all(writers)).flat();
    expect(merged).toBeGreaterThan(0);
    expect(expired).toBeGreaterThan(0);
    expect(await ids()).toEqual(written);
  });

  it("leaves tables out that do not exist", async () => {
    const missing = { ...lake.spec, name: "no_such_table" };
    expect(
      await maintainTablesByTrino([missing], {
        ...trinoConnection(servers),
        catalog: lake.catalog,
        prepared: [],
      }),
    ).toEqual([]);
  });
});
