import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliRun, runCli } from "./testing/run-cli.ts";

const DAY_MS = 86_400_000;
/** Three days ago, so that the schedule's days have events and the newest day has none. */
const START = Math.floor(Date.now() / DAY_MS) * DAY_MS - 3 * DAY_MS;
const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const [FIRST, SECOND] = [START, START + DAY_MS].map(dayText);

interface TestEvent {
  readonly eventType: string;
  readonly userId: string;
  readonly productId: string;
  readonly categoryId: string;
  readonly quantity?: number;
}

/** Of the first day: 40 shoppers of the good category, 35 of the bad one, 5 of a small one. */
function firstDay(): TestEvent[] {
  const events: TestEvent[] = [];
  const visit = (user: number, categoryId: string, productId: string, ...types: string[]): void => {
    for (const eventType of types)
      events.push({
        eventType,
        userId: `u${user}`,
        productId,
        categoryId,
        ...(eventType === "purchase" && { quantity: 2 }),
      });
  };
  for (let user = 0; user < 40; user++)
    visit(
      user,
      "good",
      `g${user % 4}`,
      "item_view",
      ...(user < 20 ? ["cart_add"] : []),
      ...(user < 10 ? ["purchase"] : []),
    );
  for (let user = 40; user < 75; user++)
    visit(user, "bad", "b0", "page_view", ...(user === 40 ? ["purchase"] : []));
  for (let user = 75; user < 80; user++) visit(user, "small", "s0", "purchase");
  return events;
}

const ndjson = (events: readonly TestEvent[], from: number, name: string): string =>
  events
    .map((event, i) =>
      JSON.stringify({
        ...event,
        eventId: `${name}${i}`,
        eventTime: from + i * 60_000,
        priceMinor: 100,
        currency: "EUR",
      }),
    )
    .join("\n");

