import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  FUNNEL_RECORD,
  goldAnomalies,
  goldFunnel,
  goldInventoryAlerts,
  goldMetrics,
  HotNamespace,
  INVENTORY_RECORD,
} from "../../stream/index.ts";
import type { TestApi } from "../server/api.fixture.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T0 = Date.UTC(2026, 0, 5);
const at = (ms: number) => new Date(T0 + ms);
const iso = (ms: number) => at(ms).toISOString();
const window = (start: number, size: number) => ({ window_start: at(start), window_end: at(start + size) });

/** What the API answers about funnels, stocks and anomalies, whatever engine reads the lake. */
export function detectorsContract(name: string, start: () => Promise<TestApi>): void {
  describe(`funnels from ${name}`, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await start();
    });
    afterAll(() => api.stop());

    const row = (day: number, category: string, changes: Record<string, unknown> = {}) => ({
      ...window(day * DAY, DAY),
      basis: "session",
      category_id: category,
      device: "mobile",
      country: "FR",
      views: 10,
      carts: 4,
      checkouts: 2,
      purchases: 1,
      cart_median_ms: 4000,
      checkout_median_ms: 2000,
      purchase_median_ms: 1000,
      cart_times: "4000:3,8000:1",
      checkout_times: "2000:2",
      purchase_times: "1000:1",
      revision: 1,
      ...changes,
    });
    const QUERY = `query ($by: [FunnelDimension!], $basis: FunnelBasis, $devices: [String!], $to: DateTime!) {
      funnel(from: "${iso(0)}", to: $to, by: $by, basis: $basis, devices: $devices) {
        basis freshness { snapshotId } rows { day categoryId device country
          steps { step journeys conversion dropOff medianMs } } } }`;

    it("are empty before the first commit", async () => {
      const answer = await api.data(`{ latestFunnel { basis }
        funnel(from: "${iso(0)}", to: "${iso(DAY)}") { rows { day } freshness { snapshotId } } }`);
      expect(answer).toEqual({ latestFunnel: null, funnel: { rows: [], freshness: { snapshotId: null } } });
    });

    it("add journeys up over what is not asked for, and find medians of the sum", async () => {
      await api.commit(goldFunnel, [
        row(0, "a"),
        row(0, "a", { views: 12, revision: 2 }),
        row(0, "b", { carts: 10, cart_times: "8000:10", cart_median_ms: 8000 }),
        row(1, "a"),
        row(0, "gone", {
          views: 0,
          carts: 0,
          checkouts: 0,
          purchases: 0,
          cart_times: "",
          checkout_times: "",
        }),
        row(0, "a", { basis: "user", views: 99 }),
        row(0, "a", { device: "desktop", views: 500 }),
      ]);
      const { funnel } = await api.data(QUERY, { to: iso(2 * DAY), devices: ["mobile"] });
      expect(funnel.basis).toBe("SESSION");
      expect(funnel.rows.map(({ day }: { day: string }) => day)).toEqual([iso(0), iso(DAY)]);
      expect(funnel.rows[0]).toMatchObject({ categoryId: null, device: null, country: null });
      expect(funnel.rows[0].steps).toEqual([
        { step: "VIEW", journeys: 22, conversion: 1, dropOff: 0, medianMs: null },
        { step: "CART", journeys: 14, conversion: 14 / 22, dropOff: 8 / 22, medianMs: 8000 },
        { step: "CHECKOUT", journeys: 4, conversion: 4 / 22, dropOff: 10 / 14, medianMs: 2000 },
        { step: "PURCHASE", journeys: 2, conversion: 2 / 22, dropOff: 0.5, medianMs: 1000 },
      ]);
      const by = ["CATEGORY", "DEVICE"];
      const groups = (await api.data(QUERY, { to: iso(DAY), by })).funnel.rows;
      expect(
        groups.map((row: { categoryId: string; device: string; steps: { journeys: number }[] }) => [
          row.categoryId,
          row.device,
          row.steps[0].journeys,
        ]),
      ).toEqual([
        ["a", "desktop", 500],
        ["a", "mobile", 12],
        ["b", "mobile", 10],
      ]);
      const users = (await api.data(QUERY, { to: iso(DAY), by: [], basis: "USER" })).funnel.rows;
      expect(users).toMatchObject([{ day: null, steps: [{ journeys: 99 }, {}, {}, {}] }]);
      const { errors } = await api.query(QUERY, { to: iso(0) });
      expect(errors?.[0].extensions.code).toBe("invalid-argument");
    });

    it("count each UTC day that the range touches from its start to its end", async () => {
      const query = `query ($from: DateTime!, $to: DateTime!) { funnel(from: $from, to: $to, devices: ["mobile"]) {
        rows { day steps { journeys } } } }`;
      const ofDay = { [iso(0)]: 22, [iso(DAY)]: 10 };
      const cases: [number, number, string[]][] = [
        [0, 12, [iso(0)]],
        [5, 7, [iso(0)]],
        [5, 24, [iso(0)]],
        [5, 24 + 5, [iso(0), iso(DAY)]],
        [24, 24 + 5, [iso(DAY)]],
        [-12, 0, []],
      ];
      for (const [from, to, days] of cases) {
        const { funnel } = await api.data(query, { from: iso(from * HOUR), to: iso(to * HOUR) });
        const found = funnel.rows.map((row: { day: string; steps: { journeys: number }[] }) => [
          row.day,
          row.steps[0].journeys,
        ]);
        expect(found, `${from} to ${to} h`).toEqual(days.map((day) => [day, ofDay[day]]));
      }
      const { errors } = await api.query(query, { from: iso(12 * HOUR), to: iso(6 * HOUR) });
      expect(errors?.[0].message).toBe("from must be before to.");
    });

    it("are live for the newest day", async () => {
      const steps = ["view", "cart", "checkout", "purchase"].map((step, i) => ({
        step,
        journeys: 8 - 2 * i,
        medianMs: i === 0 ? null : 1000,
      }));
      const funnels = [
        { basis: "session", steps },
        { basis: "user", steps: steps.map((one) => ({ ...one, journeys: 0, medianMs: null })) },
      ];
      const record = { windowStart: T0, windowEnd: T0 + DAY, watermarkMs: T0 + 60_000, funnels };
      await api.put(FUNNEL_RECORD, "latest", record);
      const query = `query ($basis: FunnelBasis!) { latestFunnel(basis: $basis) { basis freshness { watermark }
        rows { day steps { step journeys dropOff medianMs } } } }`;
      const { latestFunnel } = await api.data(query, { basis: "SESSION" });
      expect(latestFunnel).toMatchObject({ basis: "SESSION", freshness: { watermark: iso(60_000) } });
      expect(latestFunnel.rows[0].day).toBe(iso(0));
      expect(latestFunnel.rows[0].steps[2]).toEqual({
        step: "CHECKOUT",
        journeys: 4,
        dropOff: 2 / 6,
        medianMs: 1000,
      });
      const users = (await api.data(query, { basis: "USER" })).latestFunnel.rows[0].steps;
      expect(users.map(({ dropOff }: { dropOff: number }) => dropOff)).toEqual([0, 0, 0, 0]);
    });
  });

  describe(`stocks from ${name}`, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await start();
    });
    afterAll(() => api.stop());

    const stock = (warehouseId: string, units: number) => ({
      warehouseId,
      stock: units,
      level: "low",
      reorderPoint: null,
      updateTime: T0,
      demandUnits: 10,
      demandMs: DAY,
      runoutTime: T0 + 2 * DAY,
      reorderQuantity: 180,
    });

    it("say when they run out: by the forecast of the warehouse, else by what was taken lately", async () => {
      const query = `{ inventory(productId: "p1") { productId stock warehouses {
        warehouseId stock level reorderPoint updateTime runoutTime runoutSource reorderQuantity } } }`;
      expect((await api.data(query)).inventory).toBeNull();
      await api.put(INVENTORY_RECORD, "p1", {
        productId: "p1",
        warehouses: [stock("w1", 20), stock("w2", 5)],
      });
      const daily = { startMs: T0, stepMs: DAY, mean: [2, 2, 2], lower80: [1, 1, 1], upper80: [3, 3, 3] };
      const forecast = { productId: "p1", daily: null, weekly: null, modelVersion: "m", madeAt: T0 };
      const warehouses = [{ warehouseId: "w2", daily: { ...daily, lower95: [], upper95: [] }, weekly: null }];
      await api.put(HotNamespace.demandForecasts, "p1", { ...forecast, warehouses });
      const { inventory } = await api.data(query);
      expect(inventory).toMatchObject({ productId: "p1", stock: 25 });
      const known = { level: "LOW", reorderPoint: null, updateTime: iso(0), reorderQuantity: 180 };
      expect(inventory.warehouses).toEqual([
        { ...known, warehouseId: "w1", stock: 20, runoutTime: iso(2 * DAY), runoutSource: "MOVING_RATE" },
        { ...known, warehouseId: "w2", stock: 5, runoutTime: iso(2.5 * DAY), runoutSource: "FORECAST" },
      ]);
    });

    it("are low until they recover, and alerts that late updates took away are left out", async () => {
      const row = (kind: string, product: string, ms: number, units: number, changes = {}) => ({
        alert_id: `${kind}:${product}:w:${ms}`,
        kind,
        product_id: product,
        warehouse_id: "w",
        update_time: at(ms),
        stock: units,
        threshold: 100,
        reorder_point: null,
        demand_units: 0,
        demand_ms: 0,
        runout_time: null,
        reorder_quantity: 200 - units,
        status: "raised",
        revision: 1,
        ...changes,
      });
      await api.commit(goldInventoryAlerts, [
        row("low-stock", "p1", 0, 90),
        row("stock-out", "p1", 10, 0),
        row("low-stock", "p2", 0, 95),
        row("stock-recovery", "p2", 20, 400),
        row("low-stock", "p3", 0, 50, { reorder_point: 60, runout_time: at(DAY) }),
        row("stock-recovery", "p3", 5, 400),
        row("stock-recovery", "p3", 5, 50, { status: "retracted", revision: 2 }),
      ]);
      const { lowStock } = await api.data(`{ lowStock { freshness { snapshotId } items {
        kind productId warehouseId stock reorderPoint runoutTime reorderQuantity } } }`);
      expect(lowStock.items).toEqual([
        {
          kind: "STOCK_OUT",
          productId: "p1",
          warehouseId: "w",
          stock: 0,
          reorderPoint: null,
          runoutTime: null,
          reorderQuantity: 200,
        },
        {
          kind: "LOW_STOCK",
          productId: "p3",
          warehouseId: "w",
          stock: 50,
          reorderPoint: 60,
          runoutTime: iso(DAY),
          reorderQuantity: 150,
        },
      ]);
      const list = async (args: string) =>
        (
          await api.data(`{ inventoryAlerts(${args}) { edges { node { id status } } } }`)
        ).inventoryAlerts.edges.map(({ node }: { node: { id: string } }) => node.id);
      expect(await list('productId: "p1"')).toEqual(["stock-out:p1:w:10", "low-stock:p1:w:0"]);
      expect(await list("kinds: [STOCK_RECOVERY]")).toEqual(["stock-recovery:p2:w:20"]);
      expect(await list('productId: "p3", includeRetracted: true, first: 1')).toEqual([
        "stock-recovery:p3:w:5",
      ]);
      const { errors } = await api.query("{ lowStock(first: 0) { items { id } } }");
      expect(errors?.[0].extensions.code).toBe("invalid-argument");
    });
  });

  describe(`anomalies from ${name}`, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await start();
    });
    afterAll(() => api.stop());
    const SIZE = 900_000;

    it("come with what was expected, and leave out what no longer holds", async () => {
      const row = (metric: string, start: number, changes = {}) => ({
        alert_id: `anomaly:${metric}:${start}`,
        ...window(start, SIZE),
        metric,
        value: 900,
        expected: 300.5,
        direction: "above",
        change: 1.995,
        score: 9.5,
        status: "raised",
        revision: 1,
        ...changes,
      });
      await api.commit(goldAnomalies, [
        row("orders", 0),
        row("events:click", SIZE),
        row("events:click", SIZE, { status: "retracted", revision: 2 }),
      ]);
      const query = `query ($all: Boolean!, $metric: String) { anomalies(includeRetracted: $all, metric: $metric) {
        edges { node { metric windowStart windowEnd value expected direction change score status revision } } } }`;
      const nodes = async (all: boolean, metric: string | null = null) =>
        (await api.data(query, { all, metric })).anomalies.edges.map(({ node }: { node: object }) => node);
      const orders = {
        metric: "orders",
        windowStart: iso(0),
        windowEnd: iso(SIZE),
        value: 900,
        expected: 300.5,
      };
      expect(await nodes(false)).toEqual([
        { ...orders, direction: "ABOVE", change: 1.995, score: 9.5, status: "RAISED", revision: 1 },
      ]);
      expect(await nodes(true, "events:click")).toMatchObject([{ status: "RETRACTED", revision: 2 }]);
    });

    it("stand beside the metric itself", async () => {
      const row = (start: number, value: number, expected: number | null, revision = 1) => ({
        ...window(start, SIZE),
        metric: "orders",
        value,
        expected,
        revision,
      });
      await api.commit(goldMetrics, [
        row(SIZE, 5, 4.5),
        row(0, 2, null),
        row(0, 3, null, 2),
        row(2 * SIZE, 9, 4),
      ]);
      const query = `query ($to: DateTime!) { metric(name: "orders", from: "${iso(0)}", to: $to) { metric
        points { windowStart windowEnd value expected } } }`;
      const { metric } = await api.data(query, { to: iso(2 * SIZE) });
      expect(metric).toEqual({
        metric: "orders",
        points: [
          { windowStart: iso(0), windowEnd: iso(SIZE), value: 3, expected: null },
          { windowStart: iso(SIZE), windowEnd: iso(2 * SIZE), value: 5, expected: 4.5 },
        ],
      });
      const { errors } = await api.query(query, { to: iso(0) });
      expect(errors?.[0].extensions.code).toBe("invalid-argument");
    });

    it("are of metrics that there are: another name is an error that lists these", async () => {
      const empty = await start();
      const metric = `query ($name: String!) { metric(name: $name, from: "${iso(0)}", to: "${iso(SIZE)}") { points { value } } }`;
      const anomalies = "query ($name: String!) { anomalies(metric: $name) { edges { cursor } } }";
      const messages = async (of: TestApi, name: string) =>
        (await Promise.all([metric, anomalies].map((query) => of.query(query, { name })))).flatMap(
          ({ errors }) => errors?.map(({ message, extensions }) => `${extensions.code}: ${message}`) ?? [],
        );
      // Of what every shop has, and of kinds of which nothing came yet.
      for (const name of ["failed-payments", "events:checkout", "revenue:EUR", "category-events:c1"])
        expect(await messages(empty, name), name).toEqual([]);
      const row = { ...window(0, SIZE), value: 1, expected: null, revision: 1 };
      await empty.commit(goldMetrics, [
        { ...row, metric: "revenue:EUR" },
        { ...row, metric: "category-events:shoes" },
      ]);
      for (const name of ["revenue:EUR", "category-events:shoes", "orders"])
        expect(await messages(empty, name), name).toEqual([]);
      for (const name of ["order", "events:view", "revenue:USD", "category-events:shoe", ""]) {
        const said = `invalid-argument: There is no metric "${name}". There are: orders, failed-payments, events:page_view, `;
        expect(await messages(empty, name)).toEqual([
          expect.stringContaining(said),
          expect.stringMatching(/, revenue:EUR, category-events:shoes\.$/),
        ]);
      }
      await empty.stop();
    });
  });
}
