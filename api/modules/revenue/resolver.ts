import { Args, Query, Resolver } from "type-graphql";
import type { RevenueService } from "./service.ts";
import { RevenueArgs, RevenueByCategory } from "./type.ts";

@Resolver()
export class RevenueResolver {
  private readonly service: RevenueService;

  constructor(service: RevenueService) {
    this.service = service;
  }

  @Query(() => RevenueByCategory, { description: "Revenue of purchases by category, from the lake." })
  revenueByCategory(@Args(() => RevenueArgs) args: RevenueArgs): Promise<RevenueByCategory> {
    return this.service.byCategory(args);
  }

  @Query(() => RevenueByCategory, {
    nullable: true,
    description: "Revenue of the newest closed window, live; null before the first.",
  })
  latestRevenueByCategory(): Promise<RevenueByCategory | null> {
    return this.service.latest();
  }
}
