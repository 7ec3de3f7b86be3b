import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SqlValue } from "../../../lakehouse/index.ts";
import {
  goldDailyCategoryConversion,
  goldDailyTopProducts,
  goldDailyUserSegments,
  goldReportRuns,
} from "../../../schema/index.ts";
import { bronzeProducts, TestApi } from "../../server/api.fixture.ts";

type Row = Readonly<Record<string, SqlValue>>;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.now();
const FIRST = Date.UTC(2026, 0, 30);
const SECOND = FIRST + DAY;
const iso = (ms: number): string => new Date(ms).toISOString();
/** Inside of the first day, of its last millisecond, and of the first instant behind it. */
const INSTANTS = { noon: iso(FIRST + 12 * HOUR), last: iso(SECOND - 1), behind: iso(SECOND) };
const NEVER = iso(FIRST - DAY);

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.stop());

const FRESHNESS = "freshness { snapshotId }";
const SEGMENTS = `query($day: DateTime, $asOf: String) { dailyUserSegments(day: $day, asOf: $asOf) {
  day segments { segment users views cartAdds purchases } ${FRESHNESS} } }`;
const USERS = `query($segment: UserSegment!, $day: DateTime!, $first: Int!, $after: String, $asOf: String) {
  dailySegmentUsers(segment: $segment, day: $day, first: $first, after: $after, asOf: $asOf) {
    edges { node { userId segment views cartAdds purchases } }
    pageInfo { hasNextPage hasPreviousPage endCursor } ${FRESHNESS} } }`;
const PRODUCTS = `query($day: DateTime, $asOf: String) { dailyTopProducts(day: $day, asOf: $asOf) {
  day products { rank productId product { name } categoryId units purchases cartAdds views } ${FRESHNESS} } }`;
const CONVERSION = `query($day: DateTime, $asOf: String) { dailyCategoryConversion(day: $day, asOf: $asOf) {
  day best { categoryId } worst { categoryId conversion mark }
  categories { categoryId shoppers buyers conversion mark } ${FRESHNESS} } }`;
const RUNS = `query($report: String, $asOf: String) { dailyReportRuns(report: $report, asOf: $asOf) {
  runs { report day status attempt startedAt finishedAt rows message failingSince } ${FRESHNESS} } }`;

/** Views, carts and purchases of a user decide on the segment. */
function user(day: number, revision: number, id: string, counts: readonly [number, number, number]): Row {
  const [views, carts, purchases] = counts;
  return {
    ...{ day: new Date(day), revision, user_id: id, views, cart_adds: carts, purchases },
    segment: purchases > 0 ? "buyer" : carts > 0 ? "cart_abandoner" : "window_shopper",
  };
}

function product(day: number, revision: number, rank: number, id: string, units: number): Row {
  const counts = { units, purchases: 3, cart_adds: 4, views: 50 };
  return { ...{ day: new Date(day), revision, rank, product_id: id }, ...counts };
}

function category(
  day: number,
  revision: number,
  id: string,
  counts: readonly [number, number],
  mark?: string,
): Row {
  const [shoppers, buyers] = counts;
  const conversion = buyers / shoppers;
  return { day: new Date(day), revision, category_id: id, shoppers, buyers, conversion, mark: mark ?? null };
}

function run(report: string, day: number, hoursAgo: number, changes: Row = {}): Row {
  const started = NOW - hoursAgo * HOUR;
  return {
    ...{ report, day: new Date(day), started_at: new Date(started), finished_at: new Date(started + 2_000) },
    ...{ status: "done", attempt: 1, rows_made: 5 },
    ...changes,
  };
}

