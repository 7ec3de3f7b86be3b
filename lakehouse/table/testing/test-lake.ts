import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { ensurePython } from "../../../infra/tools/test-tools.ts";
import { DuckDbFileRewriter, FileCatalog, LocalObjectStore } from "../../adapters/index.ts";
import type { StagedFile } from "../../ports/staged-file.ts";
import { dataFileKey, ensureTables } from "../index.ts";
import { icebergSchema } from "../schema.ts";
import { PROBE, probeTable } from "./probe-table.ts";

const run = promisify(execFile);

export { MS_PER_DAY, PROBE, probeTable } from "./probe-table.ts";

/** A lake in a temporary folder, with real files throughout. */
export interface TestLake {
  readonly home: string;
  readonly objectStore: LocalObjectStore;
  readonly catalog: FileCatalog;
  readonly rewriter: DuckDbFileRewriter;
  /** What publisher, ensureTables and maintenance take. */
  readonly deps: {
    readonly catalog: FileCatalog;
    readonly objectStore: LocalObjectStore;
    readonly clock: () => number;
    readonly sleep: (ms: number) => Promise<void>;
    readonly random: () => number;
  };
  /** Stages probe rows with ids [from, to), all of one day; every third row has nulls. */
  stage(range: { readonly from: number; readonly to: number; readonly day: number }): Promise<StagedFile>;
  remove(): Promise<void>;
}

export async function createTestLake(home?: string): Promise<TestLake> {
  const folder = home ?? (await mkdtemp(join(tmpdir(), "millrace-lake-")));
  const objectStore = new LocalObjectStore(folder);
  const catalog = new FileCatalog({ objectStore, clock: Date.now });
  const rewriter = new DuckDbFileRewriter({ objectStore });
  const deps = {
    catalog,
    objectStore,
    clock: Date.now,
    sleep: (ms: number) => sleep(ms),
    random: Math.random,
  };
  await ensureTables([probeTable], deps);
  return {
    home: folder,
    objectStore,
    catalog,
    rewriter,
    deps,
    stage: ({ from, to, day }) =>
      rewriter.write(
        {
          table: PROBE,
          fields: icebergSchema(probeTable).fields,
          key: dataFileKey(
            PROBE,
            { field: "event_time_day", day },
            `${from}-${to}-${process.pid}-${performance.now()}`,
          ),
          day,
        },
        `SELECT i AS id, to_timestamp(${day * 86_400} + i % 86400) AS event_time,
           CASE WHEN i % 3 > 0 THEN 'text ' || i END AS text, CASE WHEN i % 3 > 0 THEN i::INTEGER END AS small,
           CASE WHEN i % 3 > 0 THEN i / 7 END AS real, CASE WHEN i % 3 > 0 THEN i % 2 = 0 END AS flag
         FROM range(${from}, ${to}) t(i)`,
      ),
    remove: async () => {
      await rewriter.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a Python program with PyIceberg at hand; resolves to the JSON that it prints. */
export async function runPython(program: string, ...args: string[]): Promise<unknown> {
  const { stdout } = await run(await ensurePython(), ["-c", program, ...args]);
  return JSON.parse(stdout);
}
