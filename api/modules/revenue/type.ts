import { ArgsType, Field, Int, ObjectType, registerEnumType } from "type-graphql";
import { DateTime, Long } from "../common/scalars.ts";
import { Freshness, Money } from "../common/types.ts";

export const Granularity = { MINUTE: "minute", HOUR: "hour", DAY: "day" } as const;
export type Granularity = (typeof Granularity)[keyof typeof Granularity];

registerEnumType(Granularity, { name: "Granularity", description: "Length of the buckets, aligned to UTC." });

@ObjectType({ description: "Revenue of a category in one currency, in a window.", simpleResolvers: true })
export class CategoryRevenue {
  @Field(() => DateTime, { description: "Inclusive." })
  windowStart!: number;

  @Field(() => DateTime, { description: "Exclusive." })
  windowEnd!: number;

  @Field(() => String, { description: "`unknown` where neither event nor product has one." })
  categoryId!: string;

  @Field(() => Money, { description: "Gross: what purchases say." })
  revenue!: Money;

  @Field(() => Money, {
    description: "Refunds, cancellations and failed payments, in the window in which they happened.",
  })
  refunded!: Money;

  @Field(() => Money, { description: "Gross less refunded; below zero in a window of refunds." })
  net!: Money;

  @Field(() => Long)
  units!: number | bigint;

  @Field(() => Int, { description: "Purchase events." })
  purchases!: number;
}

@ObjectType({ description: "Revenue of categories, window by window.", simpleResolvers: true })
export class RevenueByCategory {
  @Field(() => [CategoryRevenue], { description: "By time, then category, then currency." })
  rows!: readonly CategoryRevenue[];

  @Field(() => Freshness)
  freshness!: Freshness;
}

@ArgsType()
export class RevenueArgs {
  @Field(() => DateTime, { description: "Inclusive." })
  from!: number;

  @Field(() => DateTime, { description: "Exclusive." })
  to!: number;

  @Field(() => Granularity, { defaultValue: Granularity.HOUR })
  granularity!: Granularity;

  @Field(() => [String], { nullable: true, description: "Only these categories, at most 100." })
  categoryIds?: string[] | null;

  @Field(() => String, { nullable: true, description: "Lake snapshot to read instead of the newest." })
  asOf?: string | null;
}
