import { Args, Ctx, Extensions, FieldResolver, Query, Resolver, Root } from "type-graphql";
import type { ApiContext } from "../common/context.ts";
import type { Page } from "../common/types.ts";
import { Product } from "../products/type.ts";
import type { ReportsService } from "./service.ts";
import {
  DailyCategoryConversion,
  DailyReportArgs,
  DailyReportRuns,
  DailyReportRunsArgs,
  type DailySegmentUser,
  DailySegmentUserConnection,
  DailySegmentUsersArgs,
  DailyTopProduct,
  DailyTopProducts,
  DailyUserSegments,
} from "./type.ts";

@Resolver(() => DailyTopProduct)
export class ReportsResolver {
  private readonly service: ReportsService;

  constructor(service: ReportsService) {
    this.service = service;
  }

  @Extensions({ lakeQueries: 2 })
  @Query(() => DailyUserSegments, {
    description: "Buyers, cart abandoners and window shoppers of a day that is over.",
  })
  dailyUserSegments(@Args(() => DailyReportArgs) args: DailyReportArgs): Promise<DailyUserSegments> {
    return this.service.userSegments(args);
  }

  @Query(() => DailySegmentUserConnection, { description: "The users of one segment of a day, by id." })
  dailySegmentUsers(
    @Args(() => DailySegmentUsersArgs) args: DailySegmentUsersArgs,
  ): Promise<Page<DailySegmentUser>> {
    return this.service.segmentUsers(args);
  }

  @Extensions({ lakeQueries: 2 })
  @Query(() => DailyTopProducts, { description: "What sold most on a day that is over." })
  dailyTopProducts(@Args(() => DailyReportArgs) args: DailyReportArgs): Promise<DailyTopProducts> {
    return this.service.topProducts(args);
  }

  @FieldResolver(() => Product, { nullable: true })
  product(@Root() item: DailyTopProduct, @Ctx() context: ApiContext): Promise<Product | null> {
    return context.products.load(item.productId);
  }

  @Extensions({ lakeQueries: 2 })
  @Query(() => DailyCategoryConversion, {
    description: "Which categories of a day that is over turned shoppers into buyers.",
  })
  dailyCategoryConversion(
    @Args(() => DailyReportArgs) args: DailyReportArgs,
  ): Promise<DailyCategoryConversion> {
    return this.service.categoryConversion(args);
  }

  @Extensions({ lakeQueries: 2 })
  @Query(() => DailyReportRuns, { description: "The newest run of every daily report and day." })
  dailyReportRuns(@Args(() => DailyReportRunsArgs) args: DailyReportRunsArgs): Promise<DailyReportRuns> {
    return this.service.runs(args);
  }
}
