import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliRun, runCli } from "./testing/run-cli.ts";

// What the commands of the models say to data that no model can be made of.

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-unusable-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]): Promise<CliRun> => runCli(args, { folder });

async function givenFile(name: string, lines: readonly string[]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `${lines.join("\n")}\n`);
  return file;
}

async function evaluate(plugin: string, option: string, lines: readonly string[]): Promise<CliRun> {
  return run("evaluate", plugin, option, await givenFile("given", lines), "--json");
}

/** It ended with a message for the user, not with a place in the code. */
function expectRefusal({ code, out, err }: CliRun, expected: { code: string; message: RegExp }): void {
  const { error } = JSON.parse(out);
  expect({ exit: code, code: error.code }).toEqual({ exit: 1, code: expected.code });
  expect(error.message).toMatch(expected.message);
  expect(err).not.toMatch(/\n\s+at /);
}

const count = (length: number): number[] => Array.from({ length }, (_, i) => i);

const SHOPPER =
  "Administrative,Administrative_Duration,Informational,Informational_Duration,ProductRelated,ProductRelated_Duration,BounceRates,ExitRates,PageValues,SpecialDay,Month,OperatingSystems,Browser,Region,TrafficType,VisitorType,Weekend,Revenue";
const shopper = (products: number, bought: boolean): string =>
  `0,0,0,0,${products},60,0.1,0.1,0,0,May,1,1,1,1,New_Visitor,FALSE,${bought ? "TRUE" : "FALSE"}`;

const PAYMENT = "TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD";
interface Payments {
  readonly days: number;
  readonly isFraud: (i: number) => boolean;
  readonly amount?: number;
  readonly openOn?: (day: number) => boolean;
}
/** 40 payments a day, each customer one every ten days, so that few are known as compromised. */
function payments({ days, isFraud, amount, openOn = () => true }: Payments): string[] {
  const lines = count(days * 40)
    .filter((i) => openOn(Math.floor(i / 40)))
    .map((i) => {
      const time = new Date(Date.UTC(2018, 3, 1) + i * 2_160_000).toISOString();
      const cells = [i % 400, i % 17, amount ?? 5 + (i % 90), isFraud(i) ? 1 : 0];
      return `${time.slice(0, 10)} ${time.slice(11, 19)},${cells.join(",")}`;
    });
  return [PAYMENT, ...lines];
}

const SERIES = "unique_id,ds,y";
const ORDER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

describe("millrace evaluate refuses", () => {
  it.each<[string, string, string, string[], string, RegExp]>([
    ["a file without rows", "propensity", "--train", [SHOPPER], "file-unusable", /no rows under a header/],
    [
      "sessions of one class",
      "propensity",
      "--train",
      [SHOPPER, ...count(50).map((i) => shopper(i, false))],
      "file-unusable",
      /with and without a purchase/,
    ],
    [
      "sessions that are all alike",
      "propensity",
      "--train",
      [SHOPPER, ...count(200).map((i) => shopper(1, i % 4 === 0))],
      "dataset-unusable",
      /every feature is constant/,
    ],
    ["an empty file", "fraud", "--train", [], "file-unusable", /no rows under a header/],
    [
      "payments without a fraud",
      "fraud",
      "--train",
      payments({ days: 60, isFraud: () => false }),
      "dataset-unusable",
      /0 fraudulent ones remain for the train part/,
    ],
    [
      "payments that are all frauds",
      "fraud",
      "--train",
      payments({ days: 60, isFraud: () => true }),
      "dataset-unusable",
      /0 genuine/,
    ],
    [
      "payments of too few days",
      "fraud",
      "--train",
      payments({ days: 9, isFraud: (i) => i % 50 === 0 }),
      "dataset-unusable",
      /give more days/,
    ],
    [
      "an amount that is none",
      "fraud",
      "--train",
      [PAYMENT, "2018-04-01 00:00:00,1,1,ten,0"],
      "file-unusable",
      /line 2: column TX_AMOUNT/,
    ],
    ["a log without sessions", "recommend", "--train", ["", ""], "file-unusable", /no sessions/],
    [
      "sessions of one item each",
      "recommend",
      "--train",
      count(100).map(String),
      "file-unusable",
      /no session of two items/,
    ],
    [
      "an item that is no number",
      "recommend",
      "--train",
      ["1 2", "1 x"],
      "file-unusable",
      /line 2: found "x"/,
    ],
    ["a series without values", "forecast", "--series", [SERIES], "file-unusable", /no rows under a header/],
    [
      "series that are shorter than the horizon",
      "forecast",
      "--series",
      [SERIES, ...count(3).map((i) => `a,${i},5`)],
      "file-unusable",
      /more than 4 values/,
    ],
    [
      "a value that is none",
      "forecast",
      "--series",
      [SERIES, ...count(30).map((i) => `a,${i},${i === 7 ? "" : 5}`)],
      "file-unusable",
      /line 9: y is ""/,
    ],
    [
      "orders of a single day",
      "forecast",
      "--orders",
      [ORDER, "1,12345,x,3,2010-12-01 08:26:00,2.5,17850,UK"],
      "file-unusable",
      /no whole week of sales/,
    ],
  ])("%s (%s)", async (_, plugin, option, lines, code, message) => {
    expectRefusal(await evaluate(plugin, option, lines), { code, message });
  });
});

