import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SqlValue } from "../../../lakehouse/index.ts";
import { goldDataQuality } from "../../../schema/index.ts";
import { TestApi } from "../../server/api.fixture.ts";

const HOUR = 3_600_000;
const NOW = Date.now();
const at = (hoursAgo: number): Date => new Date(NOW - hoursAgo * HOUR);

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.stop());

const row = (table: string, check: string, hoursAgo: number, changes: Record<string, SqlValue> = {}) => ({
  ...{ checked_at: at(hoursAgo), table_name: table, check_name: check },
  ...{ kind: "accepted-values", severity: "error", status: "passed" },
  ...{ measured: 0, threshold: 0, rows_checked: 40, snapshot_id: "12" },
  ...changes,
});
const query = `query($table: String, $status: DataQualityStatus, $asOf: String) {
  dataQuality(table: $table, status: $status, asOf: $asOf) {
    results { table check kind severity status checkedAt failingSince measured threshold rows since sample note }
    freshness { snapshotId }
  }
}`;

describe("data quality", () => {
  it("is empty before the first run", async () => {
    const { dataQuality } = await api.data(query, { table: "silver.events" });
    expect(dataQuality).toEqual({ results: [], freshness: { snapshotId: null } });
  });

  it("is the newest result of each check, by table and status, also as of an earlier snapshot", async () => {
    const first = await api.commit(goldDataQuality, [
      row("silver.events", "event-type-known", 2, { status: "failed", measured: 3, failing_since: at(2) }),
      row("gold.funnel", "key-unique", 2, { kind: "uniqueness" }),
      row("gold.gone", "key-unique", 40 * 24),
    ]);
    await api.commit(goldDataQuality, [
      row("silver.events", "event-type-known", 1, {
        ...{ status: "failed", measured: 4, failing_since: at(2), since: at(48) },
        ...{ sample: '[{"_partition":0,"_offset":7}]', note: "look" },
      }),
    ]);
    const { dataQuality } = await api.data(query);
    expect(dataQuality.results).toEqual([
      expect.objectContaining({
        table: "gold.funnel",
        check: "key-unique",
        kind: "UNIQUENESS",
        status: "PASSED",
      }),
      {
        ...{ table: "silver.events", check: "event-type-known", kind: "ACCEPTED_VALUES", severity: "ERROR" },
        ...{ status: "FAILED", measured: 4, threshold: 0, rows: 40 },
        ...{ checkedAt: at(1).toISOString(), failingSince: at(2).toISOString(), since: at(48).toISOString() },
        ...{ sample: '[{"_partition":0,"_offset":7}]', note: "look" },
      },
    ]);
    const tablesOf = async (variables: object) =>
      (await api.data(query, variables)).dataQuality.results.map(({ table }: { table: string }) => table);
    expect(await tablesOf({ status: "FAILED" })).toEqual(["silver.events"]);
    expect(await tablesOf({ table: "gold.funnel" })).toEqual(["gold.funnel"]);
    expect(await tablesOf({ table: "gold.funnel", status: "FAILED" })).toEqual([]);
    const before = (await api.data(query, { asOf: first })).dataQuality;
    expect(before.freshness).toEqual({ snapshotId: first });
    expect(before.results[1]).toMatchObject({ measured: 3 });
  });

  it("of a table that there is not is an error that names those that there are", async () => {
    const { errors } = await api.query(query, { table: "silver.evnts" });
    expect(errors?.[0]).toMatchObject({
      message: 'There is no table "silver.evnts". There are: gold.funnel, silver.events.',
      extensions: { code: "invalid-argument", origin: "user" },
    });
  });

  it("is among the metrics, of the runs of this process", async () => {
    const metrics = async () => (await fetch(`${api.server.url}/metrics`)).text();
    expect(await metrics()).toContain('millrace_data_quality_runs_total{outcome="failed"} 0\n');
    const result = { table: "silver.events", check: "key-unique", severity: "error" } as const;
    api.quality = {
      ...{ runs: 3, failures: 1 },
      newest: {
        checkedAt: NOW,
        results: [
          { ...result, status: "failed" },
          { ...result, check: "fresh", status: "passed" },
        ],
      },
    };
    const text = await metrics();
    expect(text).toContain('millrace_data_quality_runs_total{outcome="done"} 3\n');
    expect(text).toContain(
      'millrace_data_quality_check_failed{table="silver.events",check="key-unique",severity="error",status="failed"} 1\n',
    );
    expect(text).not.toContain('check="fresh"');
  });
});
