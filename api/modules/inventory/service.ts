import { forecastFrom, runoutDate } from "../../../ml/index.ts";
import {
  type DemandForecastRecord,
  goldInventoryAlerts,
  HotNamespace,
  type HotStore,
  INVENTORY_RECORD,
  type InventoryRecord,
  type WarehouseStock,
} from "../../../stream/index.ts";
import { readHot } from "../common/hot-reader.ts";
import { checkedFirst, type LakeReader } from "../common/lake-reader.ts";
import { long, number, type Row, text, time } from "../common/row.ts";
import { Conditions, newestRevisions } from "../common/sql.ts";
import type { Page } from "../common/types.ts";
import type {
  InventoryAlert,
  InventoryAlertKind,
  InventoryAlertsArgs,
  LowStock,
  LowStockArgs,
  ProductInventory,
  WarehouseInventory,
} from "./type.ts";

export class InventoryService {
  private readonly lake: LakeReader;
  private readonly hotStore: HotStore;

  constructor(lake: LakeReader, hotStore: HotStore) {
    this.lake = lake;
    this.hotStore = hotStore;
  }

  /** The stock of the stream; run-out by the product's forecast where there is one. */
  async ofProduct(productId: string): Promise<ProductInventory | null> {
    const [record, forecast] = await Promise.all([
      readHot<InventoryRecord>(this.hotStore, INVENTORY_RECORD, productId),
      readHot<DemandForecastRecord>(this.hotStore, HotNamespace.demandForecasts, productId),
    ]);
    if (record === null) return null;
    return {
      productId,
      stock: record.warehouses.reduce((sum, { stock }) => sum + stock, 0),
      warehouses: record.warehouses.map((stock) => withRunout(stock, forecast)),
      freshness: { watermark: this.lake.watermark(), snapshotId: null, committedAt: null },
    };
  }

  /** Stocks whose newest alert that holds is no recovery. */
  async low({ first, warehouseId, asOf }: LowStockArgs): Promise<LowStock> {
    const limit = checkedFirst(first);
    const conditions = new Conditions().compare("warehouse_id", "=", warehouseId);
    const pinned = await this.lake.pin(goldInventoryAlerts, asOf);
    const columns = goldInventoryAlerts.columns.map(({ name }) => name).join(", ");
    const sql =
      `select ${columns} from (select ${columns}, row_number() over (partition by product_id, warehouse_id ` +
      `order by update_time desc, alert_id desc) as age from (${newestRevisions(goldInventoryAlerts, conditions)}) as newest ` +
      "where status = 'raised') as holding where age = 1 and kind <> 'stock-recovery' " +
      `order by stock, product_id, warehouse_id limit ${limit}`;
    const rows = await this.lake.rows(pinned, sql, conditions);
    return { items: rows.map(toAlert), freshness: pinned.freshness };
  }

  alerts(args: InventoryAlertsArgs): Promise<Page<InventoryAlert>> {
    const query = {
      connection: "inventoryAlerts",
      table: goldInventoryAlerts,
      page: args,
      keyset: [
        { column: "update_time", type: "time" },
        { column: "alert_id", type: "text" },
      ],
      order: "desc",
      conditions: new Conditions()
        .compare("product_id", "=", args.productId)
        .oneOf("kind", args.kinds)
        .within("update_time", args.from, args.to),
      toNode: toAlert,
    } as const;
    return this.lake.page(args.includeRetracted ? query : { ...query, holding: "status <> 'retracted'" });
  }
}

function withRunout(stock: WarehouseStock, forecast: DemandForecastRecord | null): WarehouseInventory {
  const daily = forecast?.warehouses.find((place) => place.warehouseId === stock.warehouseId)?.daily;
  const { warehouseId, level, reorderPoint, updateTime, reorderQuantity } = stock;
  const known = { warehouseId, stock: stock.stock, level, reorderPoint, updateTime, reorderQuantity };
  if (daily === undefined || daily === null) {
    return { ...known, runoutTime: stock.runoutTime, runoutSource: "moving-rate" };
  }
  const { startMs, stepMs } = daily;
  const [mean, lower80, upper80] = [daily.mean, daily.lower80, daily.upper80].map((units) =>
    Float64Array.from(units),
  );
  const made = { startMs, stepMs, mean, lower80, upper80 };
  // A count of before the forecast is held against all of it.
  const { expectedMs } = runoutDate(stock.stock, forecastFrom(made, updateTime) ?? made);
  return { ...known, runoutTime: expectedMs, runoutSource: "forecast" };
}

function toAlert(row: Row): InventoryAlert {
  return {
    id: text(row, "alert_id"),
    kind: text(row, "kind") as InventoryAlertKind,
    productId: text(row, "product_id"),
    warehouseId: text(row, "warehouse_id"),
    updateTime: time(row, "update_time"),
    stock: long(row, "stock"),
    reorderPoint: row.reorder_point === null ? null : number(row, "reorder_point"),
    runoutTime: row.runout_time === null ? null : time(row, "runout_time"),
    reorderQuantity: long(row, "reorder_quantity"),
    status: text(row, "status") as InventoryAlert["status"],
    revision: number(row, "revision"),
  };
}