describe("millrace evaluate makes do with", () => {
  it("features that never vary beside one that does", async () => {
    const sessions = count(400).map((i) => shopper(i % 7, i % 7 > 3 ? i % 3 > 0 : i % 9 === 0));
    const train = await givenFile("train", [SHOPPER, ...sessions.slice(0, 300)]);
    const test = await givenFile("test", [SHOPPER, ...sessions.slice(300)]);
    const { out } = await run("evaluate", "propensity", "--train", train, "--test", test, "--json");
    const report = JSON.parse(out);
    expect(report.auc).toBeGreaterThan(0.7);
  });

  it("payments that are all of one amount, and days without any", async () => {
    const isFraud = (i: number): boolean => i % 17 === 3 && i % 5 < 3;
    const openOn = (day: number): boolean => (day < 40 || day >= 52) && day % 6 !== 0;
    const lines = payments({ days: 90, isFraud, amount: 10, openOn });
    const run = await evaluate("fraud", "--train", lines);
    const report = JSON.parse(run.out);
    expect(report.auc).toBeGreaterThan(0.5);
    expect(report.averagePrecision).toBeGreaterThan(report.baselines.amount.averagePrecision);
  });

  it("a shop that sells one item", async () => {
    const report = JSON.parse(
      (
        await evaluate(
          "recommend",
          "--train",
          count(100).map(() => "5 5 5"),
        )
      ).out,
    );
    expect(report).toMatchObject({ items: 1, all: { hitRate20: 1 }, discovery: { cases: 0 } });
  });

  it("series that never change, all zeros, and one of a single value", async () => {
    const lines = count(30).flatMap((i) => [`five,${i},5`, `none,${i},0`]);
    const report = JSON.parse((await evaluate("forecast", "--series", [SERIES, ...lines, "short,0,3"])).out);
    expect(report).toMatchObject({ wape: 0, mase: null, series: 2, seriesTooShort: 1, coverage80: 1 });
  });

  it("weeks without any order", async () => {
    const days = count(300).filter((day) => day % 7 < 5 && (day < 60 || day > 120));
    const orders = days.map((day) => {
      const date = new Date(Date.UTC(2010, 11, 6) + day * 86_400_000).toISOString().slice(0, 10);
      return `${day},1234${day % 3},x,3,${date} 08:26:00,2.5,17850,UK`;
    });
    const report = JSON.parse((await evaluate("forecast", "--orders", [ORDER, ...orders])).out);
    expect(report).toMatchObject({ series: 3, origins: 5 });
    expect(report.wape).toBeLessThan(1);
  });
});

describe("millrace train", () => {
  const MINUTE_MS = 60_000;
  const event = (i: number, eventType: string): string =>
    JSON.stringify({
      eventId: `e${i}`,
      eventType,
      eventTime: Date.UTC(2026, 0, 5) + i * MINUTE_MS,
      userId: `u${Math.floor(i / 4)}`,
      productId: "p1",
      priceMinor: 500,
      currency: "EUR",
    });
  const replay = async (home: string, events: readonly string[]): Promise<void> => {
    const file = await givenFile(`${home}.ndjson`, events);
    expect(await run("replay", "ndjson", file, "--wait", "--home", home)).toMatchObject({ code: 0, err: "" });
  };

  it("refuses an empty lake, and one in which nobody buys", async () => {
    await run("topics", "apply", "--home", "empty");
    for (const plugin of ["propensity", "fraud", "recommend"]) {
      expectRefusal(await run("train", plugin, "--home", "empty", "--json"), {
        code: "dataset-unusable",
        message: /nothing to train on: run `millrace replay`|no rows to train on: run `millrace replay`/,
      });
    }
    await replay(
      "looking",
      count(400).map((i) => event(i, "item_view")),
    );
    expectRefusal(await run("train", "fraud", "--home", "looking", "--json"), {
      code: "dataset-unusable",
      message: /no orders were scored yet/,
    });
    expectRefusal(await run("train", "propensity", "--home", "looking", "--json"), {
      code: "dataset-unusable",
      message: /before the validation cut 0 are followed by the outcome/,
    });
  });

  it("trains on constant features, and again when the champion's weights are lost", async () => {
    // Every second shopper buys after three equal looks at the one product of the shop.
    const buys = (i: number): boolean => i % 4 === 3 && Math.floor(i / 4) % 2 === 0;
    await replay(
      "buying",
      count(1200).map((i) => event(i, buys(i) ? "purchase" : "item_view")),
    );
    const train = ["train", "propensity", "--home", "buying", "--promote", "always", "--json"];
    const first = JSON.parse((await run(...train)).out);
    expect(first.promoted).toBe(true);
    expect(first.card.evaluation.metrics.logLoss.model).toBeLessThan(1);
    await rm(join(folder, "buying/models/propensity", first.version, "weights"));
    const second = JSON.parse((await run(...train)).out);
    expect(second.card.incumbent.version).not.toBe(first.version);
    expect(await readdir(join(folder, "buying/models/propensity", second.version))).toContain("weights");
  });
});
