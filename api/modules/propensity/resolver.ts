import { Args, Query, Resolver } from "type-graphql";
import type { Page } from "../common/types.ts";
import type { PropensityService } from "./service.ts";
import { type PropensityScore, PropensityScoreConnection, PropensityScoresArgs } from "./type.ts";

@Resolver()
export class PropensityResolver {
  private readonly service: PropensityService;

  constructor(service: PropensityService) {
    this.service = service;
  }

  @Query(() => PropensityScoreConnection, { description: "Scores kept in the lake, newest first." })
  propensityScores(
    @Args(() => PropensityScoresArgs) args: PropensityScoresArgs,
  ): Promise<Page<PropensityScore>> {
    return this.service.list(args.filter ?? {}, args);
  }
}
