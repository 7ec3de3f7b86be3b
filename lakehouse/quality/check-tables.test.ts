import { describe, expect, it } from "vitest";
import { DuckDbQueryEngine } from "../adapters/index.ts";
import type { QueryEngine } from "../ports/query-engine.ts";
import { createTestLake } from "../table/testing/test-lake.ts";
import { checkTables, type QualityOptions } from "./check-tables.ts";
import type { QualityResult } from "./finding.ts";
import {
  type CheckedRows,
  checkedOptions,
  checkedTables,
  FAULTS,
  soundRows,
  writeCheckedLake,
} from "./testing/checked-lake.ts";

const tables = checkedTables();

/** What the checks say of rows that a test changed. */
async function check(
  change: (rows: CheckedRows) => void,
  options: Partial<QualityOptions> = {},
  wrap: (engine: QueryEngine) => QueryEngine = (engine) => engine,
): Promise<QualityResult[]> {
  const lake = await createTestLake();
  const engine = new DuckDbQueryEngine(lake.deps);
  try {
    const rows = soundRows();
    change(rows);
    await writeCheckedLake(tables, rows, lake.deps);
    return await checkTables(wrap(engine), { ...checkedOptions(tables), ...options });
  } finally {
    await engine.close();
    await lake.remove();
  }
}

const short = ({ table, check: name }: QualityResult): string => `${table.replace(/^\w+\./, "")} ${name}`;
const failed = (results: readonly QualityResult[]): string[] =>
  results.filter(({ status }) => status === "failed").map(short);
const find = (results: readonly QualityResult[], name: string): QualityResult =>
  results.find((result) => short(result) === name)!;

describe("checks of tables", () => {
  it("pass where nothing is wrong, and every kind of them looked at something", async () => {
    const results = await check(() => undefined);
    expect(results.filter(({ status }) => status !== "passed")).toEqual([]);
    expect(new Set(results.map(({ kind }) => kind)).size).toBe(10);
    expect(results.filter(({ rows, kind }) => rows === 0 || (rows === null && kind !== "freshness"))).toEqual(
      [],
    );
  });

  it.each(Object.entries(FAULTS))(
    "%s finds what was planted, and no other check does",
    async (name, fault) => {
      const results = await check(fault.plant);
      expect(failed(results)).toEqual([name]);
      const { measured, sample, note } = find(results, name);
      expect(measured).toBe(fault.measured);
      expect(sample ?? note).not.toBeNull();
    },
  );

  it("give log positions and keys as a sample, no ids of shoppers", async () => {
    const results = await check((rows) => {
      FAULTS["kept key-unique"].plant(rows);
      FAULTS["kept currency-format"].plant(rows);
    });
    const [repeat] = JSON.parse(find(results, "kept key-unique").sample ?? "");
    expect(Object.keys(repeat)).toEqual(["event_id", "copies"]);
    const places = JSON.parse(find(results, "kept currency-format").sample ?? "");
    expect(places).toHaveLength(3);
    expect(Object.keys(places[0])).toEqual(["event_time", "_partition", "_offset"]);
  });

  it("look at the newest days of each table, or as far back as they are told", async () => {
    const plant = ({ kept }: CheckedRows): void => {
      kept[1].currency = "eur";
    };
    expect(failed(await check(plant))).toEqual([]);
    expect(failed(await check(plant, { days: 5 }))).toEqual(["kept currency-format"]);
    const all = await check(plant, { since: "begin" });
    expect(failed(all)).toEqual(["kept currency-format"]);
    expect(find(all, "kept currency-format")).toMatchObject({ rows: 7200, since: null });
    const since = Date.UTC(2026, 0, 9, 12);
    expect(find(await check(plant, { since }), "kept currency-format")).toMatchObject({ rows: 720, since });
  });

  it("are skipped, with the reason, where there is nothing to look at", async () => {
    const results = await check((rows) => {
      rows.products = [];
      rows.sums = [];
    });
    expect(find(results, "kept product-known")).toMatchObject({
      status: "skipped",
      note: "bronze.products_known has no rows",
    });
    expect(find(results, "sums equals-kept")).toMatchObject({ status: "skipped" });
    // The rows are due, so none at all is as stale as can be.
    expect(failed(results)).toEqual(["sums fresh"]);
    const idle = await check(({ sums }) => void sums.splice(0), { idle: new Set(["gold.sums"]) });
    expect(failed(idle)).toEqual([]);
  });

  it("find in a lake under way that nothing came any more", async () => {
    const clock = () => Date.UTC(2026, 0, 10, 3);
    const results = await check(() => undefined, { clock });
    expect(failed(results)).toEqual(["received volume"]);
    expect(find(results, "received volume")).toMatchObject({ measured: 0, threshold: 30 });
  });

  it("are unknown where the engine cannot run them, and the others go on", async () => {
    const { kept, ...others } = tables;
    const broken = { ...kept, checks: [...(kept.checks ?? []), { ...BROKEN }] };
    const results = await check(FAULTS["kept currency-format"].plant, {
      tables: [broken, ...Object.values(others)],
    });
    expect(find(results, "kept broken")).toMatchObject({
      status: "unknown",
      note: expect.stringContaining("no_such_column"),
    });
    expect(failed(results)).toEqual(["kept currency-format"]);
  });

  it("end with the engine's own failure, and where there is no such table", async () => {
    const abort = new AbortController();
    abort.abort();
    await expect(check(() => undefined, { signal: abort.signal })).rejects.toMatchObject({
      code: "query-aborted",
    });
    await expect(check(() => undefined, { only: ["silver.kpt"] })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("silver.kept"),
    });
  });
});

const BROKEN = { name: "broken", kind: "condition", severity: "error", holds: "no_such_column > 0" } as const;
