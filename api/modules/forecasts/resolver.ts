import { Args, Ctx, FieldResolver, Query, Resolver, Root } from "type-graphql";
import type { ApiContext } from "../common/context.ts";
import { Product } from "../products/type.ts";
import type { ForecastsService } from "./service.ts";
import {
  DemandForecast,
  DemandForecastArgs,
  ReorderArgs,
  RunoutArgs,
  StockReorder,
  StockRunout,
} from "./type.ts";

@Resolver(() => DemandForecast)
export class ForecastsResolver {
  private readonly service: ForecastsService;

  constructor(service: ForecastsService) {
    this.service = service;
  }

  @Query(() => DemandForecast, {
    nullable: true,
    description: "Expected demand of a product; null where none was forecast.",
  })
  demandForecast(@Args(() => DemandForecastArgs) args: DemandForecastArgs): Promise<DemandForecast | null> {
    return this.service.forecast(args);
  }

  @FieldResolver(() => Product, { nullable: true })
  product(@Root() forecast: DemandForecast, @Ctx() context: ApiContext): Promise<Product | null> {
    return context.products.load(forecast.productId);
  }

  @FieldResolver(() => StockRunout, {
    nullable: true,
    description: "When the stock is used up; null where none is known.",
  })
  runout(
    @Root() forecast: DemandForecast,
    @Args(() => RunoutArgs) args: RunoutArgs,
  ): Promise<StockRunout | null> {
    return this.service.runout(forecast, args.stock ?? null);
  }

  @FieldResolver(() => StockReorder, {
    nullable: true,
    description: "What to order now; null where no stock is known.",
  })
  reorder(
    @Root() forecast: DemandForecast,
    @Args(() => ReorderArgs) args: ReorderArgs,
  ): Promise<StockReorder | null> {
    return this.service.reorder(forecast, args);
  }
}
