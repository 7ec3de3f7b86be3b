import { Arg, Args, Query, Resolver } from "type-graphql";
import type { Page } from "../common/types.ts";
import type { FraudService } from "./service.ts";
import { FraudScore, FraudScoreConnection, FraudScoresArgs } from "./type.ts";

@Resolver()
export class FraudResolver {
  private readonly service: FraudService;

  constructor(service: FraudService) {
    this.service = service;
  }

  @Query(() => FraudScore, { nullable: true, description: "The score of an order, live or from the lake." })
  fraudScore(@Arg("orderId", () => String) orderId: string): Promise<FraudScore | null> {
    return this.service.ofOrder(orderId);
  }

  @Query(() => FraudScoreConnection, { description: "Scores of orders in the lake, newest first." })
  fraudScores(@Args(() => FraudScoresArgs) args: FraudScoresArgs): Promise<Page<FraudScore>> {
    return this.service.list(args.filter ?? {}, args);
  }
}
