import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PrivateServer, startPrivateServer } from "../../infra/servers/private-server.ts";
import { uniqueName } from "../../infra/servers/test-servers.ts";
import { openRemoteLake } from "../adapters/testing/remote-lake.ts";
import { createLakePublisher, ensureTables } from "./index.ts";
import { currentSnapshot } from "./table-metadata.ts";

const COMMITS = 24;
const AWAY_MS = 1_000;

describe("a publisher whose servers go away", () => {
  let minio: PrivateServer<"minio">;
  let catalog: PrivateServer<"catalog">;
  beforeAll(async () => {
    minio = await startPrivateServer("minio");
    catalog = await startPrivateServer("catalog", { endpoints: { minio: minio.endpoint } });
  });
  afterAll(async () => {
    await catalog.remove();
    await minio.remove();
  });

  it("publishes everything once while object store and catalog are killed, started and paused", async () => {
    const table = uniqueName("loss").replaceAll("-", "_");
    const lake = openRemoteLake({ s3: minio.endpoint, catalogUri: catalog.endpoint.uri, table });
    await ensureTables([lake.spec], lake.deps);
    const publisher = createLakePublisher({ ...lake.deps, tables: [lake.spec] });
    let published = 0;
    const publishing = (async () => {
      for (; published < COMMITS; published++)
        await publisher.publish([await lake.stageCommit(0, published)]);
    })();
    const troubles = async (): Promise<void> => {
      for (const server of [minio, catalog]) {
        await server.kill();
        await sleep(AWAY_MS);
        await server.restart();
        server.pause();
        await sleep(AWAY_MS);
        server.resume();
      }
    };
    const until = async (count: number): Promise<void> => {
      while (published < count) await Promise.race([publishing, sleep(5)]);
    };
    for (const count of [1, 9, 17]) {
      await until(count);
      await troubles();
    }
    await publishing;
    const added = await lake.additions();
    expect(added).toHaveLength(COMMITS);
    expect(new Set(added).size).toBe(COMMITS);
    const { metadata } = (await lake.catalog.load(lake.table))!;
    expect(currentSnapshot(metadata)?.summary["total-data-files"]).toBe(String(COMMITS));
    await lake.objectStore.close();
  });
});
