import { ArgsType, Field, Float, InputType, ObjectType, registerEnumType } from "type-graphql";
import { DateTime } from "../common/scalars.ts";
import { connectionOf, PageArgs } from "../common/types.ts";
import { Contribution, LogPosition } from "../propensity/type.ts";

export const FraudDecision = { PASS: "pass", REVIEW: "review", BLOCK: "block" } as const;
export type FraudDecision = (typeof FraudDecision)[keyof typeof FraudDecision];

registerEnumType(FraudDecision, {
  name: "FraudDecision",
  description: "What to do with an order, by the thresholds of the model that scored it.",
  valuesConfig: {
    PASS: { description: "Nothing." },
    REVIEW: { description: "Somebody should look into it before it is shipped." },
    BLOCK: { description: "So likely fraud that a review costs more than it prevents." },
  },
});

@ObjectType({
  description: "How likely an order is fraud, by what was known when it was placed.",
  simpleResolvers: true,
})
export class FraudScore {
  @Field(() => String)
  orderId!: string;

  @Field(() => String)
  userId!: string;

  @Field(() => DateTime)
  orderTime!: number;

  @Field(() => Float, { description: "Probability of fraud, 0 to 1." })
  score!: number;

  @Field(() => FraudDecision)
  decision!: FraudDecision;

  @Field(() => [String], {
    description: "What speaks most for fraud, in words; empty for an order that passes.",
  })
  reasons!: readonly string[];

  @Field(() => String)
  modelVersion!: string;

  @Field(() => String, { description: "Kind of the model, such as trees." })
  classifier!: string;

  @Field(() => [Contribution], {
    description:
      "Largest first. From the lake all of them, which add up to the score's log-odds; of a score that is not there yet the largest. Empty for an order that passes.",
  })
  contributions!: readonly Contribution[];

  @Field(() => LogPosition)
  source!: LogPosition;
}

export const FraudScoreConnection = connectionOf(FraudScore, "FraudScore");

@InputType({ description: "All given conditions must hold." })
export class FraudScoreFilter {
  @Field(() => String, { nullable: true })
  userId?: string | null;

  @Field(() => [FraudDecision], { nullable: true })
  decisions?: FraudDecision[] | null;

  @Field(() => Float, { nullable: true, description: "Scores at or above it." })
  scoreMin?: number | null;

  @Field(() => DateTime, { nullable: true })
  from?: number | null;

  @Field(() => DateTime, { nullable: true })
  to?: number | null;
}

@ArgsType()
export class FraudScoresArgs extends PageArgs {
  @Field(() => FraudScoreFilter, { nullable: true })
  filter?: FraudScoreFilter | null;
}
