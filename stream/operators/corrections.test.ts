import { describe, expect, it } from "vitest";
import { type CustomerEvent, type CustomerEventBatch, customerEventContract } from "../../schema/index.ts";
import { defaultTimeConfig, WatermarkTracker } from "../time/index.ts";
import { createPageViewsByUser, defaultPageViewsByUserConfig } from "./page-views-by-user.ts";
import { createProductInsights, defaultProductInsightsConfig } from "./product-insights.ts";
import { createProductPanes, defaultProductPanesConfig } from "./product-panes.ts";
import { createProductTable } from "./product-table.ts";
import { createSessionize, defaultSessionizeConfig } from "./sessionize.ts";
import { CollectedHot, CollectedOutputs, driveBatch, driveEnd } from "./testing/drive.ts";
import { createKeys, makeBatch } from "./testing/make-batch.ts";
import { UserRecords } from "./user-records.ts";

const MINUTE = 60_000;
const BASE = Date.UTC(2026, 0, 5, 12);

function createRig() {
  const keys = createKeys();
  const outputs = new CollectedOutputs();
  const time = defaultTimeConfig;
  const tracker = new WatermarkTracker("watermark", time);
  const insights = createProductInsights(
    {
      ...defaultProductInsightsConfig,
      flashSale: { windowMs: 2 * MINUTE, viewsOver: 3, purchasesUnder: 2 },
    },
    { sourceTasks: ["events-0"], outputs },
  );
  const panes = createProductPanes(defaultProductPanesConfig, {
    keys,
    products: createProductTable({ keys }),
    time,
    sourceTask: "events-0",
    emitPanes: (bytes) => insights.fold(bytes, 0, bytes.length),
  });
  const operators = [
    createPageViewsByUser(defaultPageViewsByUserConfig, {
      keys,
      outputs,
      time,
      userRecords: new UserRecords(keys.userId, 60_000),
    }),
    createSessionize(defaultSessionizeConfig, { keys, outputs, time }),
    panes,
  ];
  let offset = 0;
  return {
    outputs,
    insights,
    /** One event at so many ms after the base. */
    event(afterMs: number, event: Partial<CustomerEvent>): void {
      const row = {
        eventId: `e-${offset++}`,
        eventType: "item_view",
        userId: "u",
        ...event,
        eventTime: BASE + afterMs,
      };
      const batch = makeBatch<CustomerEventBatch>(customerEventContract, [row as never], { keys });
      driveBatch(batch, batch.eventTime, tracker, operators);
      insights.emitSome(Number.POSITIVE_INFINITY);
    },
    end() {
      driveEnd(operators);
      insights.emitSome(Number.POSITIVE_INFINITY);
    },
  };
}

describe("corrections", () => {
  it("report a window once, and again with the next revision for every tick that changed it", () => {
    const rig = createRig();
    rig.event(10_000, {});
    rig.event(75_000, { userId: "clock" });
    rig.event(20_000, {});
    rig.event(20_001, {});
    rig.event(80_000, { userId: "clock" });
    rig.event(25_000, {});
    rig.event(26_000, { userId: "late-only" });
    rig.event(90_000, { userId: "clock" });
    const rows = rig.outputs.table("gold.page_views_by_user").filter((row) => row.window_start === BASE);
    const seen = rows.map(({ user_id, views, revision }) => [user_id, views, revision]);
    expect(seen).toEqual([
      ["u", 1, 1],
      ["u", 3, 2],
      ["u", 4, 3],
      ["late-only", 1, 1],
    ]);
  });

  it("merge two sessions that a late event bridges, and write it once", () => {
    const rig = createRig();
    rig.event(0, { eventType: "search", productId: null });
    rig.event(31 * MINUTE, { eventType: "purchase", priceMinor: 500, quantity: 2, productId: "p" });
    rig.event(30.5 * MINUTE, { eventType: "cart_add" });
    rig.event(30 * MINUTE + 1000, {});
    rig.event(30 * MINUTE, {});
    rig.event(61 * MINUTE, { eventType: "click" });
    rig.end();
    expect(rig.outputs.table("silver.sessions")).toMatchObject([
      {
        session_key: `u:${BASE}`,
        events: 6,
        page_views: 2,
        cart_adds: 1,
        purchases: 1,
        revenue_minor: 1000,
        converted: true,
        entry_event_type: "search",
        entry_product_id: null,
        exit_event_type: "click",
      },
    ]);
  });

  it("keep sessions apart whose gap is longer than the limit by a millisecond", () => {
    const rig = createRig();
    rig.event(0, {});
    rig.event(30 * MINUTE, {});
    rig.event(60 * MINUTE + 1, {});
    rig.end();
    expect(rig.outputs.table("silver.sessions").map(({ events }) => events)).toEqual([2, 1]);
  });

  it("retract a flash-sale alert when late purchases take its ground away", () => {
    const rig = createRig();
    for (let i = 0; i < 5; i++) rig.event(30_000 + i, { productId: "p" });
    rig.event(64_000, { userId: "clock", eventType: "click" });
    expect(rig.outputs.alerts).toMatchObject([
      { status: "raised", revision: 1, productId: "p", figures: { views: 5, purchases: 0 } },
    ]);
    for (let i = 0; i < 2; i++) rig.event(31_000, { eventType: "purchase", productId: "p" });
    rig.event(123_000, { userId: "clock", eventType: "click" });
    const [raised, retracted] = rig.outputs.alerts;
    expect(retracted).toMatchObject({
      id: raised.id,
      status: "retracted",
      revision: 2,
      figures: { purchases: 2 },
    });
    const rows = rig.outputs
      .table("gold.flash_sale_alerts")
      .map(({ alert_id, status, revision }) => [alert_id, status, revision]);
    expect(rows).toEqual([
      [raised.id, "raised", 1],
      [raised.id, "retracted", 2],
    ]);
  });

  it("rank equal scores by product id and show the newest window in the hot store", () => {
    const rig = createRig();
    for (const productId of ["b", "a", "c", "c"]) rig.event(1000, { productId });
    rig.event(2000, {
      eventType: "purchase",
      productId: "b",
      categoryId: null,
      currency: null,
      priceMinor: 7,
    });
    rig.event(70_000, { userId: "clock", eventType: "click" });
    const outputs = new CollectedHot();
    rig.insights.flushHot(outputs);
    const values = outputs.values();
    const hot = (key: string): unknown => JSON.parse(values.get(key) ?? "null");
    expect(hot("popular-products/all")).toMatchObject({
      windowEnd: BASE + MINUTE,
      items: [
        { rank: 1, productId: "b", score: 21 },
        { rank: 2, productId: "c", score: 2 },
        { rank: 3, productId: "a", score: 1 },
      ],
    });
  });
});
