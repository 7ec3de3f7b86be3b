import { Field, Int, ObjectType } from "type-graphql";
import { DateTime } from "../common/scalars.ts";
import { connectionOf } from "../common/types.ts";

@ObjectType({
  description: "Page and item views of a user in one window. No entry: no view.",
  simpleResolvers: true,
})
export class PageViewWindow {
  @Field(() => DateTime, { description: "Inclusive." })
  windowStart!: number;

  @Field(() => DateTime, { description: "Exclusive." })
  windowEnd!: number;

  @Field(() => Int)
  views!: number;

  @Field(() => Int, { description: "Above 1: late events corrected it." })
  revision!: number;
}

export const PageViewWindowConnection = connectionOf(PageViewWindow, "PageViewWindow");

@ObjectType({ description: "One of a user's newest views.", simpleResolvers: true })
export class RecentView {
  @Field(() => DateTime)
  eventTime!: number;

  @Field(() => String)
  eventType!: string;

  @Field(() => String, { nullable: true })
  productId!: string | null;
}

@ObjectType({ description: "A user's views of the last 5 minutes, live.", simpleResolvers: true })
export class RecentPageViews {
  @Field(() => Int, { description: "Page and item views in the 5 minutes before `eventTime`." })
  views5m!: number;

  @Field(() => DateTime, { description: "Event time of the user's newest event." })
  eventTime!: number;

  @Field(() => [RecentView], { description: "The newest views, newest first, at most 20." })
  recent!: readonly RecentView[];
}

@ObjectType({
  description: "A shopper. Any id is answered: one that was never seen has empty lists and nulls.",
  simpleResolvers: true,
})
export class User {
  @Field(() => String)
  id!: string;
}
