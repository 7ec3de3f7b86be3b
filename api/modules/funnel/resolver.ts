import { Args, Query, Resolver } from "type-graphql";
import type { FunnelService } from "./service.ts";
import { Funnel, FunnelArgs, LatestFunnelArgs } from "./type.ts";

@Resolver()
export class FunnelResolver {
  private readonly service: FunnelService;

  constructor(service: FunnelService) {
    this.service = service;
  }

  @Query(() => Funnel, {
    description: "View, cart, checkout, purchase: how many journeys came how far, from the lake.",
  })
  funnel(@Args(() => FunnelArgs) args: FunnelArgs): Promise<Funnel> {
    return this.service.daily(args);
  }

  @Query(() => Funnel, {
    nullable: true,
    description: "The funnel of the newest day so far, live; null before the first view.",
  })
  latestFunnel(@Args(() => LatestFunnelArgs) { basis }: LatestFunnelArgs): Promise<Funnel | null> {
    return this.service.latest(basis);
  }
}
