import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MillraceError } from "../../schema/index.ts";
import { compactTable, expireSnapshots } from "../maintenance/index.ts";
import type { Catalog, TableCommit } from "../ports/catalog.ts";
import type { StagedCommit } from "../ports/staged-file.ts";
import { EntryStatus } from "./manifest.ts";
import { createLakePublisher } from "./publisher.ts";
import { readEntries, readManifests } from "./table-files.ts";
import { currentSnapshot } from "./table-metadata.ts";
import { createTestLake, PROBE, probeTable, runPython, type TestLake } from "./testing/test-lake.ts";

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL("./testing/publish-child.ts", import.meta.url));
const DAY = 20_000;

const PYICEBERG_READ = `
import sys, json
from pyiceberg.table import StaticTable
rows = StaticTable.from_metadata(sys.argv[1]).scan().to_arrow()
print(json.dumps({"ids": sorted(rows.column("id").to_pylist()), "nulls": rows.column("text").null_count}))
`;

/** By snapshot, as readers of changes count: files that its own manifests say it added, and its summary's count. */
const PYICEBERG_CHANGES = `
import sys, json
from pyiceberg.table import StaticTable
from pyiceberg.manifest import ManifestEntryStatus
table = StaticTable.from_metadata(sys.argv[1])
def added(snapshot):
    manifests = [m for m in snapshot.manifests(table.io) if m.added_snapshot_id == snapshot.snapshot_id]
    entries = [e for m in manifests for e in m.fetch_manifest_entry(table.io, discard_deleted=False)]
    own = [e for e in entries if e.status == ManifestEntryStatus.ADDED and e.snapshot_id == snapshot.snapshot_id]
    return [len(own), sum(m.added_files_count for m in manifests)]
print(json.dumps([added(snapshot) for snapshot in table.snapshots()]))
`;

