import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  goldFlashSaleAlerts,
  goldPageViewsByUser,
  goldPopularByCategory,
  goldPopularProducts,
  goldProductActivity,
  goldPropensityScores,
  silverEvents,
} from "../../schema/index.ts";
import { CATEGORY_REVENUE, goldRevenueByCategory, HotNamespace } from "../../stream/index.ts";
import { bronzeProducts, type TestApi, taskOf } from "../server/api.fixture.ts";

const T0 = Date.UTC(2026, 0, 31, 23, 58);
const at = (ms: number) => new Date(T0 + ms);
const iso = (ms: number) => at(ms).toISOString();
const window = (start: number, size = 60_000) => ({ window_start: at(start), window_end: at(start + size) });

/** What the API answers from a lake, whatever engine reads it. */
export function answersContract(name: string, start: () => Promise<TestApi>): void {
  describe(`answers from ${name}`, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await start();
    });
    afterAll(() => api.stop());

    it("are empty and say so before the first commit", async () => {
      const answer = await api.data(`{
      user(id: "u1") { id pageViews { edges { cursor } freshness { snapshotId watermark } } recentPageViews { views5m }
        propensity { score } sessions { edges { cursor } } }
      popularProducts { source windowStart items { rank } } latestRevenueByCategory { rows { units } }
      product(id: "p1") { id } products { edges { cursor } }
      revenueByCategory(from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z") { rows { units } }
      pipelineStatus { lagTotal watermark tasks { id } } }`);
      expect(answer).toEqual({
        user: {
          id: "u1",
          pageViews: { edges: [], freshness: { snapshotId: null, watermark: null } },
          recentPageViews: null,
          propensity: null,
          sessions: { edges: [] },
        },
        popularProducts: { source: "LAKE", windowStart: null, items: [] },
        latestRevenueByCategory: null,
        product: null,
        products: { edges: [] },
        revenueByCategory: { rows: [] },
        pipelineStatus: { lagTotal: 0, watermark: null, tasks: [] },
      });
    });

    it("hold the highest revision of each window, and the older one as of an older snapshot", async () => {
      const row = (start: number, views: number, revision: number, user = "u2") => ({
        ...window(start),
        user_id: user,
        views,
        revision,
      });
      const old = await api.commit(goldPageViewsByUser, [
        row(0, 1, 1),
        row(30_000, 2, 1),
        row(0, 9, 1, "u3"),
      ]);
      const newest = await api.commit(goldPageViewsByUser, [row(0, 5, 3), row(0, 4, 2)]);
      api.tasks = [taskOf()];
      const query = `query ($asOf: String, $from: DateTime) { user(id: "u2") { pageViews(asOf: $asOf, from: $from) {
      edges { node { windowStart windowEnd views revision } } freshness { watermark snapshotId committedAt } } } }`;
      const { pageViews } = (await api.data(query)).user;
      expect(pageViews.edges.map(({ node }: { node: object }) => node)).toEqual([
        { windowStart: iso(30_000), windowEnd: iso(90_000), views: 2, revision: 1 },
        { windowStart: iso(0), windowEnd: iso(60_000), views: 5, revision: 3 },
      ]);
      expect(pageViews.freshness).toEqual({
        watermark: "2023-11-14T22:13:20.000Z",
        snapshotId: newest,
        committedAt: expect.stringMatching(/Z$/),
      });
      const before = (await api.data(query, { asOf: old })).user.pageViews;
      expect(before.edges.map(({ node }: { node: { views: number } }) => node.views)).toEqual([2, 1]);
      expect(before.freshness).toEqual({ watermark: null, snapshotId: old, committedAt: null });
      expect((await api.data(query, { from: iso(30_000) })).user.pageViews.edges).toHaveLength(1);
      for (const asOf of ["1", "yesterday", "'; drop table x"]) {
        const { errors } = await api.query(query, { asOf });
        expect(errors?.[0].extensions).toMatchObject({ code: "snapshot-not-found", origin: "user" });
      }
    });

    it("add revenue up per bucket, category and currency from the windows that hold", async () => {
      const row = (start: number, category: string, revenue: number, revision = 1) => ({
        ...window(start),
        category_id: category,
        currency: "EUR",
        revenue_minor: revenue,
        units: 2,
        purchases: 1,
        revision,
        refunded_minor: 10,
        net_minor: revenue - 10,
        bookings: 2,
      });
      await api.commit(goldRevenueByCategory, [
        row(0, "c1", 100),
        row(60_000, "c1", 200),
        row(120_000, "c1", 400),
        row(0, "c2", 7),
        row(0, "c1", 150, 2),
        { ...row(60_000, "c2", 9_000_000_000_000), currency: "USD" },
      ]);
      const query = `query ($granularity: Granularity!, $to: DateTime!, $ids: [String!]) {
      revenueByCategory(from: "${iso(0)}", to: $to, granularity: $granularity, categoryIds: $ids) {
        rows { windowStart windowEnd categoryId revenue { amountMinor currency } refunded { amountMinor } net { amountMinor } units purchases } freshness { snapshotId } } }`;
      const day = (await api.data(query, { granularity: "DAY", to: iso(180_000) })).revenueByCategory.rows;
      expect(day).toEqual([
        revenue("2026-01-31T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "c1", 350, 4, 2),
        revenue("2026-01-31T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "c2", 7, 2, 1),
        {
          ...revenue("2026-01-31T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "c2", 0, 2, 1),
          revenue: { amountMinor: 9_000_000_000_000, currency: "USD" },
          net: { amountMinor: 8_999_999_999_990 },
        },
        revenue("2026-02-01T00:00:00.000Z", "2026-02-02T00:00:00.000Z", "c1", 400, 2, 1),
      ]);
      const minutes = await api.data(query, { granularity: "MINUTE", to: iso(60_000), ids: ["c1"] });
      expect(minutes.revenueByCategory.rows).toEqual([revenue(iso(0), iso(60_000), "c1", 150, 2, 1)]);
      const hours = await api.data(query, { granularity: "HOUR", to: iso(180_000), ids: ["c1"] });
      expect(hours.revenueByCategory.rows.map((r: { windowStart: string }) => r.windowStart)).toEqual([
        "2026-01-31T23:00:00.000Z",
        "2026-02-01T00:00:00.000Z",
      ]);
      const { errors } = await api.query(query, { granularity: "DAY", to: iso(0) });
      expect(errors?.[0].extensions.code).toBe("invalid-argument");
    });

    function revenue(
      start: string,
      end: string,
      category: string,
      minor: number,
      units: number,
      count: number,
    ) {
      const money = { amountMinor: minor, currency: "EUR" };
      return {
        windowStart: start,
        windowEnd: end,
        categoryId: category,
        revenue: money,
        // Ten of each window.
        refunded: { amountMinor: 10 * count },
        net: { amountMinor: minor - 10 * count },
        units,
        purchases: count,
      };
    }

    it("leave retracted flash sales out, unless asked for", async () => {
      const row = (id: string, start: number, status: string, revision = 1) => ({
        alert_id: id,
        ...window(start, 600_000),
        product_id: `product-of-${id}`,
        views: 120,
        purchases: 1,
        status,
        revision,
      });
      await api.commit(goldFlashSaleAlerts, [row("a", 0, "raised"), row("b", 60_000, "raised")]);
      await api.commit(goldFlashSaleAlerts, [row("b", 60_000, "retracted", 2)]);
      const query = `query ($all: Boolean!) { flashSaleAlerts(includeRetracted: $all) {
      edges { node { id status revision views windowStart product { id } } } } }`;
      const raised = (await api.data(query, { all: false })).flashSaleAlerts.edges;
      expect(raised.map(({ node }: { node: object }) => node)).toEqual([
        { id: "a", status: "RAISED", revision: 1, views: 120, windowStart: iso(0), product: null },
      ]);
      const all = (await api.data(query, { all: true })).flashSaleAlerts.edges;
      expect(all.map(({ node }: { node: { status: string } }) => node.status)).toEqual([
        "RETRACTED",
        "RAISED",
      ]);
    });

    it("know a product from the catalogue, from events, or not at all", async () => {
      const event = (id: number, product: string, price: number | null) => ({
        event_id: `e${id}`,
        event_type: "item_view",
        event_time: at(id),
        user_id: "u1",
        product_id: product,
        brand: "seen",
        price_minor: price,
        currency: price === null ? null : "EUR",
        is_late: false,
        _partition: 0,
        _offset: id,
        _ingested_at: at(id),
      });
      await api.commit(silverEvents, [
        event(1, "p1", 5),
        event(2, "p1", null),
        event(3, "p2", 7),
        event(4, "p3", 1),
      ]);
      const update = (offset: number, name: string) => ({
        event_id: `u${offset}`,
        product_id: "p2",
        update_time: at(offset),
        name,
        brand: "catalogue",
        _topic: "products",
        _partition: 0,
        _offset: offset,
        _ingested_at: at(0),
      });
      await api.commit(bronzeProducts, [update(1, "old"), update(2, "new")]);
      await api.commit(goldProductActivity, [
        { ...window(0), product_id: "p2", views: 3, cart_adds: 2, purchases: 1, revision: 1 },
      ]);
      const answer = await api.data(`{ a: product(id: "p1") { id name brand price { amountMinor currency } }
      b: product(id: "p2") { name brand price { amountMinor } activity { edges { node { windowStart views cartAdds purchases } } } }
      c: product(id: "none") { id } products(first: 2) { edges { node { id name } } pageInfo { hasNextPage endCursor } } }`);
      expect(answer).toMatchObject({
        a: { id: "p1", name: null, brand: "seen", price: { amountMinor: 5, currency: "EUR" } },
        b: {
          name: "new",
          brand: "catalogue",
          price: { amountMinor: 7 },
          activity: { edges: [{ node: { windowStart: iso(0), views: 3, cartAdds: 2, purchases: 1 } }] },
        },
        c: null,
        products: {
          edges: [{ node: { id: "p1", name: null } }, { node: { id: "p2", name: "new" } }],
          pageInfo: { hasNextPage: true },
        },
      });
      const after = answer.products.pageInfo.endCursor;
      const next = await api.data(
        "query ($after: String) { products(after: $after) { edges { node { id } } } }",
        {
          after,
        },
      );
      expect(next.products.edges).toEqual([{ node: { id: "p3" } }]);
    });

    it("give popular products live, else from the lake's newest window", async () => {
      const row = (start: number, rank: number, product: string, revision = 1) => ({
        ...window(start),
        rank,
        product_id: product,
        score: 10 / rank,
        views: 1,
        cart_adds: 0,
        purchases: 0,
        revision,
      });
      await api.commit(goldPopularProducts, [
        row(0, 1, "old"),
        row(60_000, 1, "first"),
        row(60_000, 2, "second"),
        row(60_000, 1, "first", 2),
        row(60_000, 2, "corrected", 2),
      ]);
      const query = `query ($asOf: String) { popularProducts(limit: 2, asOf: $asOf) { source windowStart windowEnd
      items { rank productId score product { id } } freshness { snapshotId } } }`;
      const lake = (await api.data(query)).popularProducts;
      expect(lake).toMatchObject({ source: "LAKE", windowStart: iso(60_000), windowEnd: iso(120_000) });
      expect(lake.items.map((item: { productId: string }) => item.productId)).toEqual(["first", "corrected"]);
      const items = [1, 2, 3].map((rank) => ({
        rank,
        productId: `p${rank}`,
        score: 1,
        views: 1,
        cartAdds: 0,
        purchases: 0,
      }));
      await api.put(HotNamespace.popularProducts, "all", { windowStart: T0, windowEnd: T0 + 60_000, items });
      const live = (await api.data(query)).popularProducts;
      expect(live).toMatchObject({ source: "LIVE", windowStart: iso(0), freshness: { snapshotId: null } });
      expect(live.items.map((item: { product: object }) => item.product)).toEqual([
        { id: "p1" },
        { id: "p2" },
      ]);
      const past = (await api.data(query, { asOf: lake.freshness.snapshotId })).popularProducts;
      expect(past.source).toBe("LAKE");
    });

    it("give popular products of a category, without those that a correction moved to another", async () => {
      const row = (category: string, rank: number, product: string, revision: number) => ({
        ...window(0),
        category_id: category,
        rank,
        product_id: product,
        score: 10 / rank,
        views: 1,
        cart_adds: 0,
        purchases: 0,
        revision,
      });
      await api.commit(goldPopularByCategory, [
        row("c1", 1, "a", 1),
        row("c1", 2, "b", 1),
        row("c2", 1, "c", 1),
      ]);
      await api.commit(goldPopularByCategory, [
        row("c1", 1, "b", 2),
        row("c2", 1, "a", 2),
        row("c2", 2, "c", 2),
      ]);
      const query =
        "query ($id: String) { popularProducts(categoryId: $id) { source items { rank productId } } }";
      const of = async (id: string) => (await api.data(query, { id })).popularProducts;
      expect(await of("c1")).toEqual({ source: "LAKE", items: [{ rank: 1, productId: "b" }] });
      expect((await of("c2")).items.map(({ productId }: { productId: string }) => productId)).toEqual([
        "a",
        "c",
      ]);
      expect((await of("'")).items).toEqual([]);
      const item = { rank: 1, productId: "live", score: 1, views: 1, cartAdds: 0, purchases: 0 };
      await api.put(HotNamespace.popularProducts, "category:c1", {
        windowStart: T0,
        windowEnd: T0,
        items: [item],
      });
      expect(await of("c1")).toEqual({ source: "LIVE", items: [{ rank: 1, productId: "live" }] });
    });

    it("give a user's live views and score, explained, and the scores kept", async () => {
      await api.put(HotNamespace.users, "u1", {
        userId: "u1",
        activity: { views5m: 2, eventTime: T0, recent: [[T0, "item_view", "p1"]] },
        propensity: {
          score: 0.75,
          modelVersion: "propensity-1",
          eventTime: T0,
          sessionStart: T0 - 1000,
          contributions: { views: 0.1, cartAdds: -2 },
          partition: 1,
          offset: 42,
        },
      });
      await api.put(CATEGORY_REVENUE, "latest", {
        windowStart: T0,
        windowEnd: T0 + 60_000,
        items: [
          { categoryId: "c1", currency: "EUR", revenueMinor: 12, units: 2, purchases: 1, refundedMinor: 2 },
        ],
      });
      const row = { user_id: "u1", session_start: at(0), model_version: "m1", features: "[]", _partition: 1 };
      await api.commit(goldPropensityScores, [
        {
          ...row,
          event_time: at(5),
          kind: "crossed",
          score: 0.6,
          contributions: '{"views":0.5}',
          _offset: 1,
        },
        { ...row, event_time: at(9), kind: "fell", score: 0.2, contributions: "{}", _offset: 2 },
      ]);
      const answer =
        await api.data(`{ user(id: "u1") { recentPageViews { views5m eventTime recent { eventType productId } }
        propensity { score modelVersion contributions { feature logOdds } source { partition offset } } }
      latestRevenueByCategory { rows { categoryId revenue { amountMinor } net { amountMinor } } }
      propensityScores(filter: { userId: "u1", scoreMin: 0.5 }) { edges { node { kind score eventTime contributions { feature } } } }
      all: propensityScores { edges { node { kind } } } fell: propensityScores(filter: { kind: FELL }) { edges { node { score } } } }`);
      expect(answer).toEqual({
        user: {
          recentPageViews: {
            views5m: 2,
            eventTime: iso(0),
            recent: [{ eventType: "item_view", productId: "p1" }],
          },
          propensity: {
            score: 0.75,
            modelVersion: "propensity-1",
            contributions: [
              { feature: "cartAdds", logOdds: -2 },
              { feature: "views", logOdds: 0.1 },
            ],
            source: { partition: 1, offset: 42 },
          },
        },
        latestRevenueByCategory: {
          rows: [{ categoryId: "c1", revenue: { amountMinor: 12 }, net: { amountMinor: 10 } }],
        },
        propensityScores: {
          edges: [
            {
              node: { kind: "CROSSED", score: 0.6, eventTime: iso(5), contributions: [{ feature: "views" }] },
            },
          ],
        },
        all: { edges: [{ node: { kind: "FELL" } }, { node: { kind: "CROSSED" } }] },
        fell: { edges: [{ node: { score: 0.2 } }] },
      });
    });

    it("tell what the pipeline is doing", async () => {
      const ended = taskOf({ taskId: "events-1", watermarkMs: Number.POSITIVE_INFINITY, state: "stopped" });
      api.tasks = [taskOf(), ended];
      const { pipelineStatus } =
        await api.data(`{ pipelineStatus { lagTotal watermark tasks { id state failed lag watermark
      epoch checkpointedAt inputs { topic partition position endOffset lag } events { processed refused duplicates late tooLate } } } }`);
      expect(pipelineStatus).toMatchObject({ lagTotal: 20, watermark: "2023-11-14T22:13:20.000Z" });
      expect(pipelineStatus.tasks[1]).toMatchObject({ state: "STOPPED", watermark: null });
      expect(pipelineStatus.tasks[0]).toEqual({
        id: "events-0",
        state: "RUNNING",
        failed: false,
        lag: 10,
        watermark: "2023-11-14T22:13:20.000Z",
        epoch: 7,
        checkpointedAt: "2023-11-14T22:13:21.000Z",
        inputs: [{ topic: "customer-events", partition: 0, position: 90, endOffset: 100, lag: 10 }],
        events: { processed: 90, refused: 1, duplicates: 2, late: 3, tooLate: 4 },
      });
    });

    it("take any text as an id", async () => {
      const query = `query ($id: String!) { user(id: $id) { id recentPageViews { views5m } propensity { score }
      pageViews { edges { cursor } } sessions { edges { cursor } } } product(id: $id) { id } }`;
      for (const id of [
        "",
        "'",
        "$1",
        "a\u0000b",
        "\ud800",
        "{gold.page_views_by_user}",
        "x".repeat(256),
        "💥",
      ]) {
        const { user, product } = await api.data(query, { id });
        expect(user).toMatchObject({
          recentPageViews: null,
          pageViews: { edges: [] },
          sessions: { edges: [] },
        });
        expect(product).toBeNull();
      }
    });
  });
}
