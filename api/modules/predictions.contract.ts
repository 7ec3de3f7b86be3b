import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldDemandForecasts, goldFraudScores, goldRecommendations } from "../../schema/index.ts";
import { FRAUD_SCORES_NAMESPACE, HotNamespace, INVENTORY_RECORD } from "../../stream/index.ts";
import { bronzeInventory, type GraphQLAnswer, type TestApi } from "../server/api.fixture.ts";

const DAY = 86_400_000;
const T0 = Date.UTC(2026, 0, 5);
const at = (ms: number) => new Date(T0 + ms);
const iso = (ms: number) => at(ms).toISOString();

/** What the API answers about products to show and demand to come, whatever engine reads the lake. */
export function predictionsContract(name: string, start: () => Promise<TestApi>): void {
  describe(`recommendations from ${name}`, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await start();
    });
    afterAll(() => api.stop());

    const LISTS = `query ($user: String!, $product: String!, $limit: Int) {
      recommendations(userId: $user, limit: $limit) { ...list }
      similarProducts(productId: $product, limit: $limit) { ...list } }
      fragment list on RecommendationList { source modelVersion eventTime freshness { snapshotId }
        items { rank productId score reasons { kind score } product { id } } }`;
    const item = (productId: string, reasons: Record<string, number>) => ({
      productId,
      score: Object.values(reasons).reduce((a, b) => a + b, 0),
      reasons,
    });

    it("are empty before anything is known, then what is popular", async () => {
      const variables = { user: "u1", product: "p1" };
      const empty = await api.data(LISTS, variables);
      expect(empty.recommendations).toMatchObject({ source: "POPULAR", modelVersion: null, items: [] });
      const items = ["p1", "p2", "p3"].map((productId, k) => ({
        rank: k + 1,
        productId,
        score: 9 - k,
        views: 1,
        cartAdds: 0,
        purchases: 0,
      }));
      await api.put(HotNamespace.popularProducts, "all", { windowStart: T0 - 60_000, windowEnd: T0, items });
      const { recommendations, similarProducts } = await api.data(LISTS, { ...variables, limit: 2 });
      expect(recommendations).toEqual({
        source: "POPULAR",
        modelVersion: null,
        eventTime: iso(0),
        freshness: { snapshotId: null },
        items: [
          {
            rank: 1,
            productId: "p1",
            score: 9,
            reasons: [{ kind: "POPULAR", score: 9 }],
            product: null,
          },
          {
            rank: 2,
            productId: "p2",
            score: 8,
            reasons: [{ kind: "POPULAR", score: 8 }],
            product: null,
          },
        ],
      });
      expect(similarProducts.items.map((one: { productId: string }) => one.productId)).toEqual(["p2", "p3"]);
    });

    it("are the lists of the stream, with model and reasons, largest first", async () => {
      const record = { modelVersion: "v7", eventTime: T0 + 5 };
      await api.put(HotNamespace.recommendations, "u1", {
        userId: "u1",
        ...record,
        items: [item("p5", { after: 0.25, similarVisits: 0.5 }), item("p6", { return: 0.125 })],
      });
      await api.put(HotNamespace.similarProducts, "p1", {
        productId: "p1",
        ...record,
        items: [item("p9", { before: 0.5 })],
      });
      const { recommendations, similarProducts } = await api.data(LISTS, { user: "u1", product: "p1" });
      expect(recommendations).toMatchObject({ source: "VISIT", modelVersion: "v7", eventTime: iso(5) });
      expect(recommendations.items).toEqual([
        {
          rank: 1,
          productId: "p5",
          score: 0.75,
          reasons: [
            { kind: "SIMILAR_VISITS", score: 0.5 },
            { kind: "AFTER", score: 0.25 },
          ],
          product: null,
        },
        {
          rank: 2,
          productId: "p6",
          score: 0.125,
          reasons: [{ kind: "RETURN", score: 0.125 }],
          product: null,
        },
      ]);
      expect(similarProducts.items).toMatchObject([{ productId: "p9", reasons: [{ kind: "BEFORE" }] }]);
      for (const limit of [0, 101]) {
        const { errors } = await api.query(LISTS, { user: "u1", product: "p1", limit });
        expect(errors?.[0].extensions).toMatchObject({ code: "invalid-argument", origin: "user" });
      }
    });

    it("leave out what is sold out in every warehouse, and go on with what is popular where nothing is left", async () => {
      const products = ["gone", "here", "elsewhere", "unknown"];
      await api.put(HotNamespace.recommendations, "u2", {
        ...{ userId: "u2", modelVersion: "v7", eventTime: T0 },
        items: products.map((productId) => item(productId, { after: 0.5 })),
      });
      const stocked = (productId: string, ...stocks: number[]) =>
        api.put(INVENTORY_RECORD, productId, {
          productId,
          warehouses: stocks.map((stock, k) => ({ warehouseId: `w${k}`, stock })),
        });
      await stocked("gone", 0, -1);
      await stocked("here", 3);
      await stocked("elsewhere", 0, 1);
      const shown = async (limit: number) => {
        const { recommendations } = await api.data(LISTS, { user: "u2", product: "p1", limit });
        return [
          recommendations.source,
          ...recommendations.items.map(
            (one: { productId: string; rank: number }) => `${one.rank} ${one.productId}`,
          ),
        ];
      };
      expect(await shown(10)).toEqual(["VISIT", "1 here", "2 elsewhere", "3 unknown"]);
      expect(await shown(2)).toEqual(["VISIT", "1 here", "2 elsewhere"]);
      for (const productId of products) await stocked(productId, 0);
      await stocked("p2", 0);
      expect(await shown(2)).toEqual(["POPULAR", "1 p1", "2 p3"]);
      await stocked("p2", 1);
    });

    it("that the lake kept page through every place once, and filter", async () => {
      const row = (user: string, end: number, rank: number) => ({
        user_id: user,
        visit_end: at(end),
        rank,
        product_id: `p${rank}`,
        score: 1 / rank,
        reasons: `{"after":${1 / rank}}`,
        model_version: user === "u1" ? "v1" : "v2",
      });
      const rows = ["u1", "u2"].flatMap((user) =>
        [0, 1000].flatMap((end) => [1, 2, 3].map((r) => row(user, end, r))),
      );
      await api.commit(goldRecommendations, rows);
      const query = `query ($after: String, $filter: KeptRecommendationFilter) {
        keptRecommendations(first: 5, after: $after, filter: $filter) { pageInfo { hasNextPage endCursor }
          edges { node { userId visitEnd rank productId score reasons { kind score } modelVersion } } } }`;
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const page: GraphQLAnswer["data"] = (await api.data(query, { after })).keptRecommendations;
        for (const { node } of page.edges) seen.push(`${node.visitEnd} ${node.userId} ${node.rank}`);
        after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
      } while (after !== null);
      expect(seen).toEqual(
        rows
          .map(({ visit_end, user_id, rank }) => `${visit_end.toISOString()} ${user_id} ${rank}`)
          .sort()
          .reverse(),
      );
      const nodes = async (filter: object) =>
        (await api.data(query, { filter })).keptRecommendations.edges.map(
          (edge: { node: object }) => edge.node,
        );
      expect(await nodes({ userId: "u1", from: iso(1000), productId: "p2" })).toEqual([
        {
          userId: "u1",
          visitEnd: iso(1000),
          rank: 2,
          productId: "p2",
          score: 0.5,
          reasons: [{ kind: "AFTER", score: 0.5 }],
          modelVersion: "v1",
        },
      ]);
      expect(await nodes({ modelVersion: "v2", to: iso(1000) })).toHaveLength(3);
      expect(await nodes({ userId: "' or 1 = 1 --" })).toEqual([]);
    });
  });

  describe(`forecasts from ${name}`, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await start();
    });
    afterAll(() => api.stop());

    const FORECAST = `query ($product: String!, $warehouse: String, $step: ForecastStep, $asOf: String, $stock: Float) {
      demandForecast(productId: $product, warehouseId: $warehouse, step: $step, asOf: $asOf) {
        productId warehouseId step dailyRate modelVersion madeAt source freshness { snapshotId }
        points { start end mean lower80 upper80 lower95 upper95 }
        runout(stock: $stock) { stock expected earliest latest }
        reorder(stock: $stock, leadTimeDays: 1, reviewTimeDays: 1, serviceLevel: 0.5) { stock units expectedDemand } } }`;
    const forecast = async (variables: object) => (await api.data(FORECAST, variables)).demandForecast;

    const row = (day: number, mean: number, changes: object = {}) => ({
      product_id: "p1",
      warehouse_id: null,
      step: "day",
      step_start: at(day * DAY),
      mean,
      lower_80: mean / 2,
      upper_80: mean * 2,
      lower_95: 0,
      upper_95: mean * 3,
      model_version: "m1",
      data_until: at(0),
      made_at: at(1000),
      ...changes,
    });

    it("are null before the first run, and for what was not forecast", async () => {
      expect(await forecast({ product: "p1" })).toBeNull();
      expect(await forecast({ product: "'" })).toBeNull();
    });

    it("of the lake are those of the newest run, by product, warehouse and step", async () => {
      const old = await api.commit(goldDemandForecasts, [row(0, 4), row(1, 6)]);
      await api.commit(goldDemandForecasts, [
        row(0, 10, { made_at: at(2000) }),
        row(1, 20, { made_at: at(2000) }),
        row(0, 3, { made_at: at(2000), warehouse_id: "w1" }),
        row(0, 70, { made_at: at(2000), step: "week" }),
      ]);
      expect(await forecast({ product: "p1", stock: 20 })).toMatchObject({
        productId: "p1",
        warehouseId: null,
        step: "DAY",
        dailyRate: 15,
        modelVersion: "m1",
        madeAt: iso(2000),
        source: "LAKE",
        points: [
          { start: iso(0), end: iso(DAY), mean: 10, lower80: 5, upper80: 20, lower95: 0, upper95: 30 },
          { start: iso(DAY), end: iso(2 * DAY), mean: 20 },
        ],
        // Ten on the first day, and ten of the second day's twenty.
        runout: { stock: 20, expected: iso(1.5 * DAY), earliest: iso(DAY) },
        reorder: { stock: 20, units: 10, expectedDemand: 30 },
      });
      expect((await forecast({ product: "p1", warehouse: "w1" })).points).toMatchObject([{ mean: 3 }]);
      expect(await forecast({ product: "p1", step: "WEEK" })).toMatchObject({
        dailyRate: 10,
        points: [{ start: iso(0), end: iso(7 * DAY), mean: 70 }],
        runout: null,
        reorder: null,
      });
      expect(await forecast({ product: "p1", asOf: old })).toMatchObject({
        madeAt: iso(1000),
        points: [{ mean: 4 }, { mean: 6 }],
        freshness: { snapshotId: old },
      });
      expect(await forecast({ product: "p1", warehouse: "w2" })).toBeNull();
    });

    it("know the stock by the newest count of each warehouse and the changes since", async () => {
      const update = (id: string, warehouse: string, kind: string, quantity: number, time: number) => ({
        event_id: id,
        product_id: "p1",
        update_time: at(time),
        warehouse_id: warehouse,
        kind,
        quantity,
        reason: null,
        reorder_point: null,
        _topic: "inventory-updates",
        _partition: 0,
        _offset: 1,
        _ingested_at: at(time),
        _extra: null,
      });
      await api.commit(bronzeInventory, [
        update("a", "w1", "snapshot", 100, 0),
        update("b", "w1", "delta", -90, 10),
        update("c", "w1", "snapshot", 9, 20),
        update("d", "w1", "delta", -2, 30),
        // The log had it twice.
        update("d", "w1", "delta", -2, 30),
        update("e", "w2", "delta", 5, 5),
      ]);
      expect((await forecast({ product: "p1" })).runout.stock).toBe(12);
      expect((await forecast({ product: "p1", warehouse: "w1" })).runout.stock).toBe(7);
    });

    it("of the hot store come first, and have its warehouses", async () => {
      const steps = (mean: number) => ({
        startMs: T0 + DAY,
        stepMs: DAY,
        mean: [mean, mean],
        lower80: [0, 0],
        upper80: [2 * mean, 2 * mean],
        lower95: [0, 0],
        upper95: [3 * mean, 3 * mean],
      });
      await api.put(HotNamespace.demandForecasts, "p1", {
        productId: "p1",
        modelVersion: "m2",
        madeAt: T0 + DAY,
        dailyRate: 8,
        daily: steps(8),
        weekly: null,
        warehouses: [{ warehouseId: "w1", dailyRate: 2, daily: steps(2), weekly: null }],
      });
      expect(await forecast({ product: "p1" })).toMatchObject({
        source: "LIVE",
        modelVersion: "m2",
        dailyRate: 8,
        freshness: { snapshotId: null },
        points: [{ start: iso(DAY), mean: 8, upper95: 24 }, { mean: 8 }],
      });
      expect(await forecast({ product: "p1", warehouse: "w1" })).toMatchObject({ dailyRate: 2 });
      expect(await forecast({ product: "p1", step: "WEEK" })).toBeNull();
    });

    it("refuse orders that cannot be planned", async () => {
      for (const wrong of [
        "leadTimeDays: -1, reviewTimeDays: 1",
        "leadTimeDays: 1, reviewTimeDays: 1e9",
        "leadTimeDays: 1, reviewTimeDays: 1, serviceLevel: 1",
        "leadTimeDays: 1, reviewTimeDays: 1, packUnits: 0",
      ]) {
        const { errors } = await api.query(
          `{ demandForecast(productId: "p1") { reorder(${wrong}) { units } } }`,
        );
        expect(errors?.[0].extensions, wrong).toMatchObject({ code: "invalid-argument", origin: "user" });
      }
    });
  });

  describe(`fraud scores from ${name}`, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await start();
    });
    afterAll(() => api.stop());

    it("give an order's fraud score, live until the lake has it", async () => {
      const record = {
        orderId: "o1",
        userId: "u1",
        orderTime: T0,
        score: 0.97,
        decision: "block",
        reasons: ["6 earlier orders of the user within 5 minutes"],
        modelVersion: "fraud-1",
        classifier: "trees",
        contributions: { user_orders_5m: 4, order_amount: -0.5 },
        partition: 1,
        offset: 7,
      };
      await api.put(FRAUD_SCORES_NAMESPACE, "o1", record);
      const query = `query ($id: String!) { fraudScore(orderId: $id) { orderId userId orderTime score decision reasons
        modelVersion classifier contributions { feature logOdds } source { partition offset } } }`;
      const live = (await api.data(query, { id: "o1" })).fraudScore;
      expect(live).toEqual({
        orderId: "o1",
        userId: "u1",
        orderTime: iso(0),
        score: 0.97,
        decision: "BLOCK",
        reasons: ["6 earlier orders of the user within 5 minutes"],
        modelVersion: "fraud-1",
        classifier: "trees",
        contributions: [
          { feature: "user_orders_5m", logOdds: 4 },
          { feature: "order_amount", logOdds: -0.5 },
        ],
        source: { partition: 1, offset: 7 },
      });
      expect((await api.data(query, { id: "o2" })).fraudScore).toBeNull();
      const row = (id: string, ms: number, decision: string, score: number) => ({
        order_id: id,
        user_id: "u1",
        order_time: at(ms),
        score,
        decision,
        reasons: "[]",
        model_version: "fraud-1",
        classifier: "trees",
        features: "[1,null]",
        contributions: '{"bias":-3,"order_amount":1,"user_orders_5m":4}',
        _partition: 1,
        _offset: 7,
        _events_offset: 1,
        _payments_offset: 2,
        _labels_offset: 3,
      });
      await api.commit(goldFraudScores, [
        row("o1", 0, "block", 0.97),
        row("o2", 5, "pass", 0.01),
        row("o3", 9, "review", 0.5),
      ]);
      const kept = (await api.data(query, { id: "o1" })).fraudScore;
      expect(kept.contributions.map(({ feature }: { feature: string }) => feature)).toEqual([
        "user_orders_5m",
        "bias",
        "order_amount",
      ]);
      const list = async (filter: string) =>
        (
          await api.data(`{ fraudScores(filter: ${filter}) { edges { node { orderId } } } }`)
        ).fraudScores.edges.map(({ node }: { node: { orderId: string } }) => node.orderId);
      expect(await list("{ decisions: [BLOCK, REVIEW] }")).toEqual(["o3", "o1"]);
      expect(await list('{ userId: "u1", scoreMin: 0.5 }')).toEqual(["o3", "o1"]);
      expect(await list(`{ from: "${iso(5)}", to: "${iso(9)}" }`)).toEqual(["o2"]);
    });
  });
}
