import { Args, Ctx, FieldResolver, Query, Resolver, Root } from "type-graphql";
import type { ApiContext } from "../common/context.ts";
import type { Page } from "../common/types.ts";
import { Product } from "../products/type.ts";
import type { AlertsService } from "./service.ts";
import {
  FlashSaleAlert,
  FlashSaleAlertConnection,
  FlashSaleAlertsArgs,
  type OrderAlert,
  OrderAlertConnection,
  OrderAlertsArgs,
} from "./type.ts";

@Resolver(() => FlashSaleAlert)
export class AlertsResolver {
  private readonly service: AlertsService;

  constructor(service: AlertsService) {
    this.service = service;
  }

  @Query(() => FlashSaleAlertConnection, { description: "Flash-sale candidates, newest window first." })
  flashSaleAlerts(@Args(() => FlashSaleAlertsArgs) args: FlashSaleAlertsArgs): Promise<Page<FlashSaleAlert>> {
    return this.service.flashSales(args);
  }

  @Query(() => OrderAlertConnection, { description: "Orders that a rule found suspicious, newest first." })
  orderAlerts(@Args(() => OrderAlertsArgs) args: OrderAlertsArgs): Promise<Page<OrderAlert>> {
    return this.service.orders(args);
  }

  @FieldResolver(() => Product, { nullable: true })
  product(@Root() alert: FlashSaleAlert, @Ctx() context: ApiContext): Promise<Product | null> {
    return context.products.load(alert.productId);
  }
}
