import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LmdbHotStore } from "../../stream/adapters/index.ts";
import { type DemandForecastRecord, HotNamespace } from "../../stream/index.ts";
import { type CliRun, runCli } from "./testing/run-cli.ts";

const DAY_MS = 86_400_000;
/** A Monday. */
const START = Date.UTC(2026, 0, 5);
const DAYS = 28;

/** Two products: one sells some seven a day, the other two on Mondays. */
function events(fromDay = 0, days = DAYS + 1, units = 6): object[] {
  return Array.from({ length: days }, (_, k) => {
    const day = fromDay + k;
    const at = START + day * DAY_MS + 3_600_000;
    const steady = {
      ...{ eventType: "purchase", eventTime: at, userId: "u1", productId: "steady" },
      quantity: units + (day % 3),
    };
    const weekly = { ...steady, eventTime: at + 1, userId: "u2", productId: "weekly", quantity: 2 };
    return day % 7 === 0 ? [steady, weekly] : [steady];
  })
    .flat()
    .map((event, k) => ({ eventId: `e${fromDay}-${k}`, ...event }));
}

describe("millrace forecast", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-forecast-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (...args: string[]): Promise<CliRun> => runCli(args, { folder });
  const rows = async (sql: string): Promise<unknown[]> =>
    (await run("query", sql, "--format", "ndjson")).out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));

  test("says what is missing before there is a whole day of purchases", async () => {
    await run("topics", "apply");
    const { code, err } = await run("forecast");
    expect([code, err]).toEqual([1, expect.stringContaining("no whole day of purchases")]);
  });

  test("writes what is expected to the lake and to the hot store, and again with the next run", async () => {
    await writeFile(
      join(folder, "events.ndjson"),
      events()
        .map((event) => JSON.stringify(event))
        .join("\n"),
    );
    expect((await run("replay", "ndjson", join(folder, "events.ndjson"), "--wait")).code).toBe(0);
    const first = await run("forecast", "--forecast-horizon-days", "14", "--json");
    expect(first.code).toBe(0);
    const report = JSON.parse(first.out);
    // Two products, 14 days and 2 weeks each.
    expect(report).toMatchObject({ products: 2, series: 2, rows: 32, dataUntil: START + DAYS * DAY_MS });
    expect((await run("forecast", "--forecast-horizon-days", "7", "--json")).code).toBe(0);

    expect(
      await rows(
        `SELECT step, count(*) AS n, count(DISTINCT made_at) AS runs, min(step_start) AS first
         FROM gold.demand_forecasts WHERE product_id = 'steady' AND warehouse_id IS NULL GROUP BY 1 ORDER BY 1`,
      ),
    ).toEqual([
      { step: "day", n: 21, runs: 2, first: new Date(START + DAYS * DAY_MS).toISOString() },
      { step: "week", n: 3, runs: 2, first: new Date(START + DAYS * DAY_MS).toISOString() },
    ]);

    const hotStore = new LmdbHotStore({ path: join(folder, ".millrace", "hot"), clock: Date.now });
    try {
      const values = await hotStore.getMany(HotNamespace.demandForecasts, ["steady", "weekly", "other"]);
      expect(values[2]).toBeNull();
      const [steady, weekly] = values
        .slice(0, 2)
        .map((value) => JSON.parse(value ?? "") as DemandForecastRecord);
      expect(steady).toMatchObject({ productId: "steady", warehouses: [] });
      expect(steady.dailyRate).toBeCloseTo(7, 0);
      expect(steady.daily.mean).toHaveLength(7);
      expect(steady.weekly?.mean).toHaveLength(1);
      expect(weekly.dailyRate).toBeLessThan(1);
      expect(weekly.madeAt).toBe(steady.madeAt);
    } finally {
      await hotStore.close();
    }
  });

  test("holds what was expected against what came, once its days are over", async () => {
    const later = join(folder, "later.ndjson");
    const lines = events(DAYS + 1, 9, 8).map((event) => JSON.stringify(event));
    await writeFile(later, lines.join("\n"));
    expect((await run("replay", "ndjson", later, "--wait")).code).toBe(0);
    const { live } = JSON.parse((await run("forecast", "--json")).out);
    // The newest day is not over; of the forecasts of one day from the same demand the newer run's hold.
    const last = START + (DAYS + 9) * DAY_MS;
    const [oracle] = (await rows(
      `WITH units AS (
         SELECT product_id, date_trunc('day', event_time) AS day, sum(quantity) AS units
         FROM silver.events WHERE event_type = 'purchase' GROUP BY 1, 2),
       due AS (
         SELECT f.*, coalesce(u.units, 0) AS units FROM gold.demand_forecasts f
         LEFT JOIN units u ON u.product_id = f.product_id AND u.day = f.step_start
         WHERE f.step = 'day' AND f.step_start < to_timestamp(${last / 1000})
           AND f.data_until = to_timestamp(${(START + DAYS * DAY_MS) / 1000})
         QUALIFY row_number() OVER (PARTITION BY f.product_id, f.step_start ORDER BY f.made_at DESC) = 1)
       SELECT count(*) AS forecasts, avg((units BETWEEN lower_80 AND upper_80)::INT) AS coverage80,
         avg((units BETWEEN lower_95 AND upper_95)::INT) AS coverage95,
         sum(abs(mean - units)) / sum(units) AS wape, sum(mean - units) / sum(units) AS bias FROM due`,
    )) as [Record<string, number>];
    // Nine days of two products.
    expect(oracle.forecasts).toBe(18);
    expect(live.week.forecasts).toBe(2);
    for (const [figure, value] of Object.entries(oracle)) expect(live.day[figure]).toBeCloseTo(value, 9);
    expect(
      await rows(
        `SELECT step, sum(forecasts) AS forecasts, sum(within_80) AS within FROM gold.forecast_accuracy
         GROUP BY 1 ORDER BY 1`,
      ),
    ).toEqual([
      { step: "day", forecasts: 18, within: Math.round(18 * oracle.coverage80) },
      { step: "week", forecasts: 2, within: expect.any(Number) },
    ]);
    // Nothing came due since.
    expect(JSON.parse((await run("forecast", "--json")).out).live).toEqual({ day: null, week: null });
  });
});
