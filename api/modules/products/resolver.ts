import { Arg, Args, Ctx, FieldResolver, Query, Resolver, Root } from "type-graphql";
import type { ApiContext } from "../common/context.ts";
import { type Page, TimeRangePageArgs } from "../common/types.ts";
import type { PopularProductsService } from "./popular-service.ts";
import type { ProductsService } from "./service.ts";
import {
  PopularProduct,
  PopularProducts,
  PopularProductsArgs,
  Product,
  type ProductActivity,
  ProductActivityConnection,
  ProductConnection,
  ProductsArgs,
} from "./type.ts";

@Resolver(() => Product)
export class ProductsResolver {
  private readonly service: ProductsService;

  constructor(service: ProductsService) {
    this.service = service;
  }

  @Query(() => ProductConnection, { description: "Products that events named, by id." })
  products(@Args(() => ProductsArgs) args: ProductsArgs): Promise<Page<Product>> {
    return this.service.list(args.filter ?? {}, args);
  }

  @Query(() => Product, { nullable: true, description: "Null for a product never seen." })
  product(@Arg("id", () => String) id: string, @Ctx() context: ApiContext): Promise<Product | null> {
    return context.products.load(id);
  }

  @FieldResolver(() => ProductActivityConnection, { description: "Activity per minute, newest first." })
  activity(
    @Root() product: Product,
    @Args(() => TimeRangePageArgs) args: TimeRangePageArgs,
    @Ctx() context: ApiContext,
  ): Promise<Page<ProductActivity>> {
    return context.productActivity.load(product.id, args);
  }
}

@Resolver(() => PopularProduct)
export class PopularProductsResolver {
  private readonly service: PopularProductsService;

  constructor(service: PopularProductsService) {
    this.service = service;
  }

  @Query(() => PopularProducts, { description: "The most popular products now, live where possible." })
  popularProducts(@Args(() => PopularProductsArgs) args: PopularProductsArgs): Promise<PopularProducts> {
    return this.service.popular(args);
  }

  @FieldResolver(() => Product, { nullable: true })
  product(@Root() item: PopularProduct, @Ctx() context: ApiContext): Promise<Product | null> {
    return context.products.load(item.productId);
  }
}
