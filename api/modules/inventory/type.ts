import { ArgsType, Field, Int, ObjectType, registerEnumType } from "type-graphql";
import { AlertStatus } from "../alerts/type.ts";
import { DateTime, Long } from "../common/scalars.ts";
import {
  connectionOf,
  Freshness,
  PAGE_ROWS_DEFAULT,
  PAGE_ROWS_MAX,
  TimeRangePageArgs,
} from "../common/types.ts";

export const StockLevel = { OK: "ok", LOW: "low", OUT: "out" } as const;
export type StockLevel = (typeof StockLevel)[keyof typeof StockLevel];
export const RunoutSource = { FORECAST: "forecast", MOVING_RATE: "moving-rate" } as const;
export type RunoutSource = (typeof RunoutSource)[keyof typeof RunoutSource];
export const InventoryAlertKind = {
  LOW_STOCK: "low-stock",
  STOCK_OUT: "stock-out",
  STOCK_RECOVERY: "stock-recovery",
} as const;
export type InventoryAlertKind = (typeof InventoryAlertKind)[keyof typeof InventoryAlertKind];

registerEnumType(StockLevel, {
  name: "StockLevel",
  description: "Whether a stock is enough.",
  valuesConfig: { LOW: { description: "Below the threshold, or at the reorder point." } },
});
registerEnumType(RunoutSource, {
  name: "RunoutSource",
  description: "What a run-out is foreseen by.",
  valuesConfig: {
    FORECAST: { description: "The product's demand forecast." },
    MOVING_RATE: { description: "What was taken in the last day, or as configured." },
  },
});
registerEnumType(InventoryAlertKind, {
  name: "InventoryAlertKind",
  description: "The level that a stock changed to.",
});

@ObjectType({ description: "Stock of a product in a warehouse.", simpleResolvers: true })
export class WarehouseInventory {
  @Field(() => String)
  warehouseId!: string;

  @Field(() => Long, { description: "Units." })
  stock!: number | bigint;

  @Field(() => StockLevel)
  level!: StockLevel;

  @Field(() => Int, { nullable: true, description: "Units at which it should be ordered anew, where known." })
  reorderPoint!: number | null;

  @Field(() => DateTime, { description: "The newest update, event time." })
  updateTime!: number;

  @Field(() => DateTime, {
    nullable: true,
    description: "When nothing is left; null where that is not in sight.",
  })
  runoutTime!: number | null;

  @Field(() => RunoutSource)
  runoutSource!: RunoutSource;

  @Field(() => Long, { description: "Proposed units to order; 0 while the level is OK." })
  reorderQuantity!: number | bigint;
}

@ObjectType({ description: "Stock of a product.", simpleResolvers: true })
export class ProductInventory {
  @Field(() => String)
  productId!: string;

  @Field(() => Long, { description: "Units in all warehouses." })
  stock!: number | bigint;

  @Field(() => [WarehouseInventory], { description: "By id." })
  warehouses!: readonly WarehouseInventory[];

  @Field(() => Freshness)
  freshness!: Freshness;
}

@ObjectType({ description: "A change of the level of a stock.", simpleResolvers: true })
export class InventoryAlert {
  @Field(() => String)
  id!: string;

  @Field(() => InventoryAlertKind)
  kind!: InventoryAlertKind;

  @Field(() => String)
  productId!: string;

  @Field(() => String)
  warehouseId!: string;

  @Field(() => DateTime, { description: "When the level changed." })
  updateTime!: number;

  @Field(() => Long, { description: "Units after it." })
  stock!: number | bigint;

  @Field(() => Int, { nullable: true })
  reorderPoint!: number | null;

  @Field(() => DateTime, { nullable: true, description: "When nothing is left, at the demand until then." })
  runoutTime!: number | null;

  @Field(() => Long, { description: "Proposed units to order." })
  reorderQuantity!: number | bigint;

  @Field(() => AlertStatus)
  status!: AlertStatus;

  @Field(() => Int)
  revision!: number;
}

export const InventoryAlertConnection = connectionOf(InventoryAlert, "InventoryAlert");

@ArgsType()
export class InventoryAlertsArgs extends TimeRangePageArgs {
  @Field(() => String, { nullable: true })
  productId?: string | null;

  @Field(() => [InventoryAlertKind], { nullable: true })
  kinds?: InventoryAlertKind[] | null;

  @Field(() => Boolean, { defaultValue: false, description: "Also those that no longer hold." })
  includeRetracted!: boolean;
}

@ObjectType({ description: "Stocks that are low or empty.", simpleResolvers: true })
export class LowStock {
  @Field(() => [InventoryAlert], {
    description:
      "The alert that made each stock low or empty, the emptiest first; those that recovered are not in it.",
  })
  items!: readonly InventoryAlert[];

  @Field(() => Freshness)
  freshness!: Freshness;
}

@ArgsType()
export class LowStockArgs {
  @Field(() => Int, { defaultValue: PAGE_ROWS_DEFAULT, description: `Items, 1 to ${PAGE_ROWS_MAX}.` })
  first!: number;

  @Field(() => String, { nullable: true })
  warehouseId?: string | null;

  @Field(() => String, { nullable: true, description: "Lake snapshot to read instead of the newest." })
  asOf?: string | null;
}
