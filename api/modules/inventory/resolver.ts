import { Arg, Args, Query, Resolver } from "type-graphql";
import type { Page } from "../common/types.ts";
import type { InventoryService } from "./service.ts";
import {
  type InventoryAlert,
  InventoryAlertConnection,
  InventoryAlertsArgs,
  LowStock,
  LowStockArgs,
  ProductInventory,
} from "./type.ts";

@Resolver()
export class InventoryResolver {
  private readonly service: InventoryService;

  constructor(service: InventoryService) {
    this.service = service;
  }

  @Query(() => ProductInventory, {
    nullable: true,
    description: "Stock of a product, live; null where no update came lately.",
  })
  inventory(@Arg("productId", () => String) productId: string): Promise<ProductInventory | null> {
    return this.service.ofProduct(productId);
  }

  @Query(() => LowStock, { description: "Stocks that are low or empty, from the lake." })
  lowStock(@Args(() => LowStockArgs) args: LowStockArgs): Promise<LowStock> {
    return this.service.low(args);
  }

  @Query(() => InventoryAlertConnection, { description: "Changes of the level of stocks, newest first." })
  inventoryAlerts(@Args(() => InventoryAlertsArgs) args: InventoryAlertsArgs): Promise<Page<InventoryAlert>> {
    return this.service.alerts(args);
  }
}
