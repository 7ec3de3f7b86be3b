import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { testServer, uniqueName } from "../../infra/servers/test-servers.ts";
import { DuckDbQueryEngine } from "../adapters/index.ts";
import { RestCatalog } from "../adapters/rest/index.ts";
import { S3ObjectStore } from "../adapters/s3/index.ts";
import { TrinoQueryEngine } from "../adapters/trino/index.ts";
import { type LakeServers, trinoConnection } from "../adapters/trino/testing.ts";
import { createTestLake } from "../table/testing/test-lake.ts";
import { checkTables } from "./check-tables.ts";
import type { QualityResult } from "./finding.ts";
import {
  type CheckedRows,
  checkedOptions,
  checkedTables,
  FAULTS,
  soundRows,
  writeCheckedLake,
} from "./testing/checked-lake.ts";

let servers: LakeServers;
let deps: Parameters<typeof writeCheckedLake>[2];
let trino: TrinoQueryEngine;
beforeAll(async () => {
  servers = {
    trino: await testServer("trino"),
    catalog: await testServer("catalog"),
    minio: await testServer("minio"),
  };
  const environment = { clock: Date.now, sleep: (ms: number) => sleep(ms), random: Math.random };
  const { endpoint, accessKeyId, secretAccessKey, region, bucket } = servers.minio;
  const credentials = { accessKeyId, secretAccessKey };
  const prefix = uniqueName("quality");
  const catalog = new RestCatalog({ uri: servers.catalog.uri, ...environment });
  const objectStore = new S3ObjectStore({ endpoint, region, bucket, prefix, credentials, ...environment });
  deps = { catalog, objectStore, ...environment };
  trino = new TrinoQueryEngine({ ...trinoConnection(servers), catalog });
});
afterAll(() => trino.close());

async function byTrino(tables: ReturnType<typeof checkedTables>, rows: CheckedRows) {
  await writeCheckedLake(tables, rows, deps);
  return checkTables(trino, checkedOptions(tables));
}

async function byDuckDb(tables: ReturnType<typeof checkedTables>, rows: CheckedRows) {
  const lake = await createTestLake();
  const engine = new DuckDbQueryEngine(lake.deps);
  try {
    await writeCheckedLake(tables, rows, lake.deps);
    return await checkTables(engine, checkedOptions(tables));
  } finally {
    await engine.close();
    await lake.remove();
  }
}

/** Without what is each lake's own. */
const comparable = (results: readonly QualityResult[]) =>
  results.map(({ snapshotId, ...result }) => ({ ...result, pinned: snapshotId !== null }));

/** Faults that take rows away which others are planted in. */
const TAKEN_AWAY = ["kept fresh", "sums fresh"];
const planted = Object.entries(FAULTS).filter(([name]) => !TAKEN_AWAY.includes(name));

it.each([
  { what: "nothing", faults: [] },
  { what: "everything", faults: planted },
])("Trino finds what DuckDB finds, to the sample, where $what is wrong", async ({ faults }) => {
  const suffix = uniqueName("").replaceAll("-", "_");
  const tables = checkedTables(suffix);
  const rows = soundRows();
  for (const [, { plant }] of faults) plant(rows);
  const own = await byDuckDb(tables, rows);
  const failed = own
    .filter(({ status }) => status === "failed")
    .map(({ table, check }) => `${table.replace(/^\w+\./, "").replace(suffix, "")} ${check}`);
  expect(failed.sort()).toEqual(faults.map(([name]) => name).sort());
  expect(comparable(await byTrino(tables, rows))).toEqual(comparable(own));
});
