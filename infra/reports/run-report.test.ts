import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldDailyTopProducts, goldReportRuns, tableName } from "../../schema/index.ts";
import type { Alert } from "../../stream/index.ts";
import { Platform } from "../platform/platform.ts";
import {
  CollectedLog,
  freshFolder,
  removeFolder,
  scenarioConfig,
} from "../scenarios/testing/scenario-home.ts";
import { DAY_MS, type DailyReport } from "./daily-report.ts";
import { reportDeps } from "./platform-reports.ts";
import { newestRuns, type ReportRun } from "./report-run.ts";
import { type ReportDeps, runReport } from "./run-report.ts";

const HOUR = 3_600_000;

let folder: string;
let platform: Platform;
let deps: ReportDeps;
let now = Date.UTC(2026, 0, 10, 1);

beforeAll(async () => {
  folder = freshFolder("reports");
  platform = await Platform.open(scenarioConfig(folder), new CollectedLog());
  deps = reportDeps(platform, { queryEngine: platform.queryEngine, clock: () => (now += 1000) });
});
afterAll(async () => {
  await platform?.close();
  removeFolder(folder);
});

/** A report of one row, of none, or one that fails. */
const reportOf = (productId: string | Error | null): DailyReport => ({
  ...{ name: "top-products", doc: "", table: goldDailyTopProducts, dueAfterMs: HOUR },
  async *make() {
    if (productId instanceof Error) throw productId;
    if (productId === null) return { text: "nothing", figures: {} };
    yield [{ rank: 1, product_id: productId, units: 2, purchases: 1, cart_adds: 0, views: 3 }];
    return { text: `most of ${productId}`, figures: { product1: productId } };
  },
});

const run = (
  productId: string | Error | null,
  day: number,
  previous: ReportRun | null,
  { signal, tells = true, ...with_ }: Partial<ReportDeps> & { signal?: AbortSignal; tells?: boolean } = {},
): Promise<ReportRun> =>
  runReport(
    { report: reportOf(productId), day, previous },
    { ...deps, ...with_ },
    { fileBytesMax: 1 << 20, tells, ...(signal !== undefined && { signal }) },
  );

const rowsOf = async (table: string, day: number) =>
  (
    await platform.queryEngine.query(`SELECT * FROM {${table}} WHERE day = $1 ORDER BY revision`, [
      new Date(day),
    ])
  ).rows;

async function alertsAbout(day: number): Promise<Alert[]> {
  const found: Alert[] = [];
  const stop = new AbortController();
  const end = await platform.alertBus.position("next");
  // A last one, behind which there is nothing to wait for.
  const last: Alert = {
    ...{ id: `end-${now}`, revision: 1, status: "raised", kind: "end", severity: "low", title: end },
    ...{ userId: null, productId: null, orderId: null, eventTime: now, windowStart: null, windowEnd: null },
    figures: {},
  };
  await platform.alertBus.publish([last]);
  for await (const { alert } of platform.alertBus.subscribe("begin", stop.signal)) {
    if (alert.id === last.id) break;
    if (alert.windowStart === day) found.push(alert);
  }
  stop.abort();
  return found;
}

