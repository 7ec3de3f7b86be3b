import { setTimeout as sleep } from "node:timers/promises";
import { type TableSpec, tableName } from "../../../schema/index.ts";
import type { PlainValue } from "../../parquet/testing/read-back.ts";
import type { StagedCommit, StagedFile } from "../../ports/staged-file.ts";
import { EntryStatus } from "../../table/manifest.ts";
import { readEntries, readManifests } from "../../table/table-files.ts";
import { MS_PER_DAY, probeTable } from "../../table/testing/probe-table.ts";
import { stageRows } from "../../table/testing/stage-rows.ts";
import { RestCatalog } from "../rest/index.ts";
import { S3ObjectStore } from "../s3/index.ts";

/** Where the servers are, and the table of one test; JSON-serialisable, for child processes. */
export interface RemoteLakePlace {
  readonly catalogUri: string;
  readonly s3: {
    readonly endpoint: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly region: string;
    readonly bucket: string;
  };
  /** Name of the probe table in the namespace `gold`. */
  readonly table: string;
}

/** The lake in MinIO and the REST catalog, with a probe table of its own. */
export interface RemoteLake {
  readonly place: RemoteLakePlace;
  readonly objectStore: S3ObjectStore;
  readonly catalog: RestCatalog;
  readonly spec: TableSpec;
  /** `gold.NAME` of the probe table. */
  readonly table: string;
  /** What publisher, ensureTables and maintenance take. */
  readonly deps: {
    readonly catalog: RestCatalog;
    readonly objectStore: S3ObjectStore;
    readonly clock: () => number;
    readonly sleep: (ms: number) => Promise<void>;
    readonly random: () => number;
  };
  /** Uploads a data file of our own writer with probe rows of ids [from, to). */
  stage(range: { readonly from: number; readonly to: number; readonly day: number }): Promise<StagedFile>;
  /** One commit of one such file, its ids following from task and epoch: see {@link idsOf}. */
  stageCommit(task: number, epoch: number): Promise<StagedCommit>;
  /** Every addition of a data file in the table's history: an address twice is a file added twice. */
  additions(): Promise<string[]>;
}

export const ROWS_PER_COMMIT = 10;

/** Ids of the rows of a task's commit. */
export function idsOf(task: number, epoch: number): number[] {
  const from = task * 1_000_000 + epoch * ROWS_PER_COMMIT;
  return Array.from({ length: ROWS_PER_COMMIT }, (_, i) => from + i);
}

export function openRemoteLake(place: RemoteLakePlace): RemoteLake {
  const environment = { clock: Date.now, sleep: (ms: number) => sleep(ms), random: Math.random };
  const { endpoint, accessKeyId, secretAccessKey, region, bucket } = place.s3;
  const credentials = { accessKeyId, secretAccessKey };
  const objectStore = new S3ObjectStore({
    endpoint,
    region,
    bucket,
    prefix: "remote-lake-test",
    credentials,
    ...environment,
  });
  const catalog = new RestCatalog({ uri: place.catalogUri, ...environment });
  const spec: TableSpec = { ...probeTable, name: place.table };
  const table = tableName(spec);

  async function stage(range: { from: number; to: number; day: number }): Promise<StagedFile> {
    const { from, to, day } = range;
    const rows = Array.from({ length: to - from }, (_, i) => probeRow(from + i, day));
    return await stageRows(spec, rows, objectStore);
  }

  async function additions(): Promise<string[]> {
    const loaded = await catalog.load(table);
    if (loaded === null) return [];
    const { metadata } = loaded;
    const added: string[] = [];
    for (const snapshot of metadata.snapshots ?? []) {
      const id = String(snapshot["snapshot-id"]);
      const manifests = await readManifests(table, metadata, snapshot, objectStore);
      const own = manifests.filter((manifest) => String(manifest.added_snapshot_id) === id);
      for (const entry of (await readEntries(table, metadata, own, objectStore)).flat()) {
        if (entry.status === EntryStatus.added) added.push(entry.data_file.file_path);
      }
    }
    return added;
  }

  return {
    place,
    objectStore,
    catalog,
    spec,
    table,
    deps: { catalog, objectStore, ...environment },
    stage,
    additions,
    stageCommit: async (task, epoch) => {
      const [from] = idsOf(task, epoch);
      const file = await stage({ from, to: from + ROWS_PER_COMMIT, day: 20_000 });
      return { taskId: `task-${task}`, epoch, files: [file] };
    },
  };
}

/** As `TestLake.stage` makes them: every third row has nulls. */
function probeRow(id: number, day: number): readonly PlainValue[] {
  const time = day * MS_PER_DAY + (id % 86_400) * 1000;
  if (id % 3 === 0) return [id, time, null, null, null, null];
  return [id, time, `text ${id}`, id, id / 7, id % 2 === 0];
}
