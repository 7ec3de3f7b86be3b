import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { testServer, uniqueName } from "../../infra/servers/test-servers.ts";
import { ensureDuckDbExtensions } from "../../infra/tools/test-tools.ts";
import { type Fault, type FaultProxy, first, startFaultProxy } from "../adapters/testing/fault-proxy.ts";
import {
  idsOf,
  openRemoteLake,
  type RemoteLake,
  type RemoteLakePlace,
  ROWS_PER_COMMIT,
} from "../adapters/testing/remote-lake.ts";
import { expireSnapshots } from "../maintenance/index.ts";
import type { Catalog } from "../ports/catalog.ts";
import { createLakePublisher, ensureTables, tableKey } from "./index.ts";
import { currentSnapshot } from "./table-metadata.ts";
import { runPython } from "./testing/test-lake.ts";

const CHILD = fileURLToPath(new URL("../adapters/testing/remote-publish-child.ts", import.meta.url));
const DAY = 20_000;

/** Runs `BODY` with `table` at hand, then prints what a reader of the newest version sees. */
const pyiceberg = (body: string) => `
import sys, json
import pyarrow as pa
from datetime import datetime, timezone
from pyiceberg.catalog import load_catalog
from pyiceberg.types import StringType
place = json.loads(sys.argv[1])
s3 = place["s3"]
catalog = load_catalog("rest", **{
    "type": "rest", "uri": place["catalogUri"],
    "s3.endpoint": s3["endpoint"], "s3.access-key-id": s3["accessKeyId"],
    "s3.secret-access-key": s3["secretAccessKey"], "s3.region": s3["region"],
})
table = catalog.load_table("gold." + place["table"])
def rows(ids):
    fields = table.schema().as_arrow()
    return pa.Table.from_pylist([
        {"id": i, "event_time": datetime.fromtimestamp(${DAY} * 86400 + i % 86400, timezone.utc), "text": "foreign"} for i in ids
    ], schema=fields)
${body}
table = catalog.load_table("gold." + place["table"])
found = table.scan().to_arrow()
print(json.dumps({
    "ids": sorted(found.column("id").to_pylist()),
    "nulls": found.column("text").null_count,
    "foreign": sum(1 for text in found.column("text").to_pylist() if text == "foreign"),
    "snapshots": len(table.metadata.snapshots),
}))
`;