describe("a run of a report", () => {
  it("saves its rows, tells of them, and is recorded; another one takes the place of its rows", async () => {
    const day = Date.UTC(2026, 0, 1);
    const first = await run("lamp", day, null);
    expect(first).toMatchObject({ status: "done", attempt: 1, rows: 1, message: null, failingSince: null });
    await run("vase", day, first);
    const rows = await rowsOf(tableName(goldDailyTopProducts), day);
    expect(rows.map(({ product_id, revision }) => [product_id, revision])).toEqual([
      ["lamp", 1],
      ["vase", 2],
    ]);
    expect(await rowsOf("gold.daily_top_products_current", day)).toEqual([
      expect.objectContaining({ product_id: "vase", category_id: null, units: 2 }),
    ]);
    const told = await alertsAbout(day);
    expect(told.map(({ title }) => title)).toEqual([
      "top-products of 2026-01-01: most of lamp",
      "top-products of 2026-01-01: most of vase",
    ]);
    expect(told[0].id).toBe(`daily-report:top-products:2026-01-01:${first.startedAt}`);
    expect(told[0]).toMatchObject({ kind: "daily-report", severity: "low", windowEnd: day + DAY_MS });
    const [newest] = await newestRuns(platform.queryEngine, day);
    expect(newest).toMatchObject({ report: "top-products", day, rows: 1 });
    expect(newest.startedAt).toBeGreaterThan(first.finishedAt);
  });

  it("that fails is recorded with why; the third in a row raises one alert, which the next success takes back", async () => {
    const day = Date.UTC(2026, 0, 2);
    let previous: ReportRun | null = null;
    const kinds = async () =>
      (await alertsAbout(day)).map(({ kind, status, revision }) => [kind, status, revision]);
    for (let attempt = 1; attempt <= 4; attempt++) {
      previous = await run(new Error("no lake"), day, previous);
      expect(previous).toMatchObject({ status: "failed", attempt, rows: null, message: "no lake" });
      const raised = attempt < 3 ? [] : [["report-failed", "raised", 1]];
      expect(await kinds()).toEqual(raised);
      // What the next one is given.
      [previous] = (await newestRuns(platform.queryEngine, day)).filter((each) => each.day === day);
    }
    expect(previous?.failingSince).toBeLessThan(previous?.startedAt ?? 0);
    expect(await run("lamp", day, previous)).toMatchObject({
      status: "done",
      attempt: 5,
      failingSince: null,
    });
    expect(await kinds()).toEqual([
      ["report-failed", "raised", 1],
      ["daily-report", "raised", 1],
      ["report-failed", "retracted", 2],
    ]);
    expect(await run("lamp", day, null)).toMatchObject({ attempt: 1 });
  });

  it("that dies between its rows and its record is made again, and readers see one of both", async () => {
    const day = Date.UTC(2026, 0, 3);
    // The lake goes away behind the rows: what a crash there leaves.
    const dying: ReportDeps["catalog"] = Object.create(platform.adapters.catalog, {
      load: {
        value: (name: string) =>
          name === tableName(goldReportRuns)
            ? Promise.reject(new Error("gone"))
            : platform.adapters.catalog.load(name),
      },
    });
    await expect(run("lamp", day, null, { catalog: dying })).rejects.toThrow("gone");
    expect(await newestRuns(platform.queryEngine, day)).toEqual([]);
    expect(await rowsOf(tableName(goldDailyTopProducts), day)).toHaveLength(1);
    expect(await run("lamp", day, null)).toMatchObject({ status: "done", attempt: 1 });
    expect(await rowsOf("gold.daily_top_products_current", day)).toEqual([
      expect.objectContaining({ product_id: "lamp", revision: 2 }),
    ]);
  });

  it("of a day without rows is told of, and again once there are some", async () => {
    const day = Date.UTC(2026, 0, 5);
    expect(await run(null, day, null)).toMatchObject({ status: "done", rows: 0 });
    expect(await run("lamp", day, null)).toMatchObject({ status: "done", rows: 1 });
    expect((await alertsAbout(day)).map(({ title }) => title)).toEqual([
      "top-products of 2026-01-05: nothing",
      "top-products of 2026-01-05: most of lamp",
    ]);
  });

  it("is not told of where nobody wants that", async () => {
    const day = Date.UTC(2026, 0, 6);
    expect(await run("lamp", day, null, { tells: false })).toMatchObject({ status: "done" });
    expect(await alertsAbout(day)).toEqual([]);
  });

  it("fails where it cannot be told of, when its rows are saved, and leaves nothing under way", async () => {
    const day = Date.UTC(2026, 0, 7);
    let told = 0;
    const alertBus: ReportDeps["alertBus"] = Object.create(deps.alertBus, {
      publish: { value: () => Promise.reject(new Error(`no bus ${++told}`)) },
    });
    // The record takes no notification: only that of a failure in a row would.
    const failing = run("lamp", day, null, { alertBus });
    await expect(failing).rejects.toThrow("no bus 2");
    expect(await rowsOf(tableName(goldDailyTopProducts), day)).toHaveLength(1);
    expect((await newestRuns(platform.queryEngine, day)).filter((each) => each.day === day)).toEqual([
      expect.objectContaining({ status: "failed", message: "no bus 1" }),
    ]);
  });

  it("that is given up leaves no record", async () => {
    const day = Date.UTC(2026, 0, 4);
    const stop = new AbortController();
    stop.abort(new Error("stopped"));
    await expect(run(new Error("query aborted"), day, null, { signal: stop.signal })).rejects.toThrow(
      "stopped",
    );
    const recorded = await newestRuns(platform.queryEngine, day);
    expect(recorded.filter((each) => each.day === day)).toEqual([]);
  });
});