describe("daily reports", () => {
  it("are empty before the first of them, with and without a day", async () => {
    const freshness = { snapshotId: null };
    for (const variables of [{}, { day: INSTANTS.noon }]) {
      expect(await api.data(SEGMENTS, variables)).toEqual({
        dailyUserSegments: { day: null, segments: [], freshness },
      });
      expect(await api.data(PRODUCTS, variables)).toEqual({
        dailyTopProducts: { day: null, products: [], freshness },
      });
      expect(await api.data(CONVERSION, variables)).toEqual({
        dailyCategoryConversion: { day: null, best: null, worst: null, categories: [], freshness },
      });
    }
    const { dailySegmentUsers } = await api.data(USERS, { segment: "BUYER", day: INSTANTS.noon, first: 2 });
    expect(dailySegmentUsers).toMatchObject({ edges: [], pageInfo: { hasNextPage: false }, freshness });
    expect(await api.data(RUNS, { report: "top-products" })).toEqual({
      dailyReportRuns: { runs: [], freshness },
    });
  });

  describe("of user segments", () => {
    let before: string;
    let newest: string;
    beforeAll(async () => {
      before = await api.commit(goldDailyUserSegments, [
        user(FIRST, 1, "u1", [5, 2, 1]),
        user(FIRST, 1, "u2", [3, 1, 0]),
        user(FIRST, 1, "u3", [4, 0, 0]),
      ]);
      // Late events: u2 bought after all, three more came to look.
      await api.commit(goldDailyUserSegments, [
        user(FIRST, 2, "u1", [5, 2, 1]),
        user(FIRST, 2, "u2", [3, 1, 2]),
        user(FIRST, 2, "u3", [6, 0, 0]),
        user(FIRST, 2, "u4", [1, 0, 0]),
        user(FIRST, 2, "u5", [2, 0, 0]),
      ]);
      newest = await api.commit(goldDailyUserSegments, [user(SECOND, 1, "u3", [1, 1, 0])]);
    });

    it("count all three, of the highest revision of the day alone", async () => {
      const { dailyUserSegments } = await api.data(SEGMENTS, { day: INSTANTS.noon });
      expect(dailyUserSegments).toEqual({
        day: iso(FIRST),
        segments: [
          { segment: "BUYER", users: 2, views: 8, cartAdds: 3, purchases: 3 },
          { segment: "CART_ABANDONER", users: 0, views: 0, cartAdds: 0, purchases: 0 },
          { segment: "WINDOW_SHOPPER", users: 3, views: 9, cartAdds: 0, purchases: 0 },
        ],
        freshness: { snapshotId: newest },
      });
    });

    it("are of the UTC day of the instant, by default of the newest, none of a day without a report", async () => {
      const of = async (day?: string) => {
        const { dailyUserSegments } = await api.data(SEGMENTS, { day });
        const users = dailyUserSegments.segments.map((one: { users: number }) => one.users);
        return { day: dailyUserSegments.day, users };
      };
      expect(await of(INSTANTS.last)).toEqual({ day: iso(FIRST), users: [2, 0, 3] });
      expect(await of("2026-01-31T00:59:00+01:00")).toEqual({ day: iso(FIRST), users: [2, 0, 3] });
      expect(await of(INSTANTS.behind)).toEqual({ day: iso(SECOND), users: [0, 1, 0] });
      expect(await of()).toEqual({ day: iso(SECOND), users: [0, 1, 0] });
      expect(await of(NEVER)).toEqual({ day: null, users: [] });
    });

    it("are as they were in an earlier snapshot, whose newest day may be another", async () => {
      const { dailyUserSegments } = await api.data(SEGMENTS, { asOf: before });
      expect(dailyUserSegments.day).toBe(iso(FIRST));
      expect(dailyUserSegments.segments.map((one: { users: number }) => one.users)).toEqual([1, 1, 1]);
      expect(dailyUserSegments.freshness).toEqual({ snapshotId: before });
    });

    it("list their users by id, page by page, once each", async () => {
      const page = async (after: string | null) =>
        (await api.data(USERS, { segment: "WINDOW_SHOPPER", day: INSTANTS.noon, first: 2, after }))
          .dailySegmentUsers;
      const one = await page(null);
      const shopper = { segment: "WINDOW_SHOPPER", cartAdds: 0, purchases: 0 };
      expect(one.edges).toEqual([
        { node: { ...shopper, userId: "u3", views: 6 } },
        { node: { ...shopper, userId: "u4", views: 1 } },
      ]);
      expect(one.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
      const two = await page(one.pageInfo.endCursor);
      expect(two.edges).toEqual([{ node: { ...shopper, userId: "u5", views: 2 } }]);
      expect(two.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
      expect((await page(two.pageInfo.endCursor)).edges).toEqual([]);
    });

    it("do not list a user in the segment that a correction took them out of", async () => {
      const abandoners = async (asOf?: string) => {
        const variables = { segment: "CART_ABANDONER", day: INSTANTS.noon, first: 10, asOf };
        const { edges } = (await api.data(USERS, variables)).dailySegmentUsers;
        return edges.map(({ node }: { node: { userId: string } }) => node.userId);
      };
      expect(await abandoners()).toEqual([]);
      expect(await abandoners(before)).toEqual(["u2"]);
    });
  });

  it("of top products are the highest revision's, by rank, with the product where it is known", async () => {
    const update = { event_id: "1", product_id: "lamp", update_time: new Date(FIRST), name: "Lamp" };
    const origin = { _topic: "products", _partition: 0, _offset: 0, _ingested_at: new Date(FIRST) };
    await api.commit(bronzeProducts, [{ ...update, ...origin }]);
    const before = await api.commit(goldDailyTopProducts, [
      product(FIRST, 1, 1, "desk", 9),
      product(FIRST, 1, 2, "sofa", 7),
      product(FIRST, 1, 3, "lamp", 5),
    ]);
    const newest = await api.commit(goldDailyTopProducts, [
      product(FIRST, 2, 2, "desk", 9),
      { ...product(FIRST, 2, 1, "lamp", 5_000_000_000), category_id: "light" },
      product(SECOND, 1, 1, "sofa", 1),
    ]);
    const counts = { purchases: 3, cartAdds: 4, views: 50 };
    expect((await api.data(PRODUCTS, { day: INSTANTS.noon })).dailyTopProducts).toEqual({
      day: iso(FIRST),
      products: [
        {
          ...{ rank: 1, productId: "lamp", product: { name: "Lamp" }, categoryId: "light" },
          ...{ ...counts, units: 5_000_000_000 },
        },
        { ...{ rank: 2, productId: "desk", product: null, categoryId: null }, ...counts, units: 9 },
      ],
      freshness: { snapshotId: newest },
    });
    const idsOf = async (variables: object) => {
      const { day, products } = (await api.data(PRODUCTS, variables)).dailyTopProducts;
      return [day, products.map(({ productId }: { productId: string }) => productId)];
    };
    expect(await idsOf({})).toEqual([iso(SECOND), ["sofa"]]);
    expect(await idsOf({ day: NEVER })).toEqual([null, []]);
    expect(await idsOf({ asOf: before })).toEqual([iso(FIRST), ["desk", "sofa", "lamp"]]);
  });

  describe("of category conversion", () => {
    let before: string;
    beforeAll(async () => {
      before = await api.commit(goldDailyCategoryConversion, [
        category(FIRST, 1, "gone", [50, 50], "best"),
        category(FIRST, 1, "low", [50, 1], "worst"),
      ]);
      await api.commit(goldDailyCategoryConversion, [
        category(FIRST, 2, "few", [40, 20]),
        category(FIRST, 2, "many-b", [60, 30]),
        category(FIRST, 2, "many-a", [60, 30]),
        category(FIRST, 2, "low", [50, 5], "worst"),
        category(FIRST, 2, "tiny", [1, 0]),
        category(FIRST, 2, "high", [50, 45], "best"),
      ]);
    });

    it("is the highest revision's, by conversion, then shoppers, then id, with the best and the worst", async () => {
      const { dailyCategoryConversion } = await api.data(CONVERSION, { day: INSTANTS.noon });
      expect(dailyCategoryConversion).toMatchObject({
        day: iso(FIRST),
        best: { categoryId: "high" },
        worst: { categoryId: "low", conversion: 0.1, mark: "WORST" },
      });
      expect(dailyCategoryConversion.categories).toEqual([
        { categoryId: "high", shoppers: 50, buyers: 45, conversion: 0.9, mark: "BEST" },
        { categoryId: "many-a", shoppers: 60, buyers: 30, conversion: 0.5, mark: null },
        { categoryId: "many-b", shoppers: 60, buyers: 30, conversion: 0.5, mark: null },
        { categoryId: "few", shoppers: 40, buyers: 20, conversion: 0.5, mark: null },
        { categoryId: "low", shoppers: 50, buyers: 5, conversion: 0.1, mark: "WORST" },
        { categoryId: "tiny", shoppers: 1, buyers: 0, conversion: 0, mark: null },
      ]);
      const earlier = (await api.data(CONVERSION, { asOf: before })).dailyCategoryConversion;
      expect(earlier.best).toEqual({ categoryId: "gone" });
      expect(earlier.categories).toHaveLength(2);
    });

    it("lists the first 1,000, and the worst also behind them", async () => {
      const ofPart = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, i) =>
          category(SECOND, 1, `c${String(from + i).padStart(4, "0")}`, [2_000, 1_999 - from - i]),
        );
      const worst = category(SECOND, 1, "low", [2_000, 1], "worst");
      await api.commit(goldDailyCategoryConversion, [worst, ...ofPart(0, 500)]);
      await api.commit(goldDailyCategoryConversion, ofPart(500, 1_001));
      const { dailyCategoryConversion } = await api.data(CONVERSION);
      expect(dailyCategoryConversion).toMatchObject({
        day: iso(SECOND),
        best: null,
        worst: { categoryId: "low" },
      });
      const ids = dailyCategoryConversion.categories.map((one: { categoryId: string }) => one.categoryId);
      expect(ids).toHaveLength(1_000);
      expect([ids[0], ids[999]]).toEqual(["c0000", "c0999"]);
    });
  });
});

