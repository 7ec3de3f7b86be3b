import { Args, Ctx, FieldResolver, Query, Resolver, Root } from "type-graphql";
import type { ApiContext } from "../common/context.ts";
import type { Page } from "../common/types.ts";
import { Product } from "../products/type.ts";
import type { RecommendationsService } from "./service.ts";
import {
  type KeptRecommendation,
  KeptRecommendationConnection,
  KeptRecommendationsArgs,
  RecommendationList,
  RecommendationsArgs,
  RecommendedProduct,
  SimilarProductsArgs,
} from "./type.ts";

@Resolver(() => RecommendedProduct)
export class RecommendationsResolver {
  private readonly service: RecommendationsService;

  constructor(service: RecommendationsService) {
    this.service = service;
  }

  @Query(() => RecommendationList, { description: "Products to show a user now." })
  recommendations(@Args(() => RecommendationsArgs) args: RecommendationsArgs): Promise<RecommendationList> {
    return this.service.forUser(args.userId, args.limit);
  }

  @Query(() => RecommendationList, { description: "Products that visits see together with one." })
  similarProducts(@Args(() => SimilarProductsArgs) args: SimilarProductsArgs): Promise<RecommendationList> {
    return this.service.similarTo(args.productId, args.limit);
  }

  @Query(() => KeptRecommendationConnection, {
    description: "Lists as they were when a visit ended, of a sample of the visits; newest first.",
  })
  keptRecommendations(
    @Args(() => KeptRecommendationsArgs) args: KeptRecommendationsArgs,
  ): Promise<Page<KeptRecommendation>> {
    return this.service.kept(args.filter ?? {}, args);
  }

  @FieldResolver(() => Product, { nullable: true })
  product(@Root() item: RecommendedProduct, @Ctx() context: ApiContext): Promise<Product | null> {
    return context.products.load(item.productId);
  }
}