interface ReaderReport {
  readonly ids: number[];
  readonly nulls: number;
  readonly foreign: number;
  readonly snapshots: number;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe("the lake in MinIO and an Iceberg REST catalog", () => {
  let servers: Omit<RemoteLakePlace, "table">;
  let catalogProxy: FaultProxy;
  let s3Proxy: FaultProxy;
  let lake: RemoteLake;
  beforeAll(async () => {
    servers = { s3: await testServer("minio"), catalogUri: (await testServer("catalog")).uri };
    catalogProxy = await startFaultProxy(servers.catalogUri);
    s3Proxy = await startFaultProxy(servers.s3.endpoint);
  });
  afterAll(async () => {
    await catalogProxy.close();
    await s3Proxy.close();
  });
  beforeEach(async () => {
    lake = openRemoteLake({ ...servers, table: uniqueName("probe").replaceAll("-", "_") });
    await ensureTables([lake.spec], lake.deps);
  });
  afterEach(async () => {
    for (const proxy of [catalogProxy, s3Proxy]) proxy.inject(() => "none");
    await lake.objectStore.close();
  });

  const publisherOf = ({ deps, spec }: RemoteLake) => createLakePublisher({ ...deps, tables: [spec] });
  const foreignEngine = (body = "") =>
    runPython(pyiceberg(body), JSON.stringify(lake.place)) as Promise<ReaderReport>;

  async function duckdbCount(): Promise<unknown> {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const folder = await ensureDuckDbExtensions();
    for (const name of ["httpfs", "avro", "iceberg"]) {
      await connection.run(`LOAD '${folder}/${name}.duckdb_extension'`);
    }
    const { endpoint, accessKeyId, secretAccessKey, region } = servers.s3;
    await connection.run(
      `CREATE SECRET (TYPE s3, KEY_ID '${accessKeyId}', SECRET '${secretAccessKey}', REGION '${region}',
         ENDPOINT '${new URL(endpoint).host}', URL_STYLE 'path', USE_SSL false)`,
    );
    const { metadataLocation } = (await lake.catalog.load(lake.table))!;
    const reader = await connection.runAndReadAll(
      `SELECT count(*)::INT, max(id)::INT, count(text)::INT FROM iceberg_scan('${metadataLocation}')`,
    );
    instance.closeSync();
    return reader.getRowsJson()[0];
  }

  it("is read by PyIceberg and by DuckDB", async () => {
    const publisher = publisherOf(lake);
    const files = [
      await lake.stage({ from: 0, to: 20, day: DAY }),
      await lake.stage({ from: 20, to: 30, day: DAY + 1 }),
    ];
    await publisher.publish([{ taskId: "a", epoch: 1, files }]);
    expect(await foreignEngine()).toMatchObject({ ids: range(0, 30), nulls: 10 });
    expect(await duckdbCount()).toEqual([30, 29, 20]);
  });

  const isCommit = ({ method, url }: { method: string; url: string }) =>
    method === "POST" && url.includes("/tables/");

  it.each<Fault>([
    "lose-answer",
    "cut-answer",
    "lose-request",
    { status: 500, applied: true },
    { status: 503, applied: true },
    { status: 504, applied: false },
  ])("adds every file once where commits meet %j", async (fault) => {
    const flaky = openRemoteLake({ ...lake.place, catalogUri: catalogProxy.url });
    const publisher = publisherOf(flaky);
    for (const epoch of range(1, 5)) {
      catalogProxy.inject(first(epoch % 2 === 0 ? 2 : 1, fault, isCommit));
      await publisher.publish([await lake.stageCommit(0, epoch)]);
    }
    await flaky.objectStore.close();
    expect((await foreignEngine()).ids).toEqual(range(1, 5).flatMap((epoch) => idsOf(0, epoch)));
    expect(await lake.additions()).toHaveLength(4);
    expect(new Set(await lake.additions()).size).toBe(4);
  });

  it("has the catalog delete metadata versions that leave the log", async () => {
    await lake.catalog.commit(lake.table, {
      requirements: [],
      updates: [{ action: "set-properties", updates: { "write.metadata.previous-versions-max": "2" } }],
    });
    for (const epoch of range(0, 5)) await publisherOf(lake).publish([await lake.stageCommit(0, epoch)]);
    const versions: string[] = [];
    for await (const { key } of lake.objectStore.list(`${tableKey(lake.table)}/metadata/`)) {
      if (key.endsWith(".metadata.json")) versions.push(key);
    }
    expect(versions).toHaveLength(3);
    expect((await foreignEngine()).ids).toHaveLength(5 * ROWS_PER_COMMIT);
  });

  it("keeps main where another engine rolls it back to a snapshot that is about to expire", async () => {
    for (const epoch of range(0, 4)) await publisherOf(lake).publish([await lake.stageCommit(0, epoch)]);
    const { metadata } = (await lake.catalog.load(lake.table))!;
    const first = metadata.snapshots![0]["snapshot-id"];
    let isFirst = true;
    const behind: Catalog = {
      load: (table) => lake.catalog.load(table),
      list: (namespace) => lake.catalog.list(namespace),
      commit: async (table, commit) => {
        const rollback = { action: "set-snapshot-ref", "ref-name": "main", type: "branch" } as const;
        const updates = [{ ...rollback, "snapshot-id": first }];
        if (isFirst) await lake.catalog.commit(table, { requirements: [], updates });
        isFirst = false;
        return lake.catalog.commit(table, commit);
      },
    };
    const in1Hour = () => Date.now() + 3_600_000;
    const options = { ...lake.deps, catalog: behind, clock: in1Hour, maxAgeMs: 0, keepLast: 1 };
    await expireSnapshots(lake.table, options);
    expect(await foreignEngine()).toMatchObject({ ids: idsOf(0, 0) });
    expect(currentSnapshot((await lake.catalog.load(lake.table))!.metadata)?.["snapshot-id"]).toBe(first);
  });

  it("adds every file once where the object store loses every third answer", async () => {
    const s3 = { ...lake.place.s3, endpoint: s3Proxy.url };
    const flaky = openRemoteLake({ ...lake.place, s3 });
    const publisher = publisherOf(flaky);
    let requests = 0;
    s3Proxy.inject(() => (requests++ % 3 === 0 ? "lose-answer" : "none"));
    for (const epoch of range(1, 6)) await publisher.publish([await flaky.stageCommit(0, epoch)]);
    await flaky.objectStore.close();
    expect((await foreignEngine()).ids).toEqual(range(1, 6).flatMap((epoch) => idsOf(0, epoch)));
    expect(await lake.additions()).toHaveLength(5);
  });

  it("goes on above what another engine appended, overwrote and deleted", async () => {
    const publisher = publisherOf(lake);
    await publisher.publish([await lake.stageCommit(0, 0), await lake.stageCommit(1, 0)]);
    // Rewrites files, gives 63-bit snapshot ids, and writes manifests of its own making.
    await foreignEngine(`
table.append(rows(range(500, 510)))
table.overwrite(rows([0, 1]), overwrite_filter="id < 2")
table.delete("id = 5")
table.delete("id >= 1000000 and id < 1000010")
with table.update_schema() as update:
    update.add_column("theirs", StringType())
    update.move_first("text")
`);
    await publisher.publish([await lake.stageCommit(0, 1)]);
    const widened = (await lake.catalog.load(lake.table))!.metadata["current-schema-id"];
    await ensureTables([lake.spec], lake.deps);
    expect((await lake.catalog.load(lake.table))?.metadata["current-schema-id"]).toBe(widened);
    const restarted = openRemoteLake(lake.place);
    await publisherOf(restarted).publish([await lake.stageCommit(0, 1), await lake.stageCommit(1, 1)]);
    await restarted.objectStore.close();
    const expected = [0, 1, 2, 3, 4, 6, 7, 8, 9, ...idsOf(0, 1), ...range(500, 510), ...idsOf(1, 1)];
    const report = await foreignEngine();
    expect(report).toMatchObject({ ids: expected, foreign: 12 });
    const { metadata } = (await lake.catalog.load(lake.table))!;
    expect(metadata.snapshots?.some((s) => typeof s["snapshot-id"] === "bigint")).toBe(true);
    expect(currentSnapshot(metadata)?.summary["total-records"]).toBe(String(expected.length));
    expect(metadata.schemas.at(-1)?.fields[0].name).toBe("text");
    // And the other engine goes on above ours.
    expect((await foreignEngine(`table.append(rows([700]))`)).ids).toEqual(
      [...expected, 700].sort((a, b) => a - b),
    );
    expect(new Set(await lake.additions()).size).toBe((await lake.additions()).length);
  });

  it("loses nothing of eight processes that commit without a pause, and few commits need more than three retries", async () => {
    const commits = 10;
    const children = range(0, 8).map((task) =>
      fork(CHILD, [JSON.stringify(lake.place), String(task), String(commits)]),
    );
    await Promise.all(children.map((child) => once(child, "message")));
    for (const child of children) child.send("start");
    const results = await Promise.all(
      children.map(async (child) => {
        const [[result]] = await Promise.all([once(child, "message"), once(child, "exit")]);
        return result as { retries: number[]; ms: number[] };
      }),
    );
    const retries = results.flatMap((result) => result.retries).sort((a, b) => a - b);
    const ms = results.flatMap((result) => result.ms).sort((a, b) => a - b);
    const p95 = (values: readonly number[]) => values[Math.ceil(values.length * 0.95) - 1];
    console.log(
      `8 committers, ${retries.length} commits: retries p95 ${p95(retries)}, most ${retries.at(-1)}; ms p95 ${p95(ms)}`,
    );
    const expected = range(0, 8).flatMap((task) =>
      range(1, commits + 1).flatMap((epoch) => idsOf(task, epoch)),
    );
    expect((await foreignEngine()).ids).toEqual(expected);
    expect(expected).toHaveLength(8 * commits * ROWS_PER_COMMIT);
    const added = await lake.additions();
    expect(added).toHaveLength(8 * commits);
    expect(new Set(added).size).toBe(8 * commits);
    expect(p95(retries)).toBeLessThanOrEqual(3);
  }, 300_000);
});
