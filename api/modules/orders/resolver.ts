import { Arg, Args, Query, Resolver } from "type-graphql";
import type { Page } from "../common/types.ts";
import type { OrdersService } from "./service.ts";
import { Order, OrderConnection, OrdersArgs } from "./type.ts";

@Resolver()
export class OrdersResolver {
  private readonly service: OrdersService;

  constructor(service: OrdersService) {
    this.service = service;
  }

  @Query(() => OrderConnection, { description: "Orders as they stand, newest first." })
  orders(@Args(() => OrdersArgs) args: OrdersArgs): Promise<Page<Order>> {
    return this.service.list(args.filter ?? {}, args);
  }

  @Query(() => Order, { nullable: true, description: "Null for an order that was never placed." })
  order(
    @Arg("id", () => String) id: string,
    @Arg("asOf", () => String, {
      nullable: true,
      description: "Lake snapshot to read instead of the newest.",
    })
    asOf?: string | null,
  ): Promise<Order | null> {
    return this.service.byId(id, asOf);
  }
}
