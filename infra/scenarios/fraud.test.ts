import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createModelRegistry,
  FRAUD_FEATURES,
  loadChampion,
  orderScorers,
  type ReplayedOrder,
  replayBronzeOrders,
  trainOrders,
} from "../../ml/index.ts";
import { createShopEvents, endOfInput, SHOP_TOPICS, type ShopTruth } from "../../stream/index.ts";
import { Platform } from "../platform/platform.ts";
import { CollectedLog, freshFolder, removeFolder, scenarioConfig } from "./testing/scenario-home.ts";

const PARTITIONS = 2;
const SHOP = {
  seed: 77,
  startTime: Date.UTC(2026, 0, 10, 9),
  eventsPerSecond: 60,
  users: 1500,
  fraudRingEveryMs: 90_000,
  labelDelayMs: 200_000,
};
const MINUTES = 15;
/** Small: topics come as evenly as from a live shop. */
const CHUNK_RECORDS = 100;

type Row = Readonly<Record<string, unknown>>;

/** A generated shop in the real platform: what it scored, and what is made of its lake afterwards. */
describe("fraud, from the log to the lake and back", () => {
  const folder = freshFolder("fraud");
  const log = new CollectedLog();
  let platform: Platform;
  let truth: ShopTruth;
  let scores: readonly Row[];
  const alerts = new Map<string, Row>();
  const [fraud] = orderScorers;

  const rowsOf = async (sql: string): Promise<readonly Row[]> =>
    (await platform.queryEngine.query(sql, [])).rows;

  beforeAll(async () => {
    const config = scenarioConfig(folder, { partitions: PARTITIONS, checkpointIntervalMs: 1000 });
    platform = await Platform.open(config, log);
    await platform.startWorkers();
    const shop = createShopEvents(SHOP, () => PARTITIONS);
    const end = SHOP.startTime + MINUTES * 60_000;
    for (let batches = shop.until(end, CHUNK_RECORDS); batches !== null; ) {
      if (batches.length > 0) await platform.log.append(batches);
      batches = shop.until(end, CHUNK_RECORDS);
    }
    truth = shop.truth();
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    await platform.log.append(
      SHOP_TOPICS.flatMap((topic) => partitions.map((partition) => endOfInput(topic, partition))),
    );
    await platform.waitUntilProcessed();
    scores = await rowsOf("SELECT * FROM {gold.fraud_scores} ORDER BY _partition, _offset");
    const signal = AbortSignal.timeout(2000);
    try {
      for await (const { alert } of platform.adapters.alertBus.subscribe("begin", signal)) {
        if (alert.kind === "fraud") alerts.set(String(alert.orderId), alert as unknown as Row);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }, 240_000);

  afterAll(async () => {
    await platform.close();
    removeFolder(folder);
  });

  it("scores every order once, and alerts of those to review or block", async () => {
    const placed = await rowsOf("SELECT DISTINCT order_id FROM {bronze.orders} WHERE status = 'placed'");
    expect(scores.map(({ order_id }) => order_id).sort()).toEqual(placed.map((row) => row.order_id).sort());
    const judged = scores
      .filter(({ decision }) => decision !== "pass")
      .map(({ order_id }) => String(order_id));
    expect([...alerts.keys()].sort()).toEqual(judged.sort());
    expect(log.complaints).toEqual([]);
  });

  it("finds the planted rings, without labels of its own: precision ≥ .94 at recall ≥ .89", () => {
    const planted = new Set(truth.fraudRings.flatMap(({ orderIds }) => orderIds));
    const found = scores
      .filter(({ decision }) => decision !== "pass")
      .map(({ order_id }) => String(order_id));
    const hits = found.filter((id) => planted.has(id)).length;
    expect(planted.size).toBeGreaterThan(100);
    expect(hits / found.length).toBeGreaterThanOrEqual(0.94);
    expect(hits / planted.size).toBeGreaterThanOrEqual(0.89);
  });

  it("explains each score of an order that it holds by contributions that add up to it", () => {
    for (const { score, contributions, decision, reasons, order_id } of scores) {
      if (decision === "pass") {
        expect([contributions, reasons]).toEqual(["{}", "[]"]);
        continue;
      }
      const parts: Record<string, number> = JSON.parse(String(contributions));
      const margin = Object.values(parts).reduce((sum, part) => sum + part, 0);
      expect(Math.abs(1 / (1 + Math.exp(-margin)) - Number(score))).toBeLessThan(1e-9);
      expect(alerts.get(String(order_id))).toMatchObject({ status: "raised" });
    }
  });

  it.each([1000, 50_000])(
    "gives training the vectors of then, byte for byte (%i offsets a read)",
    async (size) => {
      const offline = new Map<string, ReplayedOrder>();
      const count = await replayBronzeOrders({
        engine: platform.queryEngine,
        offsetsPerRead: size,
        onOrder: (order) => offline.set(order.orderId, { ...order, vector: order.vector.slice() }),
      });
      expect(count).toBe(scores.length);
      for (const { order_id, features } of scores) {
        const live = Float64Array.from(JSON.parse(String(features)), (x: number | null) => x ?? Number.NaN);
        const vector = offline.get(String(order_id))?.vector as Float64Array;
        live.forEach((value, j) => {
          if (!Object.is(value, vector[j]) && !(value === 0 && vector[j] === 0)) {
            expect.fail(`${FRAUD_FEATURES[j]} of ${order_id}: ${value} live, ${vector[j]} offline`);
          }
        });
      }
    },
  );

  it.each([
    ["user_orders_5m", "user_id", "interval 5 minute"],
    ["user_orders_1h", "user_id", "interval 1 hour"],
    ["user_orders_30d", "user_id", "interval 30 day"],
    ["device_orders_1h", "device_id", "interval 1 hour"],
    ["address_orders_1d", "ip_address", "interval 1 day"],
  ])("counts %s as SQL over bronze does", async (feature, column, window) => {
    // At most the 16 newest by arrival are remembered.
    const oracle = await rowsOf(`
      WITH placed AS (
        SELECT *, row_number() OVER (PARTITION BY _partition, ${column} ORDER BY _offset) AS nth
        FROM (SELECT * FROM {bronze.orders} WHERE status = 'placed'
              QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY _offset) = 1)
      )
      SELECT o.order_id, count(e.order_id) AS n FROM placed o LEFT JOIN placed e
        ON e.${column} = o.${column} AND e._partition = o._partition AND e.nth < o.nth AND e.nth >= o.nth - 16
        AND e.order_time <= o.order_time AND e.order_time > o.order_time - ${window}
      GROUP BY o.order_id`);
    const expected = new Map(oracle.map(({ order_id, n }) => [order_id, Number(n)]));
    const place = FRAUD_FEATURES.indexOf(feature);
    let some = 0;
    for (const { order_id, features } of scores) {
      const value: number = JSON.parse(String(features))[place];
      expect(value, `${order_id}`).toBe(expected.get(order_id));
      some += value;
    }
    if (column !== "ip_address") expect(some).toBeGreaterThan(100);
  });

  it("trains on it, and what is trained becomes champion where it is better", async () => {
    const registry = createModelRegistry(platform.adapters.objects);
    const options = { registry, seed: 3, trainedAt: SHOP.startTime, codeRevision: "test", by: "test" };
    const { card } = await trainOrders(fraud, {
      ...options,
      engine: platform.queryEngine,
      stopwatch: () => performance.now(),
      promote: "always",
    });
    expect(card.rows.unknownLabel).toBeGreaterThan(0);
    const { model, baseline } = card.evaluation.metrics.averagePrecision;
    expect(model).toBeGreaterThan(Math.max(0.7, 3 * baseline));
    const { "logistic regression": logistic, "amount alone": amount } = card.baselines ?? {};
    expect(Object.keys(logistic)).toEqual(Object.keys(card.evaluation.metrics));
    expect(Object.keys(amount)).toEqual(["auc", "averagePrecision"]);
    expect(logistic.averagePrecision).toBeGreaterThan(amount.averagePrecision);
    const loaded = await loadChampion(registry, fraud);
    expect(loaded).toMatchObject({ source: "champion", problem: null });
    expect(loaded.scorer.thresholds.review).toBeLessThanOrEqual(loaded.scorer.thresholds.block);
  }, 120_000);

  it("refuses a training in which no fraud was known by the cut, and publishes nothing", async () => {
    const registry = createModelRegistry(platform.adapters.objects);
    const before = await registry.versions(fraud.name);
    const training = trainOrders(fraud, {
      registry,
      seed: 3,
      trainedAt: SHOP.startTime + 1,
      codeRevision: "test",
      by: "test",
      engine: platform.queryEngine,
      stopwatch: () => performance.now(),
      trainShare: 0.02,
    });
    await expect(training).rejects.toMatchObject({
      code: "dataset-unusable",
      message: expect.stringContaining("before the validation cut whose label is known 0 are fraud"),
    });
    expect(await registry.versions(fraud.name)).toEqual(before);
  }, 120_000);
});
