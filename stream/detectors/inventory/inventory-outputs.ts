import type { DemandOutlook } from "../../../ml/index.ts";
import type { KeyDictionary } from "../../../schema/index.ts";
import type { Alert } from "../../ports/alert-bus.ts";
import type { OperatorOutputs } from "../../runtime/operator.ts";
import { expectStock } from "./expected-stock.ts";
import { goldInventoryAlerts, silverInventory } from "./inventory-tables.ts";
import { ALERT_KINDS, LEVELS, Level, type LevelConfig, NO_REORDER_POINT } from "./stock-levels.ts";

/** An update in its place, with what it left. */
export interface StockUpdate {
  readonly product: number;
  readonly warehouseId: string;
  readonly time: number;
  readonly partition: number;
  readonly offset: number;
  readonly isSnapshot: boolean;
  readonly quantity: number;
  readonly ordinal: number;
  readonly stock: number;
  readonly reorderPoint: number;
  readonly level: number;
  readonly demand: { readonly units: number; readonly ms: number };
}

const SEVERITIES: readonly Alert["severity"][] = ["low", "medium", "high"];

export interface InventoryOutputDeps {
  readonly outputs: OperatorOutputs;
  readonly productIds: KeyDictionary;
  /** The demand that is expected at this moment; null before the first forecast. */
  readonly outlook: () => DemandOutlook | null;
}

/** Writes rows of silver.inventory and gold.inventory_alerts, and the alerts. */
export function createInventoryOutputs(
  config: LevelConfig,
  { outputs, productIds, outlook }: InventoryOutputDeps,
) {
  const stockRows = outputs.openRows(silverInventory, { product_id: productIds });
  const stock = {
    product: stockRows.key("product_id"),
    warehouse: stockRows.text("warehouse_id"),
    time: stockRows.float64("update_time"),
    kind: stockRows.text("kind"),
    quantity: stockRows.int32("quantity"),
    stock: stockRows.float64("stock"),
    reorderPoint: stockRows.int32("reorder_point"),
    level: stockRows.text("level"),
    partition: stockRows.int32("_partition"),
    offset: stockRows.float64("_offset"),
    revision: stockRows.int32("revision"),
  };
  const alertRows = outputs.openRows(goldInventoryAlerts, { product_id: productIds });
  const alert = {
    id: alertRows.text("alert_id"),
    kind: alertRows.text("kind"),
    product: alertRows.key("product_id"),
    warehouse: alertRows.text("warehouse_id"),
    time: alertRows.float64("update_time"),
    stock: alertRows.float64("stock"),
    threshold: alertRows.int32("threshold"),
    reorderPoint: alertRows.int32("reorder_point"),
    demandUnits: alertRows.float64("demand_units"),
    demandMs: alertRows.float64("demand_ms"),
    runout: alertRows.float64("runout_time"),
    reorder: alertRows.float64("reorder_quantity"),
    status: alertRows.text("status"),
    revision: alertRows.int32("revision"),
  };

  function setOptional(
    column: { readonly values: Int32Array | Float64Array; readonly valid: Uint8Array | null },
    row: number,
    value: number | null,
  ): void {
    column.values[row] = value ?? 0;
    if (column.valid !== null) column.valid[row] = value === null ? 0 : 1;
  }

  function writeStock(update: StockUpdate, revision: number): void {
    const row = stockRows.next();
    stock.product.ids[row] = update.product;
    stockRows.setText(stock.warehouse, row, update.warehouseId);
    stock.time.values[row] = update.time;
    stockRows.setText(stock.kind, row, update.isSnapshot ? "snapshot" : "delta");
    stock.quantity.values[row] = update.quantity;
    stock.stock.values[row] = update.stock;
    setOptional(
      stock.reorderPoint,
      row,
      update.reorderPoint === NO_REORDER_POINT ? null : update.reorderPoint,
    );
    stockRows.setText(stock.level, row, LEVELS[update.level]);
    stock.partition.values[row] = update.partition;
    stock.offset.values[row] = update.offset;
    stock.revision.values[row] = revision;
  }

  /** An alert that the update changed the level to this one; or, retracted, that it did not. */
  function writeAlert(
    update: StockUpdate,
    {
      level,
      status,
      revision,
    }: { readonly level: number; readonly status: Alert["status"]; readonly revision: number },
  ): void {
    const kind = ALERT_KINDS[level];
    const productId = productIds.text(update.product);
    const repeat = update.ordinal === 0 ? "" : `.${update.ordinal}`;
    const id = `${kind}:${productId}:${update.warehouseId}:${update.time}${repeat}`;
    const expected = expectStock(config, { ...update, productId, level }, outlook());
    const runout = level === Level.ok ? null : expected.runoutTime;
    const reorder = expected.reorderQuantity;
    const row = alertRows.next();
    alertRows.setText(alert.id, row, id);
    alertRows.setText(alert.kind, row, kind);
    alert.product.ids[row] = update.product;
    alertRows.setText(alert.warehouse, row, update.warehouseId);
    alert.time.values[row] = update.time;
    alert.stock.values[row] = update.stock;
    alert.threshold.values[row] = config.inventoryLowUnits;
    setOptional(
      alert.reorderPoint,
      row,
      update.reorderPoint === NO_REORDER_POINT ? null : update.reorderPoint,
    );
    alert.demandUnits.values[row] = update.demand.units;
    alert.demandMs.values[row] = update.demand.ms;
    setOptional(alert.runout, row, runout);
    alert.reorder.values[row] = reorder;
    alertRows.setText(alert.status, row, status);
    alert.revision.values[row] = revision;
    outputs.emitAlert({
      id,
      revision,
      status,
      kind,
      severity: SEVERITIES[level],
      title: `Product ${productId} in ${update.warehouseId}: ${update.stock} units${reorder > 0 ? `, order ${reorder}` : ""}`,
      userId: null,
      productId,
      orderId: null,
      eventTime: update.time,
      windowStart: null,
      windowEnd: null,
      figures: {
        stock: update.stock,
        warehouseId: update.warehouseId,
        threshold: config.inventoryLowUnits,
        reorderQuantity: reorder,
        demandUnits: update.demand.units,
        demandMs: update.demand.ms,
        ...(runout !== null && { runoutTime: runout, runoutSource: expected.runoutSource }),
        ...(update.reorderPoint !== NO_REORDER_POINT && { reorderPoint: update.reorderPoint }),
      },
    });
  }

  return { writeStock, writeAlert };
}
