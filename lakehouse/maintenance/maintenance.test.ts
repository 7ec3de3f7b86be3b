import { cp, readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tableName } from "../../schema/index.ts";
import { DuckDbQueryEngine } from "../adapters/index.ts";
import type { Catalog } from "../ports/catalog.ts";
import type { RewriteRequest } from "../ports/file-rewriter.ts";
import type { StagedFile } from "../ports/staged-file.ts";
import { createLakePublisher, currentSnapshot } from "../table/index.ts";
import { createTestLake, PROBE, probeTable, runPython, type TestLake } from "../table/testing/test-lake.ts";
import { compactTable, expireSnapshots, maintainTables, removeOrphans } from "./index.ts";

const DAY = 20_000;
const HOUR_MS = 3_600_000;

const PYICEBERG = `
import sys, json
from pyiceberg.table import StaticTable
table = StaticTable.from_metadata(sys.argv[1])
rows = table.scan().to_arrow()
files = list(table.scan().plan_files())
print(json.dumps({"ids": sorted(rows.column("id").to_pylist()), "files": len(files)}))
`;

describe("table maintenance", () => {
  let lake: TestLake;
  let engine: DuckDbQueryEngine;
  let epoch = 0;
  beforeEach(async () => {
    lake = await createTestLake();
    engine = new DuckDbQueryEngine({ ...lake.deps });
  });
  afterEach(async () => {
    await engine.close();
    await lake.remove();
  });

  const publisher = () => createLakePublisher({ ...lake.deps, tables: [probeTable] });
  const compact = (onPoint?: (point: string) => void) =>
    compactTable(probeTable, { ...lake.deps, rewriter: lake.rewriter, ...(onPoint ? { onPoint } : {}) });

  async function append(from: number, to: number, day = DAY): Promise<StagedFile> {
    const file = await lake.stage({ from, to, day });
    await publisher().publish([{ taskId: "t", epoch: epoch++, files: [file] }]);
    return file;
  }

  async function pyiceberg(): Promise<{ ids: number[]; files: number }> {
    const table = await lake.catalog.load(PROBE);
    return (await runPython(PYICEBERG, table!.metadataLocation)) as { ids: number[]; files: number };
  }

  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

  async function filesUnder(folder: string): Promise<string[]> {
    return (await readdir(folder, { recursive: true })).sort();
  }

  async function objects(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of lake.objectStore.list("lake/")) keys.push(key);
    return keys;
  }

  it("goes on with expiry and other tables where one cannot be compacted, and says so at the end", async () => {
    const other = { ...probeTable, name: "aa_other" };
    for (const table of [other, probeTable]) {
      const publishes = createLakePublisher({ ...lake.deps, tables: [table] });
      for (let i = 0; i < 5; i++) {
        const file = await lake.stage({ from: i * 10, to: i * 10 + 10, day: DAY });
        const staged = { ...file, table: tableName(table) };
        await publishes.publish([{ taskId: "t", epoch: i, files: [staged] }]);
      }
    }
    const rewriter: typeof lake.rewriter = Object.create(lake.rewriter, {
      rewrite: {
        value: (request: RewriteRequest) =>
          request.table === tableName(other)
            ? Promise.reject(new Error("no space left"))
            : lake.rewriter.rewrite(request),
      },
    });
    const in3Days = () => Date.now() + 3 * 24 * HOUR_MS;
    const maintained = maintainTables([other, probeTable], {
      ...lake.deps,
      rewriter,
      clock: in3Days,
      prepared: [],
      keepLast: 1,
    });
    await expect(maintained).rejects.toThrow("maintenance of gold.aa_other failed: no space left");
    const snapshots = async (table: string) => (await lake.catalog.load(table))!.metadata.snapshots?.length;
    expect([await snapshots(tableName(other)), await snapshots(PROBE)]).toEqual([1, 2]);
    expect((await pyiceberg()).files).toBe(1);
  });

  it("compacts the small files of each day into one, with the same rows in key order", async () => {
    for (const i of [3, 1, 4, 0, 2]) await append(i * 10, i * 10 + 10);
    for (let i = 5; i < 9; i++) await append(i * 10, i * 10 + 10, DAY + 1);
    await append(90, 100, DAY + 2);
    const before = (await engine.query("SELECT * FROM {gold.probe} ORDER BY id", [])).rows;
    expect(await compact()).toMatchObject({ filesBefore: 9, filesAfter: 2, rows: 90, committed: true });
    expect(await pyiceberg()).toEqual({ ids: range(0, 100), files: 3 });
    expect((await engine.query("SELECT * FROM {gold.probe} ORDER BY id", [])).rows).toEqual(before);
    const head = currentSnapshot((await lake.catalog.load(PROBE))!.metadata);
    expect(head?.summary).toMatchObject({
      operation: "replace",
      "added-data-files": "2",
      "deleted-data-files": "9",
      "total-data-files": "3",
      "total-records": "100",
    });
    const eventTime = { from: DAY * 86_400_000, to: (DAY + 1) * 86_400_000 };
    const day = await engine.query("SELECT id FROM {gold.probe}", [], { eventTime });
    expect(day.rows.map((row) => row.id)).toEqual(range(0, 50));
    expect(await compact()).toMatchObject({ committed: false, filesBefore: 0 });
  });

  it("keeps past snapshots readable after a compaction", async () => {
    for (let i = 0; i < 5; i++) await append(i * 10, i * 10 + 10);
    const past = await engine.snapshot(probeTable);
    await compact();
    await append(50, 60);
    const { rows } = await engine.query("SELECT count(*) AS n FROM {gold.probe}", [], { asOf: past!.id });
    expect(rows).toEqual([{ n: 50 }]);
    expect((await pyiceberg()).ids).toEqual(range(0, 60));
  });

  it("lets appends through that come while it rewrites, and loses none", async () => {
    for (let i = 0; i < 5; i++) await append(i * 10, i * 10 + 10);
    const appends: Promise<unknown>[] = [];
    const racing = compact(() => {
      for (let i = 0; i < 4; i++) {
        const files = lake.stage({ from: 100 + i * 10, to: 110 + i * 10, day: DAY });
        appends.push(
          files.then((file) => publisher().publish([{ taskId: `racer-${i}`, epoch: 0, files: [file] }])),
        );
      }
    });
    expect(await racing).toMatchObject({ committed: true, filesBefore: 5 });
    await Promise.all(appends);
    expect((await pyiceberg()).ids).toEqual([...range(0, 50), ...range(100, 140)]);
  });

  it("gives up, without a trace, when another compaction replaced the files first", async () => {
    for (let i = 0; i < 5; i++) await append(i * 10, i * 10 + 10);
    const results = await Promise.all([compact(), compact(), compact()]);
    expect(results.filter((result) => result.committed)).toHaveLength(1);
    expect(await pyiceberg()).toEqual({ ids: range(0, 50), files: 1 });
    expect((await objects()).filter((key) => key.includes("/compacted-"))).toHaveLength(1);
  });

  it("leaves the table as it was when it dies before its commit; what it wrote is an orphan", async () => {
    for (let i = 0; i < 5; i++) await append(i * 10, i * 10 + 10);
    const before = await lake.catalog.load(PROBE);
    const crash = (): void => {
      throw new Error("killed");
    };
    await expect(compact(crash)).rejects.toThrow("killed");
    expect(await lake.catalog.load(PROBE)).toEqual(before);
    const later = { ...lake.deps, clock: () => Date.now() + 2 * HOUR_MS };
    expect((await removeOrphans(PROBE, { ...later, prepared: [], minAgeMs: HOUR_MS })).objects).toBe(1);
    expect(await compact()).toMatchObject({ committed: true });
    expect((await pyiceberg()).ids).toEqual(range(0, 50));
  });

  it("still knows the published epochs after compaction and expiry", async () => {
    const file = await lake.stage({ from: 0, to: 10, day: DAY });
    const commit = { taskId: "t", epoch: epoch++, files: [file] };
    await publisher().publish([commit]);
    for (let i = 1; i < 5; i++) await append(i * 10, i * 10 + 10);
    await compact();
    await expireSnapshots(PROBE, { ...lake.deps, maxAgeMs: 0, keepLast: 1, clock: () => Date.now() + 1000 });
    await publisher().publish([commit]);
    expect((await pyiceberg()).ids).toEqual(range(0, 50));
  });

  it("expires old snapshots and deletes exactly what only they used", async () => {
    for (let i = 0; i < 5; i++) await append(i * 10, i * 10 + 10);
    await compact();
    await append(50, 60);
    const later = { ...lake.deps, clock: () => Date.now() + 2 * HOUR_MS };
    expect(await expireSnapshots(PROBE, { ...later, maxAgeMs: 3 * HOUR_MS, keepLast: 1 })).toEqual({
      snapshots: 0,
      objects: 0,
    });
    const report = await expireSnapshots(PROBE, { ...later, maxAgeMs: HOUR_MS, keepLast: 2 });
    // Five appends with a list, a manifest and a data file each, all replaced by the compaction.
    expect(report).toEqual({ snapshots: 5, objects: 15 });
    expect(await pyiceberg()).toEqual({ ids: range(0, 60), files: 2 });
    const table = await lake.catalog.load(PROBE);
    expect(table?.metadata.snapshots).toHaveLength(2);
    // What is left is in use: nothing is an orphan but old metadata versions are still in the log.
    const orphans = await removeOrphans(PROBE, { ...later, prepared: [], minAgeMs: HOUR_MS });
    expect(orphans.objects).toBe(0);
    await append(60, 70);
    expect((await pyiceberg()).ids).toEqual(range(0, 70));
  });

  it("keeps what was current a day ago, however old, for time travel and for who still reads it", async () => {
    const at = (hours: number) => ({ ...lake.deps, clock: () => Date.now() + hours * HOUR_MS });
    const appendAt = async (hours: number) => {
      const files = [await lake.stage({ from: epoch * 10, to: epoch * 10 + 10, day: DAY })];
      const { publish } = createLakePublisher({ ...at(hours), tables: [probeTable] });
      await publish([{ taskId: "t", epoch: epoch++, files }]);
    };
    for (let i = 0; i < 4; i++) await appendAt(0);
    // Nothing came for three days; who began to read before the next rows reads on.
    const reading = (await engine.snapshot(probeTable))!.id;
    for (let i = 0; i < 12; i++) await appendAt(72);
    await compactTable(probeTable, { ...at(72), rewriter: lake.rewriter });
    expect((await expireSnapshots(PROBE, at(73))).snapshots).toBe(3);
    const anHourBefore = new Date(at(71).clock()).toISOString();
    for (const asOf of [reading, anHourBefore]) {
      const { rows } = await engine.query("SELECT count(*) AS n FROM {gold.probe}", [], { asOf });
      expect(rows).toEqual([{ n: 40 }]);
    }
    expect((await expireSnapshots(PROBE, at(97))).snapshots).toBe(4);
    expect((await pyiceberg()).ids).toHaveLength(160);
  });

  describe("beside other maintenance of the same table", () => {
    const soon = () => ({ ...lake.deps, clock: () => Date.now() + 1000, maxAgeMs: 0, keepLast: 1 });
    beforeEach(async () => {
      for (let i = 0; i < 4; i++) await append(i * 10, i * 10 + 10);
      await compact();
    });
    afterEach(async () => {
      expect(await pyiceberg()).toEqual({ ids: range(0, 40), files: 1 });
      expect((await objects()).filter((key) => key.endsWith(".parquet"))).toHaveLength(1);
    });

    it("expires what the other does at the same moment", async () => {
      const { catalog } = lake;
      const late: Catalog = {
        load: (table) => catalog.load(table),
        list: (namespace) => catalog.list(namespace),
        commit: async (table, commit) => {
          await expireSnapshots(PROBE, soon());
          return catalog.commit(table, commit);
        },
      };
      await expireSnapshots(PROBE, { ...soon(), catalog: late });
    });

    it("does not expire what a tag has been moved to meanwhile", async () => {
      const { catalog } = lake;
      const { snapshots = [] } = (await catalog.load(PROBE))!.metadata;
      const tag = (at: number) =>
        catalog.commit(PROBE, {
          requirements: [],
          updates: [
            {
              action: "set-snapshot-ref",
              "ref-name": "audited",
              type: "tag",
              "snapshot-id": snapshots[at]["snapshot-id"],
            },
          ],
        });
      await tag(2);
      const requirements: string[][] = [];
      const late: Catalog = {
        load: (table) => catalog.load(table),
        list: (namespace) => catalog.list(namespace),
        commit: async (table, commit) => {
          requirements.push(commit.requirements.map((each) => ("ref" in each ? each.ref : each.type)));
          if (requirements.length === 1) await tag(1);
          return catalog.commit(table, commit);
        },
      };
      const { snapshots: expired } = await expireSnapshots(PROBE, { ...soon(), catalog: late });
      expect(expired).toBe(3);
      expect(requirements).toEqual(Array(2).fill(["assert-table-uuid", "main", "audited"]));
      const asOf = String(snapshots[1]["snapshot-id"]);
      const { rows } = await engine.query("SELECT count(*) AS n FROM {gold.probe}", [], { asOf });
      expect(rows).toEqual([{ n: 20 }]);
      await catalog.commit(PROBE, {
        requirements: [],
        updates: [{ action: "remove-snapshot-ref", "ref-name": "audited" }],
      });
      await expireSnapshots(PROBE, soon());
    });

    it("looks again for orphans where the other has expired what it was reading", async () => {
      const { catalog } = lake;
      let isFirst = true;
      const late: Catalog = {
        list: (namespace) => catalog.list(namespace),
        commit: (table, commit) => catalog.commit(table, commit),
        load: async (table) => {
          const loaded = await catalog.load(table);
          if (isFirst) await expireSnapshots(PROBE, soon());
          isFirst = false;
          return loaded;
        },
      };
      expect((await removeOrphans(PROBE, { ...soon(), catalog: late, prepared: [] })).objects).toBe(0);
    });
  });

  it("removes old orphans only: not what is in use, protected by a checkpoint, or young", async () => {
    const used = await append(0, 10);
    await append(10, 20);
    const orphan = await lake.stage({ from: 900, to: 910, day: DAY });
    const staged = await lake.stage({ from: 20, to: 30, day: DAY });
    const young = await lake.stage({ from: 40, to: 50, day: DAY });
    await lake.objectStore.put("lake/gold/probe/metadata/abandoned-m0.avro", Buffer.from("x"));
    const now = Date.now();
    for (const key of await objects()) {
      if (key !== young.key)
        await utimes(join(lake.home, key), new Date(now - 5 * HOUR_MS), new Date(now - 5 * HOUR_MS));
    }
    const report = await removeOrphans(PROBE, {
      ...lake.deps,
      minAgeMs: HOUR_MS,
      prepared: [
        { taskId: "t", epoch, files: [staged] },
        // An earlier attempt of an epoch that the table has: what it staged is nobody's.
        { taskId: "t", epoch: epoch - 1, files: [orphan] },
      ],
    });
    expect(report.objects).toBe(2);
    expect(report.bytes).toBe(orphan.bytes + 1);
    const left = await objects();
    for (const file of [used, staged, young]) expect(left).toContain(file.key);
    expect(left).not.toContain(orphan.key);
    await publisher().publish([{ taskId: "t", epoch: epoch++, files: [staged] }]);
    expect((await pyiceberg()).ids).toEqual(range(0, 30));
  });

  it("removes metadata versions that left the log and stayed, and the table goes on", async () => {
    const commit = (n: string) =>
      lake.catalog.commit(PROBE, {
        requirements: [],
        updates: [
          { action: "set-properties", updates: { n, "write.metadata.delete-after-commit.enabled": "false" } },
        ],
      });
    for (let i = 0; i < 120; i++) await commit(String(i));
    const later = { ...lake.deps, clock: () => Date.now() + 2 * HOUR_MS };
    expect((await removeOrphans(PROBE, { ...later, prepared: [], minAgeMs: HOUR_MS })).objects).toBe(20);
    await commit("after");
    const other = await createTestLake(lake.home);
    expect((await other.catalog.load(PROBE))?.metadata.properties?.n).toBe("after");
    await other.rewriter.close();
  });

  it("keeps to the folder of a home that was copied to the one it had been in", async () => {
    const original = await createTestLake(join(lake.home, ".millrace"));
    const { publish } = createLakePublisher({ ...original.deps, tables: [probeTable] });
    for (let i = 0; i < 5; i++) {
      const files = [await original.stage({ from: i * 10, to: i * 10 + 10, day: DAY })];
      await publish([{ taskId: "t", epoch: i, files }]);
    }
    await rm(join(lake.home, "lake"), { recursive: true });
    await cp(join(original.home, "lake"), join(lake.home, "lake"), { recursive: true });
    const before = await filesUnder(original.home);
    const copy = await createTestLake(lake.home);
    const later = { ...copy.deps, clock: () => Date.now() + 2 * HOUR_MS };
    const orphans = { ...later, prepared: [], minAgeMs: HOUR_MS };
    expect(await removeOrphans(PROBE, orphans)).toMatchObject({ objects: 0 });
    await compactTable(probeTable, { ...copy.deps, rewriter: copy.rewriter });
    const expired = await expireSnapshots(PROBE, { ...later, maxAgeMs: HOUR_MS, keepLast: 1 });
    expect(expired).toEqual({ snapshots: 5, objects: 15 });
    await removeOrphans(PROBE, orphans);
    expect(await filesUnder(original.home)).toEqual(before);
    await original.remove();
    const reader = new DuckDbQueryEngine({ ...copy.deps });
    expect((await reader.query("SELECT count(*) AS n FROM {gold.probe}", [])).rows).toEqual([{ n: 50 }]);
    await reader.close();
    await copy.rewriter.close();
  });

  it("does all of it for every table that there is", async () => {
    for (let i = 0; i < 5; i++) await append(i * 10, i * 10 + 10);
    const missing = { ...probeTable, name: "missing" };
    const options = { ...lake.deps, rewriter: lake.rewriter, prepared: [], maxAgeMs: 0, keepLast: 1 };
    const reports = await maintainTables([missing, probeTable], {
      ...options,
      clock: () => Date.now() + 1000,
    });
    expect(reports).toMatchObject([
      {
        table: PROBE,
        compaction: { filesBefore: 5, filesAfter: 1 },
        expiry: { snapshots: 5 },
        orphans: { objects: 0 },
      },
    ]);
    expect(await pyiceberg()).toEqual({ ids: range(0, 50), files: 1 });
  });

  it("compacts by size class so that large files rest", async () => {
    const small = { ...lake.deps, rewriter: lake.rewriter };
    for (let i = 0; i < 4; i++) await append(i * 10, i * 10 + 10);
    await compactTable(probeTable, { ...small, targetBytes: 1 });
    expect((await pyiceberg()).files).toBe(4);
    await compactTable(probeTable, small);
    await append(40, 50);
    expect(await compactTable(probeTable, small)).toMatchObject({ committed: false });
    expect(await compactTable(probeTable, { ...small, full: true, filesMin: 2 })).toMatchObject({
      filesBefore: 2,
    });
    expect(await pyiceberg()).toEqual({ ids: range(0, 50), files: 1 });
  });
});
