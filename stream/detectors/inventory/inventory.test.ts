import { describe, expect, it } from "vitest";
import type { DemandOutlook } from "../../../ml/index.ts";
import { inventoryUpdateContract, tableName } from "../../../schema/index.ts";
import { finalRevisions, type OutputRow, seededRandom } from "../../operators/testing/drive.ts";
import type { PlainRow } from "../../operators/testing/make-batch.ts";
import { runDetector } from "../testing/run-detector.ts";
import { topicOracle } from "../testing/topic-oracle.ts";
import { expectStock } from "./expected-stock.ts";
import { type InventoryRecord, inventory } from "./index.ts";

const START = Date.UTC(2026, 0, 5, 8);
const SETTINGS = { inventoryLowUnits: 100, inventoryDemandMs: 3_600_000, inventoryCoverMs: 7_200_000 };
const topic = "inventory-updates";

function update(changes: PlainRow): PlainRow {
  return {
    eventId: "e",
    productId: "p",
    updateTime: START,
    warehouseId: "w",
    kind: "delta",
    quantity: -1,
    ...changes,
  };
}

/** Sales, deliveries and counts over three hours, in disorder, some late, too late or repeated. */
function randomUpdates(seed: number, count: number): PlainRow[] {
  const random = seededRandom(seed);
  const rows: PlainRow[] = [];
  let clock = START;
  for (let i = 0; i < count; i++) {
    clock += (10_800_000 / count) * 2 * random();
    if (rows.length > 0 && random() < 0.03) {
      rows.push(rows[Math.max(0, rows.length - 1 - Math.floor(random() * 30))]);
      continue;
    }
    const kind = random();
    const isSnapshot = random() < 0.1;
    const isDelivery = random() < 0.15;
    rows.push({
      eventId: `e-${seed}-${i}`,
      productId: `p-${Math.floor(random() ** 2 * 6)}`,
      warehouseId: `w-${Math.floor(random() * 2)}`,
      // To the second: updates of one time are common.
      updateTime:
        Math.floor((clock - random() * (kind < 0.7 ? 2000 : kind < 0.97 ? 62_000 : 300_000)) / 1000) * 1000,
      kind: isSnapshot ? "snapshot" : "delta",
      quantity: isSnapshot ? Math.floor(random() * 200) : isDelivery ? 60 : -Math.ceil(random() * 20),
      reorderPoint: random() < 0.9 ? null : Math.floor(random() * 150),
    });
  }
  return rows;
}

function held(rows: readonly OutputRow[], key: readonly string[]): OutputRow[] {
  const newest = finalRevisions(rows, key).filter(({ status }) => status !== "retracted");
  return sorted(
    newest.map(({ revision: _, ...row }) => row),
    key,
  );
}

