import { countSetting, msSetting } from "../../../schema/index.ts";
import { openMs } from "../../time/index.ts";
import { defineDetector } from "../detector.ts";
import { DEMAND_STEPS } from "./demand.ts";
import { followStock, INVENTORY } from "./follow-stock.ts";
import { goldInventoryAlerts, silverInventory } from "./inventory-tables.ts";

export { RUNOUT_SOURCES } from "./expected-stock.ts";
export { INVENTORY_RECORD, type InventoryRecord, type WarehouseStock } from "./follow-stock.ts";
export { ALERT_KINDS as INVENTORY_ALERT_KINDS, LEVELS as STOCK_LEVELS } from "./stock-levels.ts";
export { goldInventoryAlerts, silverInventory };

export const inventory = defineDetector({
  name: INVENTORY,
  doc: "Stock by product and warehouse, with low-stock, stock-out and recovery alerts and proposals to reorder.",
  settings: {
    inventoryLowUnits: countSetting(
      "Detectors",
      100,
      [0, 1_000_000_000],
      "Stock below which a product is low in a warehouse; it is low too at the reorder point that its updates name.",
      "units",
    ),
    inventoryDemandMs: msSetting(
      "Detectors",
      86_400_000,
      [3_600_000, 2_592_000_000],
      "Moving time over which demand is measured, in 48 steps.",
    ),
    inventoryCoverMs: msSetting(
      "Detectors",
      1_209_600_000,
      [3_600_000, 31_536_000_000],
      "How long a proposed order should last at the measured demand.",
    ),
  },
  problems({ inventoryDemandMs }, time) {
    const least = openMs(time) * DEMAND_STEPS;
    return inventoryDemandMs > least
      ? []
      : [
          `inventoryDemandMs (${inventoryDemandMs}) must be above ${least}, ${DEMAND_STEPS} times the time for which updates may still come (outOfOrdernessMs + allowedLatenessMs + tickMs)`,
        ];
  },
  keptMs: ({ inventoryDemandMs }) => inventoryDemandMs,
  tables: [silverInventory, goldInventoryAlerts],
  alerts: {
    "low-stock":
      "The stock fell below the threshold or to the reorder point, or is low again after none was left.",
    "stock-out": "Nothing is left.",
    "stock-recovery": "The stock is above the threshold and the reorder point again.",
  },
  create: followStock,
});
