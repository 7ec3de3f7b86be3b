import { ArgsType, Field, Float, InputType, Int, ObjectType, registerEnumType } from "type-graphql";
import { DateTime, Long } from "../common/scalars.ts";
import { connectionOf, PageArgs } from "../common/types.ts";

export const PropensityKind = { CROSSED: "crossed", FELL: "fell", CLOSED: "closed" } as const;
export type PropensityKind = (typeof PropensityKind)[keyof typeof PropensityKind];

registerEnumType(PropensityKind, {
  name: "PropensityKind",
  description: "Why a score was kept.",
  valuesConfig: {
    CROSSED: { description: "The score rose to the threshold." },
    FELL: { description: "The score fell below the lower threshold that arms it again." },
    CLOSED: { deprecationReason: "No score was ever kept for it." },
  },
});

@ObjectType({ description: "What one feature added to or took from a score.", simpleResolvers: true })
export class Contribution {
  @Field(() => String)
  feature!: string;

  @Field(() => Float, { description: "Signed, in log-odds." })
  logOdds!: number;
}

@ObjectType({ description: "Position of the event that a result comes from.", simpleResolvers: true })
export class LogPosition {
  @Field(() => Int)
  partition!: number;

  @Field(() => Long)
  offset!: number | bigint;
}

@ObjectType({ description: "The newest score of a user's running session.", simpleResolvers: true })
export class LivePropensity {
  @Field(() => String)
  userId!: string;

  @Field(() => Float, { description: "Probability of a purchase in this session, 0 to 1." })
  score!: number;

  @Field(() => String)
  modelVersion!: string;

  @Field(() => DateTime, { description: "Event at which it was scored." })
  eventTime!: number;

  @Field(() => DateTime)
  sessionStart!: number;

  @Field(() => [Contribution], { description: "Largest first." })
  contributions!: readonly Contribution[];

  @Field(() => LogPosition)
  source!: LogPosition;
}

@ObjectType({ description: "A score kept in the lake.", simpleResolvers: true })
export class PropensityScore extends LivePropensity {
  @Field(() => PropensityKind)
  kind!: PropensityKind;
}

export const PropensityScoreConnection = connectionOf(PropensityScore, "PropensityScore");

@InputType({ description: "All given conditions must hold." })
export class PropensityFilter {
  @Field(() => String, { nullable: true })
  userId?: string | null;

  @Field(() => PropensityKind, { nullable: true })
  kind?: PropensityKind | null;

  @Field(() => Float, { nullable: true, description: "Scores at or above it." })
  scoreMin?: number | null;

  @Field(() => DateTime, { nullable: true })
  from?: number | null;

  @Field(() => DateTime, { nullable: true })
  to?: number | null;
}

@ArgsType()
export class PropensityScoresArgs extends PageArgs {
  @Field(() => PropensityFilter, { nullable: true })
  filter?: PropensityFilter | null;
}
