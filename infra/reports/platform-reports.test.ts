import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadInto } from "../../stream/index.ts";
import { Platform } from "../platform/platform.ts";
import { freshFolder, removeFolder, scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import { DAY_MS, dayText } from "./daily-report.ts";
import { eventsAreInLake, reportDeps, reportLook, reportTurn } from "./platform-reports.ts";
import { ReportMetrics } from "./report-metrics.ts";
import { newestRuns } from "./report-run.ts";
import { runReport } from "./run-report.ts";
import { topProducts } from "./top-products.ts";

const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const FIRST = TODAY - 3 * DAY_MS;
const signal = new AbortController().signal;

let folder: string;
let platform: Platform;
const said: { readonly fields: object; readonly message: string }[] = [];
const say = (fields: object, message: string): void => void said.push({ fields, message });
const logger = { info: say, warn: say, error: say };
const registry = new Registry();
const metrics = new ReportMetrics(registry, { intervalMs: 1000, clock: Date.now });

beforeAll(async () => {
  folder = freshFolder("platform-reports");
  platform = await Platform.open(scenarioConfig(join(folder, "home")), logger);
  const file = join(folder, "events.ndjson");
  const events = [FIRST, FIRST + DAY_MS].map((day, i) => ({
    ...{ eventId: `e${i}`, eventType: "item_view", eventTime: day + 1000, userId: "ann" },
    ...{ productId: "lamp", categoryId: "light" },
  }));
  await writeFile(file, events.map((event) => JSON.stringify(event)).join("\n"));
  await loadInto(platform.log, "ndjson", file, { now: Date.now, endOfInput: true });
});
afterAll(async () => {
  await platform?.close();
  removeFolder(folder);
});

it("waits until what the log holds is in the lake", async () => {
  expect(await eventsAreInLake(platform, { waitMs: 300, signal })).toBe(false);
  const coming = eventsAreInLake(platform, { waitMs: 60_000, signal });
  await platform.startWorkers();
  await platform.waitUntilProcessed();
  expect([await coming, await eventsAreInLake(platform, { waitMs: 0, signal })]).toEqual([true, true]);
  const gone = eventsAreInLake(platform, { waitMs: 0, signal: AbortSignal.abort(new Error("stopped")) });
  // There is nothing to wait for.
  expect(await gone).toBe(true);
});

it("makes in a turn what is missing since the first event, and nothing in the next one", async () => {
  let renewals = 0;
  const turn = { logger, metrics, signal, renew: async () => void renewals++ };
  const before = Date.now();
  await reportTurn(platform, turn);
  const runs = await newestRuns(platform.queryEngine, FIRST - 9 * DAY_MS);
  const due = [FIRST, FIRST + DAY_MS, FIRST + 2 * DAY_MS].filter(
    (day) => before >= day + DAY_MS + topProducts.dueAfterMs,
  );
  expect(
    runs
      .filter(({ report }) => report === "top-products")
      .map(({ day, status, rows }) => [day, status, rows]),
  ).toEqual(due.map((day) => [day, "done", day === FIRST + 2 * DAY_MS ? 0 : 1]));
  expect(renewals).toBe(runs.length);
  expect(said).toContainEqual({
    fields: expect.objectContaining({ report: "user-segments", day: dayText(FIRST), rows: 1, attempt: 1 }),
    message: "a daily report is made",
  });
  await reportTurn(platform, turn);
  expect(renewals).toBe(runs.length);
  expect(await registry.metrics()).toContain(
    `millrace_report_runs_total{report="top-products",status="done"} ${due.length}\n`,
  );
});

it("shows what the record says of reports that fail, whoever made them", async () => {
  const failing = async (): Promise<string | undefined> => {
    await reportLook(platform, metrics, signal);
    return /failing_attempts\{report="top-products"\} (\d+)/.exec(await registry.metrics())?.[1];
  };
  expect(await failing()).toBe("0");
  const deps = reportDeps(platform, { queryEngine: platform.queryEngine, clock: Date.now });
  const broken = {
    ...topProducts,
    make() {
      throw new Error("no lake");
    },
  };
  const options = { fileBytesMax: 1 << 20, tells: true, signal };
  const first = await runReport({ report: broken, day: FIRST, previous: null }, deps, options);
  await runReport({ report: broken, day: FIRST, previous: first }, deps, options);
  // Another day's success hides nothing.
  await runReport({ report: topProducts, day: FIRST + DAY_MS, previous: null }, deps, options);
  expect(await failing()).toBe("2");
  await runReport({ report: topProducts, day: FIRST, previous: null }, deps, options);
  expect(await failing()).toBe("0");
});