describe("millrace reports", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-reports-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (...args: string[]): Promise<CliRun> => runCli(args, { folder });
  const lines = ({ out }: CliRun) =>
    out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  const rows = async (sql: string) => lines(await run("query", sql, "--format", "ndjson"));

  test("says how it is called", async () => {
    expect(await run("reports", "run")).toMatchObject({
      code: 2,
      err: expect.stringContaining("millrace up"),
    });
    await run("topics", "apply");
    const usage = async (...args: string[]): Promise<string> => {
      const { code, err } = await run("reports", "run", ...args);
      expect(code).toBe(2);
      return err;
    };
    expect(await usage("top-product")).toContain("top-products");
    expect(await usage("--day", "yesterday")).toContain("2026-01-31");
    expect(await usage("--day", dayText(Date.now()))).toContain("is not over");
    expect(await usage("--day", FIRST, "--to", SECOND)).toContain("leave out one");
    expect(await usage("--to", SECOND)).toContain("--from");
    expect(await usage("--from", SECOND, "--to", FIRST)).toContain("must not be behind");
    expect((await run("reports", "run", "--help")).out).toMatch(/top-products +the five .*at 02:00 UTC/);
  });

  test("has nothing to do for a lake without events", async () => {
    expect(await run("reports", "run")).toMatchObject({ code: 0, out: "no report is missing\n" });
    expect((await run("reports", "status", "--days", "2")).out).toMatch(/user-segments +not made/);
    const { runs } = JSON.parse((await run("reports", "status", "--days", "2", "--json")).out);
    expect(runs.map((each: { report: string }) => each.report)).toContain("category-conversion");
    expect(runs[0]).toEqual({
      report: "user-segments",
      day: expect.stringMatching(/^\d{4}-/),
      status: "not made",
    });
  });

  test("makes what is missing of the days since the first event, with what came of them", async () => {
    const file = join(folder, "events.ndjson");
    const second: TestEvent = {
      eventType: "page_view",
      userId: "ann",
      productId: "lamp",
      categoryId: "light",
    };
    await writeFile(file, `${ndjson(firstDay(), START, "a")}\n${ndjson([second], START + DAY_MS, "b")}\n`);
    expect((await run("replay", "ndjson", file, "--wait")).code).toBe(0);
    const { code, out, err } = await run("reports", "run", "--json");
    expect([code, err]).toEqual([0, expect.stringContaining(`${FIRST} user-segments: 80 rows`)]);
    const made = JSON.parse(out).runs as { day: string; report: string; status: string; rows: number }[];
    const of = (day: string) =>
      made.filter((each) => each.day === day).map(({ report, rows: count }) => [report, count]);
    expect(of(FIRST)).toEqual([
      ["user-segments", 80],
      ["top-products", 5],
      ["category-conversion", 3],
    ]);
    expect(of(SECOND)).toEqual([
      ["user-segments", 1],
      ["top-products", 1],
      ["category-conversion", 1],
    ]);
    expect(made.filter(({ day }) => day < FIRST)).toEqual([]);

    const ofFirst = `WHERE day = TIMESTAMP WITH TIME ZONE '${FIRST} 00:00:00 UTC'`;
    expect(
      await rows(`SELECT segment, count(*) AS users, sum(views) AS views, sum(purchases) AS purchases
        FROM gold.daily_user_segments ${ofFirst} GROUP BY 1 ORDER BY 1`),
    ).toEqual([
      { segment: "buyer", users: 16, views: 11, purchases: 16 },
      { segment: "cart_abandoner", users: 10, views: 10, purchases: 0 },
      { segment: "window_shopper", users: 54, views: 54, purchases: 0 },
    ]);
    expect(
      await rows(
        `SELECT rank, product_id, category_id, units FROM gold.daily_top_products ${ofFirst} ORDER BY rank`,
      ),
    ).toEqual([
      { rank: 1, product_id: "s0", category_id: "small", units: 10 },
      // Three purchases each; the products of users 8 and 9 have one more than the other two.
      { rank: 2, product_id: "g0", category_id: "good", units: 6 },
      { rank: 3, product_id: "g1", category_id: "good", units: 6 },
      { rank: 4, product_id: "g2", category_id: "good", units: 4 },
      { rank: 5, product_id: "g3", category_id: "good", units: 4 },
    ]);
    expect(
      await rows(`SELECT category_id, shoppers, buyers, conversion, mark
        FROM gold.daily_category_conversion ${ofFirst} ORDER BY conversion DESC`),
    ).toEqual([
      { category_id: "small", shoppers: 5, buyers: 5, conversion: 1, mark: null },
      { category_id: "good", shoppers: 40, buyers: 10, conversion: 0.25, mark: "best" },
      { category_id: "bad", shoppers: 35, buyers: 1, conversion: 1 / 35, mark: "worst" },
    ]);
    expect(await run("reports", "run")).toMatchObject({ code: 0, out: "no report is missing\n" });
    const told = lines(await run("consume", "alerts")).filter(({ kind }) => kind === "daily-report");
    expect(told.map(({ title }) => title)).toContain(
      `user-segments of ${FIRST}: 16 buyers, 10 cart abandoners, 54 window shoppers`,
    );
  });

  test("makes a day again, and one that fails is told of, in the exit code, the status and the record", async () => {
    const again = await run("reports", "run", "top-products", "--day", FIRST);
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining("1 report;") });
    const data = join(folder, ".millrace", "lake", "silver", "events", "data");
    const files = await readdir(data, { recursive: true });
    const ofFirst = files.filter((name) => name.includes(`=${FIRST}`) && name.endsWith(".parquet"));
    expect(ofFirst).not.toEqual([]);
    for (const name of ofFirst) await rename(join(data, name), join(data, `${name}.away`));
    const failed = await run("reports", "run", "--from", FIRST, "--to", FIRST);
    expect([failed.code, failed.err]).toEqual([
      1,
      expect.stringContaining("3 of 3 reports could not be made"),
    ]);
    expect((await run("reports", "status")).out).toMatch(new RegExp(`${FIRST} +top-products +failed +1 `));
    for (const name of ofFirst) await rename(join(data, `${name}.away`), join(data, name));
    expect((await run("reports", "run", "--day", FIRST)).code).toBe(0);
    const runs = JSON.parse((await run("reports", "status", "--json")).out).runs as { day: string }[];
    expect(runs.filter(({ day }) => day === FIRST)).toEqual(
      ["user-segments", "top-products", "category-conversion"].map((report) =>
        expect.objectContaining({ report, status: "done", attempt: 2, message: null, failingSince: null }),
      ),
    );
    expect(
      await rows(
        "SELECT max(revision) AS revision, count(DISTINCT revision) AS held FROM gold.daily_top_products_current",
      ),
    ).toEqual([{ revision: 3, held: 2 }]);
  });

  test("does not run beside another one", async () => {
    const turns = join(folder, ".millrace", "reports", "turns");
    // As where it is under way, or was killed.
    for (const name of await readdir(turns)) if (name.endsWith(".done")) await rm(join(turns, name));
    expect(await run("reports", "run")).toMatchObject({
      code: 1,
      err: expect.stringContaining("another process makes reports just now"),
    });
  });
});
