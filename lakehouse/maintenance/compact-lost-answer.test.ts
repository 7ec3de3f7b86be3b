import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MillraceError } from "../../schema/index.ts";
import { DuckDbQueryEngine } from "../adapters/index.ts";
import type { Catalog } from "../ports/catalog.ts";
import { createLakePublisher } from "../table/index.ts";
import { createTestLake, PROBE, probeTable, type TestLake } from "../table/testing/test-lake.ts";
import { compactTable, expireSnapshots } from "./index.ts";

const DAYS = [20_000, 20_001] as const;

describe("a compaction whose commit was applied without an answer", () => {
  let lake: TestLake;
  let engine: DuckDbQueryEngine;
  let epoch: number;
  beforeEach(async () => {
    lake = await createTestLake();
    epoch = 0;
    engine = new DuckDbQueryEngine(lake.deps);
    for (const day of DAYS) for (let i = 0; i < 4; i++) await append(day);
  });
  afterEach(async () => {
    await engine.close();
    await lake.remove();
  });

  /** Ten rows in a file of their own. */
  async function append(day: number): Promise<void> {
    const from = epoch * 10;
    const files = [await lake.stage({ from, to: from + 10, day })];
    await createLakePublisher({ ...lake.deps, tables: [probeTable] }).publish([
      { taskId: "t", epoch: epoch++, files },
    ]);
  }

  /** The lake's catalog; its first answer to a commit gets lost, and `meanwhile` comes before the next try. */
  function losingFirstAnswer(meanwhile: () => Promise<unknown>): Catalog {
    const { catalog } = lake;
    let isLost = false;
    return {
      load: (table) => catalog.load(table),
      list: (namespace) => catalog.list(namespace),
      async commit(table, commit) {
        const applied = await catalog.commit(table, commit);
        if (isLost) return applied;
        isLost = true;
        await meanwhile();
        throw new MillraceError("the answer was lost", {
          code: "commit-unknown",
          origin: "external",
          retry: true,
        });
      },
    };
  }

  const compactFully = (catalog: Catalog = lake.catalog) =>
    compactTable(probeTable, { ...lake.deps, catalog, rewriter: lake.rewriter, full: true, filesMin: 2 });

  async function rowCount(asOf?: string): Promise<unknown> {
    const sql = "SELECT count(*) AS n, count(DISTINCT id) AS ids, max(text) AS text FROM {gold.probe}";
    return (await engine.query(sql, [], asOf === undefined ? {} : { asOf })).rows;
  }

  it.each([
    ["none of its files was", []],
    ["one of its files was", DAYS.slice(0, 1)],
    ["all of its files were", DAYS],
  ] as const)("is done, also for time travel, when %s replaced before the next try", async (_, days) => {
    let own = "";
    const catalog = losingFirstAnswer(async () => {
      own = (await engine.snapshot(probeTable))?.id ?? "";
      for (const day of days) await append(day);
      await compactFully();
    });
    expect(await compactFully(catalog)).toMatchObject({ filesBefore: 8, filesAfter: 2, committed: true });
    const rows = (n: number) => [{ n, ids: n, text: expect.any(String) }];
    expect(await rowCount()).toEqual(rows(80 + days.length * 10));
    expect(await rowCount(own)).toEqual(rows(80));
  });

  it("deletes none of its files where its snapshot has expired before the next try", async () => {
    const catalog = losingFirstAnswer(async () => {
      await append(DAYS[0]);
      await compactFully();
      const later = () => Date.now() + 1000;
      await expireSnapshots(PROBE, { ...lake.deps, clock: later, maxAgeMs: 0, keepLast: 1 });
    });
    await compactFully(catalog);
    expect(await rowCount()).toEqual([{ n: 90, ids: 90, text: expect.any(String) }]);
  });
});
