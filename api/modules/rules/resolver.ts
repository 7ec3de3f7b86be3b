import { Args, Authorized, Ctx, Mutation, Query, Resolver } from "type-graphql";
import type { Caller } from "../common/caller.ts";
import type { ApiContext } from "../common/context.ts";
import type { RulesService } from "./service.ts";
import { AcceptedRuleChange, DisableRuleArgs, OrderRule, OrderRuleChange, SetRuleArgs } from "./type.ts";

@Resolver()
export class RulesResolver {
  private readonly service: RulesService;

  constructor(service: RulesService) {
    this.service = service;
  }

  @Query(() => [OrderRule], { description: "The rules that judge orders." })
  orderRules(): Promise<OrderRule[]> {
    return this.service.newest();
  }

  @Query(() => [OrderRuleChange], { description: "Who changed which rule when, oldest first." })
  orderRuleChanges(): Promise<OrderRuleChange[]> {
    return this.service.changes();
  }

  @Authorized("operator")
  @Mutation(() => AcceptedRuleChange, {
    description: "Changes or adds a rule that judges orders. Takes the role operator.",
  })
  setRule(
    @Args(() => SetRuleArgs) { rule, ...args }: SetRuleArgs,
    @Ctx() { caller }: ApiContext,
  ): Promise<AcceptedRuleChange> {
    return this.service.set(rule, args, caller as Caller);
  }

  @Authorized("operator")
  @Mutation(() => AcceptedRuleChange, {
    description: "Switches a rule that judges orders off. Takes the role operator.",
  })
  disableRule(
    @Args(() => DisableRuleArgs) { id, ...args }: DisableRuleArgs,
    @Ctx() { caller }: ApiContext,
  ): Promise<AcceptedRuleChange> {
    return this.service.disable(id, args, caller as Caller);
  }
}
