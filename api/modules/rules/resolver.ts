import { Query, Resolver } from "type-graphql";
import type { RulesService } from "./service.ts";
import { OrderRule, OrderRuleChange } from "./type.ts";

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
}
