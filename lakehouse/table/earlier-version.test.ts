import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compactTable } from "../maintenance/index.ts";
import { versionUpTo } from "./earlier-version.ts";
import { createLakePublisher, publishedEpochs } from "./publisher.ts";
import { currentSnapshot } from "./table-metadata.ts";
import { createTestLake, PROBE, probeTable, type TestLake } from "./testing/test-lake.ts";

const DAY = 20_000;
const ROWS = 10;

describe("the version of a table that belongs to checkpoints", () => {
  let lake: TestLake;
  beforeEach(async () => {
    lake = await createTestLake();
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    const stage = async (taskId: string, epoch: number, number: number) => ({
      taskId,
      epoch,
      files: [await lake.stage({ from: number * ROWS, to: (number + 1) * ROWS, day: DAY })],
    });
    await publisher.publish([await stage("a", 1, 0), await stage("b", 1, 1)]);
    await publisher.publish([await stage("a", 2, 2)]);
    await publisher.publish([await stage("b", 3, 3)]);
    await compactTable(probeTable, { ...lake.deps, rewriter: lake.rewriter, full: true });
  });
  afterEach(() => lake.remove());

  async function upTo(epochs: Readonly<Record<string, number>>) {
    const newest = await lake.catalog.load(PROBE);
    if (newest === null) throw new Error("the lake has no probe table");
    return versionUpTo(PROBE, newest, (taskId) => epochs[taskId] ?? 0, lake.objectStore);
  }

  async function rowsUpTo(epochs: Readonly<Record<string, number>>): Promise<number> {
    const version = await upTo(epochs);
    return Number(version && currentSnapshot(version.metadata)?.summary["total-records"]);
  }

  test("is the newest where nothing is later, compacted since or not", async () => {
    expect(await upTo({ a: 2, b: 3 })).toEqual(await lake.catalog.load(PROBE));
    expect(await upTo({ a: 7, b: 3 })).toEqual(await lake.catalog.load(PROBE));
  });

  test("has all up to their epochs, and nothing behind these", async () => {
    expect(await rowsUpTo({ a: 2, b: 2 })).toBe(3 * ROWS);
    expect(await rowsUpTo({ a: 1, b: 1 })).toBe(2 * ROWS);
    const version = await upTo({ a: 2, b: 1 });
    expect(version && publishedEpochs(version.metadata)).toEqual(new Map(Object.entries({ a: 2, b: 1 })));
  });

  test("is empty for tasks without a checkpoint", async () => {
    const version = await upTo({});
    expect(version && currentSnapshot(version.metadata)).toBeNull();
  });
});