function sorted(rows: readonly OutputRow[], key: readonly string[]): OutputRow[] {
  const idOf = (row: OutputRow) => key.map((name) => row[name]).join("|");
  return [...rows].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

function run(rows: readonly PlainRow[], settings: Partial<typeof SETTINGS> = {}) {
  const { alerts, hot } = runDetector(inventory, {
    settings: { ...SETTINGS, ...settings },
    tasks: [rows.map((row) => ({ topic, row }))],
  });
  const record = JSON.parse(hot.get("inventory/p") ?? "null") as InventoryRecord | null;
  return { record, alerts: alerts.map(({ id, revision, status }) => `${id}#${revision} ${status}`) };
}

describe("what is expected of a stock", () => {
  const DAY = 86_400_000;
  const config = { inventoryLowUnits: 10, inventoryCoverMs: 4 * DAY };
  const state = {
    ...{ productId: "p", warehouseId: "w", time: START, stock: 8, reorderPoint: -1, level: 1 },
    demand: { units: 4, ms: DAY },
  };
  const outlook = (startMs: number): DemandOutlook => ({
    version: "1",
    of: ({ productId }) =>
      productId === "p"
        ? {
            ...{ startMs, stepMs: DAY },
            mean: new Float64Array(7).fill(16),
            lower80: new Float64Array(7).fill(16),
            upper80: new Float64Array(7).fill(16),
          }
        : null,
  });

  it("follows from the forecast for the product in its warehouse", () => {
    // Sixteen units a day and eight left: gone in half a day; four days ask for 64.
    expect(expectStock(config, state, outlook(START - DAY / 2))).toEqual({
      ...{ runoutTime: START + DAY / 2, runoutSource: "forecast", reorderQuantity: 56 },
    });
    expect(expectStock(config, { ...state, stock: 12, level: 0 }, outlook(START)).reorderQuantity).toBe(0);
  });

  it("follows from the moving rate where nothing was forecast, or what was is not of that time", () => {
    const moving = { runoutTime: START + 2 * DAY, runoutSource: "moving-rate", reorderQuantity: 12 };
    expect(expectStock(config, state, null)).toEqual(moving);
    expect(expectStock(config, { ...state, productId: "q" }, outlook(START))).toEqual(moving);
    for (const start of [START + 1, START - 7 * DAY])
      expect(expectStock(config, state, outlook(start))).toEqual(moving);
  });
});

describe("inventory", () => {
  it.each([1, 2, 3])(
    "knows every stock and level as SQL does, whatever the disorder (seed %i)",
    async (seed) => {
      const updates = randomUpdates(seed, 900);
      const tasks = [updates.map((row) => ({ topic, row }))];
      const random = seededRandom(seed);
      const straight = runDetector(inventory, { settings: SETTINGS, tasks });
      const cut = runDetector(inventory, {
        settings: SETTINGS,
        tasks,
        chance: { random, restores: 20 },
      });
      const expected = await topicOracle(inventory, inventoryUpdateContract, [updates], SETTINGS);
      for (const table of inventory.tables) {
        const name = tableName(table);
        const rows = cut.rows.get(name) ?? [];
        expect(held(rows, table.key)).toEqual(sorted(expected.get(name) ?? [], table.key));
        expect(rows).toEqual(straight.rows.get(name));
        expect(rows.some(({ revision }) => Number(revision) > 1)).toBe(true);
      }
      expect(cut.alerts).toEqual(straight.alerts);
      const alerts = expected.get("gold.inventory_alerts") ?? [];
      for (const kind of Object.keys(inventory.alerts)) {
        expect(alerts.filter((row) => row.kind === kind).length).toBeGreaterThan(3);
      }
      expect(alerts.filter(({ runout_time }) => runout_time !== null).length).toBeGreaterThan(10);
    },
  );

  it("alerts when a stock crosses, not again while it stays there", () => {
    const at = (minute: number, quantity: number) =>
      update({ eventId: `e${minute}`, updateTime: START + minute * 60_000, quantity });
    const { alerts } = run([
      update({ kind: "snapshot", quantity: 120 }),
      at(1, -21),
      at(2, -1),
      at(3, -98),
      at(4, 50),
      at(5, 100),
    ]);
    const minute = (m: number) => START + m * 60_000;
    expect(alerts).toEqual([
      `low-stock:p:w:${minute(1)}#1 raised`,
      `stock-out:p:w:${minute(3)}#1 raised`,
      `low-stock:p:w:${minute(4)}#1 raised`,
      `stock-recovery:p:w:${minute(5)}#1 raised`,
    ]);
  });

  it("takes an alert back when a late delivery shows that the stock was never low", () => {
    const { alerts, record } = run([
      update({ kind: "snapshot", quantity: 110 }),
      update({ eventId: "sale", updateTime: START + 10_000, quantity: -20 }),
      update({ eventId: "late", updateTime: START + 5000, quantity: 500 }),
    ]);
    expect(alerts).toEqual([
      `low-stock:p:w:${START + 10_000}#1 raised`,
      `low-stock:p:w:${START + 10_000}#2 retracted`,
    ]);
    expect(record?.warehouses).toMatchObject([
      { warehouseId: "w", stock: 590, level: "ok", reorderQuantity: 0 },
    ]);
  });

  it("proposes an order that lasts, and says when the stock runs out at the demand so far", () => {
    const step = SETTINGS.inventoryDemandMs / 48;
    const { record } = run([
      update({ kind: "snapshot", quantity: 1000 }),
      update({ eventId: "a", updateTime: START + 1, quantity: -450 }),
      update({ eventId: "b", updateTime: START + 2 * step, quantity: -500, reorderPoint: 60 }),
    ]);
    // 450 units in two steps: 50 more last 2 × step × 50 / 450; the cover of two hours takes 450 × 7200 / 150.
    const [stock] = record?.warehouses ?? [];
    expect(stock).toMatchObject({
      stock: 50,
      level: "low",
      reorderPoint: 60,
      demandUnits: 450,
      demandMs: 2 * step,
    });
    expect(stock.runoutTime).toBe(START + 2 * step + Math.floor((2 * step * 50) / 450));
    expect(stock.reorderQuantity).toBe(450 * 48 - 50);
  });
});
