import { between, defineTable, oneOf, REVISION } from "../../../schema/index.ts";

export const silverInventory = defineTable({
  namespace: "silver",
  name: "inventory",
  doc: "Stock of a product in a warehouse after each update, in the order of event time.",
  partitionByDayOf: "update_time",
  key: ["_partition", "_offset"],
  columns: [
    ["product_id", "string", "required", "The product."],
    ["warehouse_id", "string", "required", "The warehouse."],
    ["update_time", "timestamptz", "required", "When the stock was counted or changed."],
    ["kind", "string", "required", "snapshot or delta."],
    ["quantity", "int", "required", "Units counted, or added (negative: taken)."],
    ["stock", "long", "required", "Units after it: the newest snapshot, and what was added since."],
    ["reorder_point", "int", "optional", "The newest that an update named."],
    ["level", "string", "required", "ok, low (below the threshold, or at the reorder point) or out."],
    ["_partition", "int", "required", "Log partition of the update."],
    ["_offset", "long", "required", "Log offset of the update."],
    REVISION,
  ],
  checks: [
    oneOf("kind", ["snapshot", "delta"]),
    oneOf("level", ["ok", "low", "out"]),
    {
      name: "nothing-added",
      kind: "reconciliation",
      severity: "error",
      compares: "contained",
      table: "bronze.inventory_updates",
    },
    {
      name: "fresh",
      kind: "freshness",
      severity: "warn",
      table: "bronze.inventory_updates",
      settleMs: 300_000,
    },
  ],
});

export const goldInventoryAlerts = defineTable({
  namespace: "gold",
  name: "inventory_alerts",
  doc: "Changes of the level of a stock: low-stock, stock-out, stock-recovery; with a proposal to reorder.",
  partitionByDayOf: "update_time",
  key: ["alert_id"],
  columns: [
    [
      "alert_id",
      "string",
      "required",
      "Derived from product, warehouse and update: the same in every replay.",
    ],
    ["kind", "string", "required", "low-stock, stock-out or stock-recovery."],
    ["product_id", "string", "required", "The product."],
    ["warehouse_id", "string", "required", "The warehouse."],
    ["update_time", "timestamptz", "required", "When the level changed."],
    ["stock", "long", "required", "Units after the update."],
    ["threshold", "int", "required", "Units below which the stock is low."],
    ["reorder_point", "int", "optional", "Units at which it is low too."],
    ["demand_units", "long", "required", "Units taken in the time that demand is measured over …"],
    ["demand_ms", "long", "required", "… which is so long: whole steps of it, up to the step of the update."],
    [
      "runout_time",
      "timestamptz",
      "optional",
      "When the stock is gone: by the forecast for the product there, or at that demand where there is none.",
    ],
    ["reorder_quantity", "long", "required", "Proposed units to order; 0 where nothing is needed."],
    ["status", "string", "required", "raised, or retracted where a late update took the ground away."],
    REVISION,
  ],
  checks: [
    oneOf("kind", ["low-stock", "stock-out", "stock-recovery"]),
    between("reorder_quantity", 0),
    between("demand_units", 0),
  ],
});
