import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileCatalog } from "../adapters/index.ts";
import type { TableUpdate } from "../ports/catalog.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { createLakePublisher, type TableMetadata } from "../table/index.ts";
import { createTestLake, PROBE, probeTable, runPython, type TestLake } from "../table/testing/test-lake.ts";
import { expireSnapshots, removeOrphans } from "./index.ts";

const DAY = 20_000;
const DAY_MS = 86_400_000;

const PYICEBERG_REFS = `
import sys, json
from pyiceberg.table import StaticTable
table = StaticTable.from_metadata(sys.argv[1])
print(json.dumps({name: [ref.min_snapshots_to_keep, ref.max_snapshot_age_ms] for name, ref in table.metadata.refs.items()}))
`;

describe("how long snapshots stay", () => {
  let lake: TestLake;
  let epoch = 0;
  let nowMs = Date.now();
  beforeEach(async () => {
    lake = await createTestLake();
    nowMs = Date.now();
  });
  afterEach(() => lake.remove());

  /** All by the test's clock. */
  const deps = () => {
    const clock = () => nowMs;
    return { ...lake.deps, clock, catalog: new FileCatalog({ objectStore: lake.objectStore, clock }) };
  };
  const load = async (): Promise<TableMetadata> => (await lake.catalog.load(PROBE))!.metadata;
  const set = (...updates: TableUpdate[]) => lake.catalog.commit(PROBE, { requirements: [], updates });
  const properties = (updates: Readonly<Record<string, string>>) =>
    set({ action: "set-properties", updates });

  /** One snapshot each day, the last a day ago. */
  async function appendDaily(count: number, objectStore: ObjectStore = lake.objectStore): Promise<void> {
    const publisher = createLakePublisher({ ...deps(), objectStore, tables: [probeTable] });
    for (let i = 0; i < count; i++) {
      const files = [await lake.stage({ from: epoch * 10, to: epoch * 10 + 10, day: DAY })];
      await publisher.publish([{ taskId: "t", epoch: epoch++, files }]);
      nowMs += DAY_MS;
    }
  }

  const expire = async () => (await expireSnapshots(PROBE, { ...deps(), keepLast: 1 })).snapshots;

  it("is up to its branch, which a commit leaves as it is", async () => {
    await appendDaily(1);
    const limits = { "min-snapshots-to-keep": 3, "max-snapshot-age-ms": DAY_MS };
    const id = (await load()).refs!.main["snapshot-id"];
    await set({
      action: "set-snapshot-ref",
      "ref-name": "main",
      type: "branch",
      "snapshot-id": id,
      ...limits,
    });
    await appendDaily(5);
    expect((await load()).refs?.main).toMatchObject({ type: "branch", ...limits });
    const { metadataLocation } = (await lake.catalog.load(PROBE))!;
    expect(await runPython(PYICEBERG_REFS, metadataLocation)).toEqual({ main: [3, DAY_MS] });
    expect(await expire()).toBe(3);
  });

  it("is up to the table", async () => {
    await appendDaily(6);
    await properties({ "history.expire.max-snapshot-age-ms": String(30 * DAY_MS) });
    expect(await expire()).toBe(0);
    await properties({
      "history.expire.max-snapshot-age-ms": "1",
      "history.expire.min-snapshots-to-keep": "4",
    });
    expect(await expire()).toBe(2);
  });

  it("goes by the store's clock where one was a year ahead once, as what comes since claims to be as young", async () => {
    const storedAt = new Map<string, number>();
    const objectStore: ObjectStore = Object.create(lake.objectStore, {
      head: {
        value: async (key: string) => {
          const found = await lake.objectStore.head(key);
          return found && { ...found, modifiedAt: storedAt.get(key) ?? nowMs };
        },
      },
      put: {
        value: async (key: string, ...more: [Uint8Array, object?]) => {
          storedAt.set(key, nowMs);
          return lake.objectStore.put(key, ...more);
        },
      },
    });
    const append = (count: number) => appendDaily(count, objectStore);
    await append(2);
    nowMs += 365 * DAY_MS;
    await append(1);
    nowMs -= 365 * DAY_MS;
    await append(5);
    const { snapshots = [] } = await load();
    expect(snapshots.filter((snapshot) => snapshot["timestamp-ms"] > nowMs)).toHaveLength(6);
    const report = await expireSnapshots(PROBE, { ...deps(), objectStore, keepLast: 1 });
    // Of the last two, one was current a day ago. When the one from the future came, nothing tells: the one before it stays.
    expect(report.snapshots).toBe(5);
    expect((await load()).snapshots).toHaveLength(3);
  });

  it("ends for the oldest where there are very many, unless the table tells an age", async () => {
    await appendDaily(6);
    const manyYoung = { ...deps(), maxAgeMs: 30 * DAY_MS, keepLast: 1, keepMost: 4 };
    await properties({ "history.expire.max-snapshot-age-ms": String(30 * DAY_MS) });
    expect((await expireSnapshots(PROBE, manyYoung)).snapshots).toBe(0);
    await set({ action: "remove-properties", removals: ["history.expire.max-snapshot-age-ms"] });
    expect((await expireSnapshots(PROBE, manyYoung)).snapshots).toBe(2);
  });

  it("ends never where nothing of the table may be deleted", async () => {
    await appendDaily(4);
    await lake.objectStore.put("lake/gold/probe/data/orphan.parquet", Buffer.from("x"));
    await properties({ "gc.enabled": "false" });
    nowMs += 30 * DAY_MS;
    expect(await expire()).toBe(0);
    expect(await removeOrphans(PROBE, { ...deps(), prepared: [] })).toEqual({ objects: 0, bytes: 0 });
    await properties({ "gc.enabled": "true" });
    expect(await expire()).toBe(3);
    expect((await removeOrphans(PROBE, { ...deps(), prepared: [] })).objects).toBe(1);
  });

  it("ends for other branches and tags when these have had their time; main stays", async () => {
    await appendDaily(3);
    const { snapshots = [] } = await load();
    const ref = (name: string, at: number, more: object = {}): TableUpdate => ({
      action: "set-snapshot-ref",
      "ref-name": name,
      type: "tag",
      "snapshot-id": snapshots[at]["snapshot-id"],
      ...more,
    });
    await set(ref("old", 0, { "max-ref-age-ms": DAY_MS }), ref("kept", 1));
    nowMs += 10 * DAY_MS;
    expect(await expire()).toBe(1);
    expect(Object.keys((await load()).refs ?? {}).sort()).toEqual(["kept", "main"]);
    await properties({ "history.expire.max-ref-age-ms": String(DAY_MS) });
    expect(await expire()).toBe(1);
    expect(Object.keys((await load()).refs ?? {})).toEqual(["main"]);
  });

  it("counts on each branch by itself, and of what no branch leads to only what is young", async () => {
    await appendDaily(3);
    const { snapshots = [] } = await load();
    await set({
      action: "set-snapshot-ref",
      "ref-name": "main",
      type: "branch",
      "snapshot-id": snapshots[0]["snapshot-id"],
    });
    await appendDaily(1);
    // The two that were rolled back; the last of them came three days ago.
    expect(await expire()).toBe(2);
    expect((await load()).snapshots).toHaveLength(2);
  });
});
