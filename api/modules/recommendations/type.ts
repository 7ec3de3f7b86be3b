import { ArgsType, Field, Float, InputType, Int, ObjectType, registerEnumType } from "type-graphql";
import { DateTime } from "../common/scalars.ts";
import { connectionOf, Freshness, PageArgs } from "../common/types.ts";

export const RecommendationReasonKind = {
  AFTER: "after",
  BEFORE: "before",
  SIMILAR_VISITS: "similarVisits",
  RETURN: "return",
  POPULAR: "popular",
} as const;
export type RecommendationReasonKind =
  (typeof RecommendationReasonKind)[keyof typeof RecommendationReasonKind];

registerEnumType(RecommendationReasonKind, {
  name: "RecommendationReasonKind",
  description: "Why a product is in a list.",
  valuesConfig: {
    AFTER: { description: "Others looked at it after the products of the visit." },
    BEFORE: { description: "Others looked at it before the products of the visit." },
    SIMILAR_VISITS: { description: "Visits like this one led to it." },
    RETURN: { description: "The visit was there already, and visitors come back." },
    POPULAR: { description: "Many look at it now." },
  },
});

export const RecommendationSource = { VISIT: "visit", POPULAR: "popular" } as const;
export type RecommendationSource = (typeof RecommendationSource)[keyof typeof RecommendationSource];

registerEnumType(RecommendationSource, {
  name: "RecommendationSource",
  description: "What a list was made from.",
  valuesConfig: {
    VISIT: { description: "Made for the visit, or the product, that was asked about." },
    POPULAR: { description: "Nothing is known: what is popular now." },
  },
});

@ObjectType({ description: "A part of a product's score.", simpleResolvers: true })
export class RecommendationReason {
  @Field(() => RecommendationReasonKind)
  kind!: RecommendationReasonKind;

  @Field(() => Float, { description: "What it adds to the score." })
  score!: number;
}

@ObjectType({ description: "A place of a list of recommendations.", simpleResolvers: true })
export class RecommendedProduct {
  @Field(() => Int, { description: "1 is shown first." })
  rank!: number;

  @Field(() => String)
  productId!: string;

  @Field(() => Float, {
    description: "Sum of its reasons. A model may order its list by more than this.",
  })
  score!: number;

  @Field(() => [RecommendationReason], { description: "Largest first." })
  reasons!: readonly RecommendationReason[];
}

@ObjectType({ description: "Products for a user, or those most like a product.", simpleResolvers: true })
export class RecommendationList {
  @Field(() => [RecommendedProduct], { description: "By rank." })
  items!: readonly RecommendedProduct[];

  @Field(() => RecommendationSource)
  source!: RecommendationSource;

  @Field(() => String, { nullable: true, description: "Null for what is popular." })
  modelVersion!: string | null;

  @Field(() => DateTime, { nullable: true, description: "Newest look that it knows of." })
  eventTime!: number | null;

  @Field(() => Freshness)
  freshness!: Freshness;
}

@ArgsType()
export class RecommendationsArgs {
  @Field(() => String)
  userId!: string;

  @Field(() => Int, { defaultValue: 10, description: "1 to 100; the stream keeps no more than its own top." })
  limit!: number;
}

@ArgsType()
export class SimilarProductsArgs {
  @Field(() => String)
  productId!: string;

  @Field(() => Int, { defaultValue: 10, description: "1 to 100; the stream keeps no more than its own top." })
  limit!: number;
}

@ObjectType({
  description: "A place of a list that the lake kept at the end of a visit.",
  simpleResolvers: true,
})
export class KeptRecommendation extends RecommendedProduct {
  @Field(() => String)
  userId!: string;

  @Field(() => DateTime, { description: "Newest look of the visit." })
  visitEnd!: number;

  @Field(() => String)
  modelVersion!: string;
}

export const KeptRecommendationConnection = connectionOf(KeptRecommendation, "KeptRecommendation");

@InputType({ description: "All given conditions must hold." })
export class KeptRecommendationFilter {
  @Field(() => String, { nullable: true })
  userId?: string | null;

  @Field(() => String, { nullable: true })
  productId?: string | null;

  @Field(() => String, { nullable: true })
  modelVersion?: string | null;

  @Field(() => DateTime, { nullable: true, description: "Visits that ended then or later." })
  from?: number | null;

  @Field(() => DateTime, { nullable: true, description: "Visits that ended before." })
  to?: number | null;
}

@ArgsType()
export class KeptRecommendationsArgs extends PageArgs {
  @Field(() => KeptRecommendationFilter, { nullable: true })
  filter?: KeptRecommendationFilter | null;
}
