import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { testServer, uniqueName } from "../../infra/servers/test-servers.ts";
import type { TableSpec } from "../../schema/index.ts";
import { idsOf, openRemoteLake, type RemoteLake } from "../adapters/testing/remote-lake.ts";
import { expireSnapshots, removeOrphans } from "../maintenance/index.ts";
import { createLakePublisher, ensureTables } from "./index.ts";
import { parseLossless } from "./lossless-json.ts";
import { currentSnapshot } from "./table-metadata.ts";
import { createOlderTable } from "./testing/older-table.ts";
import { MS_PER_DAY } from "./testing/probe-table.ts";
import { stageRows } from "./testing/stage-rows.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe("writers beside Trino", () => {
  let trino: { readonly url: string; readonly catalog: string; readonly user: string };
  let lake: RemoteLake;
  beforeAll(async () => {
    trino = await testServer("trino");
  });
  beforeEach(async () => {
    lake = openRemoteLake({
      s3: await testServer("minio"),
      catalogUri: (await testServer("catalog")).uri,
      table: uniqueName("trino").replaceAll("-", "_"),
    });
    await ensureTables([lake.spec], lake.deps);
  });
  afterEach(() => lake.objectStore.close());

  /** Runs a statement to its end; `$` stands for the test's own. */
  async function run(sql: string): Promise<unknown[][]> {
    const headers = {
      "x-trino-user": trino.user,
      "x-trino-catalog": trino.catalog,
      "x-trino-session": [
        `${trino.catalog}.expire_snapshots_min_retention=0s`,
        `${trino.catalog}.remove_orphan_files_min_retention=0s`,
      ].join(),
    };
    const body = sql.replace("$", lake.table);
    let answer = await fetch(`${trino.url}/v1/statement`, { method: "POST", headers, body });
    const rows: unknown[][] = [];
    for (;;) {
      const page = parseLossless(await answer.text()) as {
        nextUri?: string;
        data?: unknown[][];
        error?: { message: string };
      };
      if (page.error !== undefined) throw new Error(`${sql}: ${page.error.message}`);
      rows.push(...(page.data ?? []));
      if (page.nextUri === undefined) return rows;
      answer = await fetch(page.nextUri, { headers });
    }
  }

  const ids = async () => (await run("SELECT id FROM $ ORDER BY id")).map(([id]) => Number(id));
  const maintenance = [
    "ALTER TABLE $ EXECUTE optimize",
    "ALTER TABLE $ EXECUTE optimize_manifests",
    "ALTER TABLE $ EXECUTE expire_snapshots(retention_threshold => '0s')",
  ];
  const maintain = async () => {
    for (const statement of maintenance) await run(statement);
  };

  it("lose nothing and double nothing while optimize and expire_snapshots run again and again", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [lake.spec] });
    const other = openRemoteLake(lake.place);
    const otherPublisher = createLakePublisher({ ...other.deps, tables: [lake.spec] });
    let isWriting = true;
    const maintaining = (async () => {
      let rounds = 0;
      while (isWriting) {
        // Trino's commits may lose every race that they enter; then nothing was changed.
        await maintain().catch((error: Error) => {
          if (!/Failed to commit|Requirement failed/.test(error.message)) throw error;
        });
        rounds++;
      }
      return rounds;
    })();
    const write = async (from: RemoteLake, writer: typeof publisher, task: number) => {
      for (const epoch of range(0, 25)) await writer.publish([await from.stageCommit(task, epoch)]);
    };
    await Promise.all([write(lake, publisher, 0), write(other, otherPublisher, 1)]).finally(() => {
      isWriting = false;
    });
    expect(await maintaining).toBeGreaterThan(0);
    await maintain();
    const expected = [0, 1].flatMap((task) => range(0, 25).flatMap((epoch) => idsOf(task, epoch)));
    expect(await ids()).toEqual(expected);
    // What was published stays known, though no snapshot of ours is left.
    await publisher.publish([await lake.stageCommit(0, 24), await lake.stageCommit(1, 24)]);
    expect(await ids()).toEqual(expected);
    const { metadata } = (await lake.catalog.load(lake.table))!;
    expect(metadata.snapshots).toHaveLength(1);
    expect(metadata.properties).toMatchObject({ "millrace.task.task-0": "24", "millrace.task.task-1": "24" });
    await other.objectStore.close();
  });

  it("go on above rows that Trino inserted, deleted and updated, and above its statistics", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [lake.spec] });
    await publisher.publish([await lake.stageCommit(0, 0)]);
    await run(
      "INSERT INTO $ (id, event_time, text) VALUES (500, TIMESTAMP '2024-10-04 00:00:00 UTC', 'theirs')",
    );
    await run("DELETE FROM $ WHERE id = 3");
    await run("UPDATE $ SET text = 'changed' WHERE id = 4");
    await run("ANALYZE $");
    await publisher.publish([await lake.stageCommit(0, 1)]);
    const expected = [0, 1, 2, 4, 5, 6, 7, 8, 9, ...idsOf(0, 1), 500];
    expect(await ids()).toEqual(expected);
    await maintain();
    await publisher.publish([await lake.stageCommit(0, 2)]);
    const all = [...expected, ...idsOf(0, 2)].sort((a, b) => a - b);
    expect(await ids()).toEqual(all);
    expect(await run("SELECT text FROM $ WHERE id = 4")).toEqual([["changed"]]);
    expect(currentSnapshot((await lake.catalog.load(lake.table))!.metadata)?.summary["total-records"]).toBe(
      String(all.length),
    );
  });

  it("expire and clean up themselves what Trino wrote, and Trino reads on", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [lake.spec] });
    for (const epoch of range(0, 4)) await publisher.publish([await lake.stageCommit(0, epoch)]);
    await run("ANALYZE $");
    await run(maintenance[0]);
    await publisher.publish([await lake.stageCommit(0, 4)]);
    const stray = `lake/${lake.table.replace(".", "/")}/data/stray.parquet`;
    await lake.objectStore.put(stray, Buffer.from("of a stage that never was prepared"));
    const expired = await expireSnapshots(lake.table, { ...lake.deps, maxAgeMs: -60_000, keepLast: 1 });
    expect(expired.snapshots).toBeGreaterThan(0);
    await removeOrphans(lake.table, { ...lake.deps, prepared: [], minAgeMs: -60_000 });
    expect(await lake.objectStore.head(stray)).toBeNull();
    expect(await ids()).toEqual(range(0, 5).flatMap((epoch) => idsOf(0, epoch)));
    await run("ANALYZE $");
    await publisher.publish([await lake.stageCommit(0, 5)]);
    expect(await ids()).toHaveLength(60);
  });

  it("go on beside columns that Trino adds, and get new ones of their own later", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [lake.spec] });
    await publisher.publish([await lake.stageCommit(0, 0)]);
    await run("ALTER TABLE $ ADD COLUMN note varchar");
    await run(
      "INSERT INTO $ (id, event_time, note) VALUES (500, TIMESTAMP '2024-10-04 00:00:00 UTC', 'theirs')",
    );
    await publisher.publish([await lake.stageCommit(0, 1)]);
    const wider = withColumn(lake.spec, "extra");
    await ensureTables([wider], lake.deps);
    const rows = [[600, 20_000 * MS_PER_DAY, null, null, null, null, "ours"]];
    const file = await stageRows(wider, rows, lake.objectStore);
    await createLakePublisher({ ...lake.deps, tables: [wider] }).publish([
      { taskId: "task-0", epoch: 2, files: [file] },
    ]);
    expect(await ids()).toEqual([...range(0, 20), 500, 600]);
    expect(await run("SELECT id, note, extra FROM $ WHERE id >= 19 ORDER BY id")).toEqual([
      [19, null, null],
      [500, "theirs", null],
      [600, null, "ours"],
    ]);
  });

  it("keep their next column's id free also in a table of an older version", async () => {
    const older = { ...lake.spec, name: `${lake.spec.name}_older` };
    await createOlderTable(older, lake);
    await ensureTables([older], lake.deps);
    await run("ALTER TABLE $_older ADD COLUMN note varchar");
    await ensureTables([withColumn(older, "extra")], lake.deps);
    const columns = (await run("DESCRIBE $_older")).map(([name]) => name);
    expect(columns).toEqual([...older.columns.map(({ name }) => name), "extra", "note"]);
  });

  it("give back the columns that Trino drops, and take those that it lets be null", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [lake.spec] });
    await publisher.publish([await lake.stageCommit(0, 0)]);
    const before = await run("SELECT id, text FROM $ ORDER BY id");
    await run("ALTER TABLE $ DROP COLUMN text");
    await run("ALTER TABLE $ DROP COLUMN id");
    await run("INSERT INTO $ (event_time) VALUES (TIMESTAMP '2024-10-04 00:00:00 UTC')");
    await ensureTables([lake.spec], lake.deps);
    expect(await run("SELECT id, text FROM $ WHERE id IS NOT NULL ORDER BY id")).toEqual(before);
    expect(await run("SELECT count(*) FROM $ WHERE id IS NULL")).toEqual([[1]]);
    await run("ALTER TABLE $ ALTER COLUMN event_time DROP NOT NULL");
    await ensureTables([lake.spec], lake.deps);
    await publisher.publish([await lake.stageCommit(0, 1)]);
    expect(await run("SELECT count(id), count(event_time) FROM $")).toEqual([[20, 21]]);
  });

  it("say which column Trino has renamed, and go on when it has its name again", async () => {
    await run("ALTER TABLE $ RENAME COLUMN text TO words");
    await expect(ensureTables([lake.spec], lake.deps)).rejects.toMatchObject({
      code: "schema-incompatible",
      message: expect.stringContaining(`ALTER TABLE ${lake.table} RENAME COLUMN "words" TO "text"`),
    });
    await run("ALTER TABLE $ RENAME COLUMN words TO text");
    await ensureTables([lake.spec], lake.deps);
  });

  it("write by day on, however Trino partitions its own files", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [lake.spec] });
    await publisher.publish([await lake.stageCommit(0, 0)]);
    await run("ALTER TABLE $ SET PROPERTIES partitioning = ARRAY['month(event_time)', 'flag']");
    await publisher.publish([await lake.stageCommit(0, 1)]);
    await run("INSERT INTO $ (id, event_time, flag) VALUES (500, TIMESTAMP '2024-10-04 00:00:00 UTC', true)");
    const expectAll = async (ours: number) => {
      const all = [...range(0, ours), 500];
      expect(await ids()).toEqual(all);
      // Where the planner may leave out files by partition.
      const found = await run(
        "SELECT id FROM $ WHERE flag AND event_time >= TIMESTAMP '2024-10-04 00:00:00 UTC'",
      );
      expect(found.map(([id]) => Number(id)).sort((a, b) => a - b)).toEqual(
        all.filter((id) => id === 500 || (id % 3 > 0 && id % 2 === 0)),
      );
    };
    await expectAll(20);
    await maintain();
    await expectAll(20);
    for (const epoch of range(2, 5)) await publisher.publish([await lake.stageCommit(0, epoch)]);
    await expectAll(50);
  });
});

function withColumn(spec: TableSpec, name: string): TableSpec {
  const column = { id: spec.columns.length + 1, name, type: "string", required: false, doc: "New." } as const;
  return { ...spec, columns: [...spec.columns, column] };
}