describe("lake publisher", () => {
  let lake: TestLake;
  beforeEach(async () => {
    lake = await createTestLake();
  });
  afterEach(() => lake.remove());

  async function staged(taskId: string, epoch: number, from: number, to: number): Promise<StagedCommit> {
    return { taskId, epoch, files: [await lake.stage({ from, to, day: DAY + epoch })] };
  }

  /** Ids of all rows as PyIceberg reads them, and which snapshots added which file. */
  async function readBack(): Promise<{ ids: number[]; nulls: number }> {
    const table = await lake.catalog.load(PROBE);
    return (await runPython(PYICEBERG_READ, table!.metadataLocation)) as { ids: number[]; nulls: number };
  }

  async function additions(): Promise<string[]> {
    const { metadata } = (await lake.catalog.load(PROBE))!;
    const added: string[] = [];
    for (const snapshot of metadata.snapshots ?? []) {
      const manifests = await readManifests(PROBE, metadata, snapshot, lake.objectStore);
      for (const entry of (await readEntries(PROBE, metadata, manifests, lake.objectStore)).flat()) {
        const isOwn = String(entry.snapshot_id) === String(snapshot["snapshot-id"]);
        if (entry.status === EntryStatus.added && isOwn) added.push(entry.data_file.file_path);
      }
    }
    return added;
  }

  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

  it("adds staged files once per task and epoch, as PyIceberg reads it", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    const commits = [
      await staged("customer-events-0", 1, 0, 10),
      await staged("customer-events-1", 4, 10, 25),
    ];
    await publisher.publish(commits);
    await publisher.publish(commits);
    const table = await lake.catalog.load(PROBE);
    expect(table?.metadata.snapshots).toHaveLength(1);
    expect(currentSnapshot(table!.metadata)?.summary).toMatchObject({
      operation: "append",
      "added-records": "25",
      "total-records": "25",
      "total-data-files": "2",
      "millrace.task.customer-events-0": "1",
    });
    expect(table?.metadata.properties).toMatchObject({ "millrace.task.customer-events-1": "4" });
    expect(await readBack()).toEqual({ ids: range(0, 25), nulls: 9 });
  });

  it("publishes only what is new of a mixed batch", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    const first = await staged("a", 1, 0, 10);
    await publisher.publish([first]);
    await publisher.publish([first, await staged("a", 2, 10, 20), await staged("b", 1, 20, 30)]);
    expect((await readBack()).ids).toEqual(range(0, 30));
    const table = await lake.catalog.load(PROBE);
    expect(table?.metadata.properties).toMatchObject({ "millrace.task.a": "2", "millrace.task.b": "1" });
  });

  it("leaves a table alone that got no files", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    const before = await lake.catalog.load(PROBE);
    await publisher.publish([{ taskId: "a", epoch: 1, files: [] }]);
    expect(await lake.catalog.load(PROBE)).toEqual(before);
  });

  it("refuses files of a table that it does not know, before it publishes any", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    const commit = await staged("a", 1, 0, 10);
    const foreign = { ...commit.files[0], table: "gold.other" };
    await expect(publisher.publish([{ ...commit, files: [...commit.files, foreign] }])).rejects.toMatchObject(
      { code: "table-unknown" },
    );
    expect(currentSnapshot((await lake.catalog.load(PROBE))!.metadata)).toBeNull();
  });

  it.each([true, false])(
    "looks before it repeats a commit whose answer was lost (applied: %s)",
    async (applied) => {
      let isLost = false;
      const flaky: Catalog = {
        load: (table) => lake.catalog.load(table),
        list: (namespace) => lake.catalog.list(namespace),
        commit: async (table: string, commit: TableCommit) => {
          if (isLost) return lake.catalog.commit(table, commit);
          isLost = true;
          if (applied) await lake.catalog.commit(table, commit);
          throw new MillraceError("the answer was lost", {
            code: "commit-unknown",
            origin: "external",
            retry: true,
          });
        },
      };
      const publisher = createLakePublisher({ ...lake.deps, catalog: flaky, tables: [probeTable] });
      await publisher.publish([await staged("a", 1, 0, 10)]);
      expect((await lake.catalog.load(PROBE))?.metadata.snapshots).toHaveLength(1);
      expect((await readBack()).ids).toEqual(range(0, 10));
    },
  );

  it("looks again when what it was reading was replaced and removed meanwhile", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    await publisher.publish([await staged("a", 1, 0, 10)]);
    await publisher.publish([await staged("b", 1, 10, 20)]);
    const stale = await lake.catalog.load(PROBE);
    const maintenance = { ...lake.deps, rewriter: lake.rewriter };
    await publisher.publish([await staged("a", 2, 20, 30)]);
    await compactTable(probeTable, { ...maintenance, full: true });
    await expireSnapshots(PROBE, { ...maintenance, maxAgeMs: -60_000, keepLast: 1 });
    let loads = 0;
    const behind: Catalog = {
      load: (table) => (loads++ === 0 ? Promise.resolve(stale) : lake.catalog.load(table)),
      list: (namespace) => lake.catalog.list(namespace),
      commit: (table, commit) => lake.catalog.commit(table, commit),
    };
    const late = createLakePublisher({ ...lake.deps, catalog: behind, tables: [probeTable] });
    await late.publish([await staged("b", 2, 30, 40)]);
    expect((await readBack()).ids).toEqual(range(0, 40));
  });

  it("says so when a manifest of the newest version is missing", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    await publisher.publish([await staged("a", 1, 0, 10)]);
    for await (const { key } of lake.objectStore.list("lake/gold/probe/metadata/snap-")) {
      await lake.objectStore.delete([key]);
    }
    const fresh = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    await expect(fresh.publish([await staged("a", 2, 10, 20)])).rejects.toMatchObject({
      code: "object-not-found",
    });
  });

  it("gives up after a bounded number of tries", async () => {
    let tries = 0;
    const broken: Catalog = {
      load: (table) => lake.catalog.load(table),
      list: (namespace) => lake.catalog.list(namespace),
      commit: async () => {
        tries++;
        throw new MillraceError("conflict", { code: "commit-conflict", origin: "external", retry: true });
      },
    };
    const options = { ...lake.deps, catalog: broken, tables: [probeTable], attemptsMax: 3 };
    const publisher = createLakePublisher({ ...options, sleep: () => Promise.resolve() });
    await expect(publisher.publish([await staged("a", 1, 0, 10)])).rejects.toMatchObject({
      code: "commit-conflict",
    });
    expect(tries).toBe(3);
  });

  it("keeps the number of manifests small over hundreds of commits", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    const file = (await staged("a", 0, 0, 5)).files[0];
    for (let epoch = 0; epoch < 230; epoch++) {
      // The same bytes under many names would do for readers; here only metadata matters.
      await publisher.publish([{ taskId: "a", epoch, files: [{ ...file, key: `${file.key}-${epoch}` }] }]);
    }
    const { metadata } = (await lake.catalog.load(PROBE))!;
    const manifests = await readManifests(PROBE, metadata, currentSnapshot(metadata), lake.objectStore);
    expect(manifests.length).toBeLessThan(110);
    const entries = (await readEntries(PROBE, metadata, manifests, lake.objectStore)).flat();
    expect(new Set(entries.map((entry) => entry.data_file.file_path)).size).toBe(230);
    expect(new Set(entries.map((entry) => entry.sequence_number)).size).toBe(230);
    expect(metadata["metadata-log"]).toHaveLength(100);
    const changes = await runPython(PYICEBERG_CHANGES, (await lake.catalog.load(PROBE))!.metadataLocation);
    expect(changes).toEqual(
      metadata.snapshots?.map(({ summary }) => [1, Number(summary["added-data-files"])]),
    );
  });

  it("loses nothing of four processes that publish at the same time, each file added once", async () => {
    const groups = await Promise.all(
      range(0, 4).map((task) =>
        Promise.all(
          range(0, 4).map((epoch) =>
            staged(`task-${task}`, epoch, task * 100 + epoch * 10, task * 100 + epoch * 10 + 10),
          ),
        ),
      ),
    );
    await Promise.all(
      groups.map((group) =>
        run(process.execPath, [CHILD, lake.home, "none", ...group.map((commit) => JSON.stringify([commit]))]),
      ),
    );
    const expected = range(0, 4).flatMap((task) => range(task * 100, task * 100 + 40));
    expect((await readBack()).ids).toEqual(expected);
    expect(new Set(await additions()).size).toBe(16);
    expect(await additions()).toHaveLength(16);
  });

  const POINTS = [
    `before-publish:${PROBE}`,
    ...range(0, 4).flatMap((put) => [`before-put:${put}`, `after-put:${put}`]),
    `after-publish:${PROBE}`,
  ];

  it.each(POINTS)("killed at %s, it publishes the same again: nothing twice, nothing lost", async (point) => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    await publisher.publish([await staged("a", 1, 0, 10)]);
    const commits = [await staged("a", 2, 10, 20), await staged("b", 7, 20, 30)];
    const killed = run(process.execPath, [CHILD, lake.home, point, JSON.stringify(commits)]);
    await expect(killed).rejects.toMatchObject({ signal: "SIGKILL" });
    // Readable at once, either without or with the whole commit.
    expect([10, 30]).toContain((await readBack()).ids.length);
    await run(process.execPath, [CHILD, lake.home, "none", JSON.stringify(commits)]);
    expect((await readBack()).ids).toEqual(range(0, 30));
    expect(new Set(await additions()).size).toBe((await additions()).length);
  });
});
