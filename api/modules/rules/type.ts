import { ArgsType, Field, Int, ObjectType } from "type-graphql";
import { DateTime } from "../common/scalars.ts";

@ObjectType({ description: "A change of a rule that judges orders.", simpleResolvers: true })
export class OrderRuleChange {
  @Field(() => String)
  ruleId!: string;

  @Field(() => Int, { description: "The version that it made, as alerts name it." })
  version!: number;

  @Field(() => DateTime)
  changeTime!: number;

  @Field(() => DateTime, { description: "Order time from which it holds." })
  effectiveTime!: number;

  @Field(() => String)
  changedBy!: string;

  @Field(() => String, { nullable: true })
  reason!: string | null;

  @Field(() => String, { nullable: true, description: "The rule before, as JSON; null: none, or off." })
  from!: string | null;

  @Field(() => String, { nullable: true, description: "The rule since, as JSON; null: off." })
  to!: string | null;
}

@ObjectType({ description: "A rule that judges orders, at its newest version.", simpleResolvers: true })
export class OrderRule {
  @Field(() => String)
  id!: string;

  @Field(() => Int, { description: "1 as shipped; alerts name the version that judged." })
  version!: number;

  @Field(() => String, { nullable: true, description: "As JSON; null: off." })
  rule!: string | null;

  @Field(() => OrderRuleChange, { nullable: true, description: "What made this version; null: as shipped." })
  change!: OrderRuleChange | null;
}

@ObjectType({
  description: "A change that the log has taken: the record of changes shows it with the next checkpoint.",
  simpleResolvers: true,
})
export class AcceptedRuleChange {
  @Field(() => String)
  ruleId!: string;

  @Field(() => DateTime)
  changeTime!: number;

  @Field(() => DateTime, { description: "Order time from which it holds." })
  effectiveTime!: number;

  @Field(() => String, { description: "The name of the API key." })
  changedBy!: string;

  @Field(() => String, { nullable: true })
  reason!: string | null;

  @Field(() => String, { nullable: true, description: "The rule since, as JSON; null: off." })
  to!: string | null;
}

@ArgsType()
export class RuleChangeArgs {
  @Field(() => String, { nullable: true, description: "For the record." })
  reason?: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: "Order time from which it holds; in a few seconds, where it is left out.",
  })
  effectiveFrom?: number | null;
}

@ArgsType()
export class SetRuleArgs extends RuleChangeArgs {
  @Field(() => String, { description: "As JSON, as `orderRules` shows rules." })
  rule!: string;
}

@ArgsType()
export class DisableRuleArgs extends RuleChangeArgs {
  @Field(() => String)
  id!: string;
}
