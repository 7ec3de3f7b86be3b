import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { InputFile } from "../../evaluation.ts";
import { openInputFile } from "../../training/input-file.ts";
import { createRandom } from "../../training/random.ts";
import { AccuracyTotals } from "./accuracy.ts";
import { evaluateOrders, type ForecastReport } from "./evaluate-forecast.ts";
import { forecast } from "./index.ts";
import { cancelReversals } from "./reversals.ts";
import { readSeriesFile } from "./series-file.ts";

const ORDERS = `${process.env.MILLRACE_DATA ?? "../shared/data"}/orders/online-retail-2010-12-to-2011-08.csv.gz`;
const CONTEXT = { seed: 1, onProgress: () => {}, clock: () => performance.now() };

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-forecast-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(content: string | Uint8Array): Promise<InputFile> {
  const path = join(folder, `series-${files++}.csv`);
  await writeFile(path, content);
  return openInputFile(path);
}

async function run(values: Record<string, unknown>): Promise<ForecastReport> {
  const all = { series: null, orders: null, horizon: 4, season: 1, ...values };
  return (await forecast.evaluation.run(all, CONTEXT)) as unknown as ForecastReport;
}

describe("a file of series", () => {
  it("is put in order, and its missing days are filled", async () => {
    const text =
      "unique_id,ds,y\nb,2020-01-04,4\na,2020-01-01,1\nb,2020-01-01,1\nb,2020-01-02,2\na,2020-01-02,7\n";
    const { ids, series, filledSteps } = await readSeriesFile(await file(text));
    expect(ids).toEqual(["b", "a"]);
    expect(series.map((values) => [...values])).toEqual([
      [1, 2, 3, 4],
      [1, 7],
    ]);
    expect(filledSteps).toBe(1);
  });

  it("takes a missing week of demand for one without sales, and knows months and hours", async () => {
    const weeks = "unique_id,ds,y\na,2020-01-06,3\na,2020-01-13,0\na,2020-01-27,5\na,2020-02-03,1\n";
    expect([...(await readSeriesFile(await file(weeks))).series[0]]).toEqual([3, 0, 0, 5, 1]);
    const months = "unique_id,ds,y\na,2019-12-31,3\na,2020-01-31,4\na,2020-02-29,5\na,2020-03-31,6\n";
    expect([...(await readSeriesFile(await file(months))).series[0]]).toEqual([3, 4, 5, 6]);
    const hours =
      "unique_id,ds,y\na,2020-01-01 22:00:00,3\na,2020-01-02 00:00:00,5\na,2020-01-01 23:00:00,4\n";
    expect([...(await readSeriesFile(await file(hours))).series[0]]).toEqual([3, 4, 5]);
  });

  it.each([
    ["a value that is no number", "a,1,x", /line 2: y is "x", not a number/],
    ["a value that is missing", "a,1,1\na,2,", /line 3: y is "", not a number/],
    ["an infinite value", "a,1,Infinity", /line 2: y is "Infinity"/],
    ["a date that is none", "a,2020-01-31,1\na,2020-02-30,1", /line 3: ds is "2020-02-30", not a date/],
    ["dates and numbers", "a,1,1\na,2020-02-03,1", /line 3: ds is "2020-02-03", not a whole number/],
    ["the same date twice", "a,2,1\na,1,1\nb,2,1\na,2,9", /line 5: its series has this step already/],
    ["a gap without end", "a,1,1\na,2,1\na,999999,1", /line 4: 999996 steps are missing/],
    ["a series without a name", "a,1,1\n,2,1", /line 3: unique_id is empty/],
    ["another row length", "a,1", /line 2: 2 cells, the header has 3/],
  ])("is refused with %s", async (_, rows, message) => {
    await expect(readSeriesFile(await file(`unique_id,ds,y\n${rows}\n`))).rejects.toMatchObject({
      code: "file-unusable",
      message: expect.stringMatching(message),
    });
  });

  it("is refused without the columns, or with no series longer than the horizon", async () => {
    await expect(run({ series: await file("id,ds,y\na,1,1\n") })).rejects.toThrow(/has no column unique_id/);
    await expect(run({ series: await file("unique_id,ds,y\na,1,1\n") })).rejects.toThrow(
      /no series has more than 4 values/,
    );
    await expect(run({})).rejects.toMatchObject({ code: "option-unusable" });
  });
});

describe("evaluation on series", () => {
  it("measures on the last values of a gzipped file, beside the baselines", async () => {
    const random = createRandom(1);
    const lines = Array.from({ length: 30 }, (_, s) =>
      Array.from(
        { length: s === 0 ? 5 : 60 },
        (_, t) => `s${s},${t},${100 + 20 * Math.sin(t * Math.PI * (2 / 7)) + 6 * random()}`,
      ),
    ).flat();
    const series = await file(gzipSync(`unique_id,ds,y\n${lines.join("\n")}\n`));
    const report = await run({ series, horizon: 7, season: 7 });
    expect(report).toMatchObject({ series: 29, seriesTooShort: 1, horizon: 7, season: 7, origins: 1 });
    expect(report.mase!).toBeLessThan(0.9);
    expect(report.smape).toBeLessThan(report.baselines.seasonalNaive.smape);
    expect(report.baselines.seasonalNaive.smape).toBeLessThan(report.baselines.naive.smape);
    expect(report.coverage95).toBeGreaterThan(report.coverage80);
    const { seconds, ...figures } = report;
    const { seconds: _, ...again } = await run({ series, horizon: 7, season: 7 });
    expect(seconds).toBeGreaterThan(0);
    expect(again).toEqual(figures);
  });

  it("defines its figures as the M4 competition does", () => {
    const totals = new AccuracyTotals();
    totals.add(Float64Array.of(3, 0), Float64Array.of(1, 0), Float64Array.of(1, 2, 3, 6), 2);
    // Errors 2 and 0; the seasonal naive errs by 2 and 4 in sample.
    expect(totals.figures()).toEqual({ smape: 50, mase: 1 / 3, wape: 2, bias: 2 });
  });
});

describe("evaluation on orders", () => {
  it("finds orders that were taken back in their week", () => {
    const line = { code: "23166", customer: "1", week: 7 };
    const lines = [
      { ...line, quantity: 5 },
      { ...line, quantity: 74_215 },
      { ...line, quantity: -74_215 },
      { ...line, quantity: -5, week: 8 },
      { ...line, quantity: -5, customer: "2" },
    ];
    expect([...cancelReversals(lines)]).toEqual([0, 1, 0, 0, 0]);
  });

  it("stays under the accuracy floor on weekly demand of Online Retail", async () => {
    const report = await evaluateOrders(
      openInputFile(ORDERS),
      { horizon: 4, season: 1, context: CONTEXT },
      [32],
    );
    expect(report).toMatchObject({ series: 200, origins: 1 });
    // At this origin the moving mean errs by about .60; all five origins stand in ml/README.md.
    expect(report.wape!).toBeLessThan(0.6);
    expect(Math.abs(report.bias!)).toBeLessThan(0.2);
    expect(report.wape!).toBeLessThan(0.85 * report.baselines.naive.wape!);
    expect(report.coverage80).toBeGreaterThan(0.74);
    expect(report.coverage95).toBeGreaterThan(0.92);
  });
});
