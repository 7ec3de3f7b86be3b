import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { currentView, MillraceError, type TableSpec, type ViewSpec, viewName } from "../../schema/index.ts";
import { createLakePublisher, type EnsureTablesOptions, ensureTables } from "../table/index.ts";
import { REVISED_CASES, type RevisedCase } from "../table/testing/revised-table.ts";
import { stageRows } from "../table/testing/stage-rows.ts";
import type { QueryEngine, QueryOptions } from "./query-engine.ts";

export interface CurrentViewsFixture {
  readonly deps: EnsureTablesOptions & { readonly clock: () => number };
  /** An engine that knows this view; the caller closes it. */
  open(view: ViewSpec): QueryEngine;
  /** A table's name that nothing else has. */
  readonly name: string;
  remove(): Promise<void>;
}

/** What queries of views get, by every engine. */
export function currentViewsContract(name: string, create: () => Promise<CurrentViewsFixture>): void {
  describe(`views of the rows that hold: ${name}`, () => {
    let fixture: CurrentViewsFixture;
    beforeEach(async () => {
      fixture = await create();
    });
    afterEach(() => fixture.remove());

    it.each(REVISED_CASES)(
      "have the newest of $name, behind every commit and as of every one",
      async (tried) => {
        const table = tried.table(fixture.name);
        const view = viewOf(table);
        await ensureTables([table], fixture.deps);
        const engine = fixture.open(view);
        const held = async (options?: QueryOptions) => textsOf(engine, `{${viewName(view)}}`, tried, options);
        expect(await held()).toEqual([]);
        const snapshots: string[] = [];
        for (const [epoch, rows] of tried.commits.entries()) {
          await commit(table, epoch, rows);
          expect(await held()).toEqual(tried.held[epoch]);
          snapshots.push((await engine.snapshot(table))?.id ?? "");
        }
        for (const [i, asOf] of snapshots.entries()) expect(await held({ asOf })).toEqual(tried.held[i]);
        await engine.close();
      },
    );

    it("are joined and filtered as tables, and are unknown where the engine was not given them", async () => {
      const [{ table: tableOf, commits }] = REVISED_CASES;
      const table = tableOf(fixture.name);
      const view = viewOf(table);
      await ensureTables([table], fixture.deps);
      for (const [epoch, rows] of commits.entries()) await commit(table, epoch, rows);
      const engine = fixture.open(view);
      const named = `{${viewName(view)}}`;
      const joined = await engine.query(
        `SELECT held.alert_id AS id, count(*) AS versions FROM ${named} held
         JOIN {gold.${table.name}} written ON written.alert_id = held.alert_id
         WHERE held.at < $1 AND held.alert_id <> $2 GROUP BY held.alert_id ORDER BY 1`,
        [new Date("2024-10-05T00:00:00Z"), "b"],
      );
      expect(joined.rows).toEqual([
        { id: "a", versions: 3 },
        { id: "c", versions: 3 },
      ]);
      await engine.close();
      const other = fixture.open(viewOf({ ...table, name: `${table.name}_other` }));
      const missing = await other.query(`SELECT * FROM ${named}`, []).catch((error: unknown) => error);
      expect(missing).toBeInstanceOf(MillraceError);
      expect(missing).toMatchObject({ code: "table-not-found" });
      await other.close();
    });

    async function commit(
      table: TableSpec,
      epoch: number,
      rows: RevisedCase["commits"][number],
    ): Promise<void> {
      const files = [await stageRows(table, rows, fixture.deps.objectStore)];
      const publisher = createLakePublisher({ ...fixture.deps, tables: [table] });
      await publisher.publish([{ taskId: "t", epoch, files }]);
    }
  });
}

/** A table's view, which it must have. */
export function viewOf(table: TableSpec): ViewSpec {
  const view = currentView(table);
  if (view === null) throw new Error(`${table.name} has no view`);
  return view;
}

/** The case's columns of all rows of a relation, as its `held` has them. */
export async function textsOf(
  engine: QueryEngine,
  relation: string,
  { columns }: Pick<RevisedCase, "columns">,
  options?: QueryOptions,
): Promise<string[]> {
  const { rows } = await engine.query(`SELECT * FROM ${relation}`, [], options);
  return rows.map((row) => columns.map((name) => String(row[name])).join(":")).sort();
}