describe("runs of daily reports", () => {
  const DAYS = [2, 1].map((daysAgo) => Math.floor(NOW / DAY) * DAY - daysAgo * DAY);
  const failed = { status: "failed", rows_made: null, message: "the disk is full" };
  const runsOf = async (variables: object = {}) => (await api.data(RUNS, variables)).dailyReportRuns;
  const namesOf = async (variables: object = {}) =>
    (await runsOf(variables)).runs.map((one: { report: string; day: string }) => [one.report, one.day]);
  const [older, newer] = DAYS.map(iso);
  let before: string;
  beforeAll(async () => {
    before = await api.commit(goldReportRuns, [
      run("user-segments", DAYS[0], 20),
      run("top-products", DAYS[1], 3, { ...failed, failing_since: new Date(NOW - 3 * HOUR) }),
      run("gone", DAYS[1], 32 * 24),
    ]);
    await api.commit(goldReportRuns, [
      run("user-segments", DAYS[1], 4),
      run("top-products", DAYS[1], 2, { ...failed, attempt: 2, failing_since: new Date(NOW - 3 * HOUR) }),
      run("top-products", DAYS[0], 19),
    ]);
  });

  it("are the newest of each report and day, within 31 days, newest day first", async () => {
    expect(await namesOf()).toEqual([
      ["top-products", newer],
      ["user-segments", newer],
      ["top-products", older],
      ["user-segments", older],
    ]);
    const { runs } = await runsOf();
    expect(runs.slice(0, 2)).toEqual([
      {
        ...{ report: "top-products", day: newer, status: "FAILED", attempt: 2, rows: null },
        ...{ startedAt: iso(NOW - 2 * HOUR), finishedAt: iso(NOW - 2 * HOUR + 2_000) },
        ...{ message: "the disk is full", failingSince: iso(NOW - 3 * HOUR) },
      },
      {
        ...{ report: "user-segments", day: newer, status: "DONE", attempt: 1, rows: 5 },
        ...{ startedAt: iso(NOW - 4 * HOUR), finishedAt: iso(NOW - 4 * HOUR + 2_000) },
        ...{ message: null, failingSince: null },
      },
    ]);
  });

  it("can be of one report, and as of an earlier snapshot", async () => {
    expect(await namesOf({ report: "user-segments" })).toEqual([
      ["user-segments", newer],
      ["user-segments", older],
    ]);
    const earlier = await runsOf({ asOf: before, report: "top-products" });
    expect(earlier).toMatchObject({ runs: [{ attempt: 1, day: newer }], freshness: { snapshotId: before } });
    expect(earlier.runs).toHaveLength(1);
  });

  it("of a report that there is not are an error that names those that there are", async () => {
    for (const report of ["top-product", "gone", ""]) {
      const { errors } = await api.query(RUNS, { report });
      expect(errors?.[0]).toMatchObject({
        message: `There is no report "${report}". There are: top-products, user-segments.`,
        extensions: { code: "invalid-argument", origin: "user" },
      });
    }
  });
});
