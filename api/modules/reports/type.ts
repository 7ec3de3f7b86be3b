import { ArgsType, Field, Float, Int, ObjectType, registerEnumType } from "type-graphql";
import { DateTime, Long } from "../common/scalars.ts";
import { connectionOf, Freshness, PageArgs } from "../common/types.ts";

export const UserSegment = {
  BUYER: "buyer",
  CART_ABANDONER: "cart_abandoner",
  WINDOW_SHOPPER: "window_shopper",
} as const;
export type UserSegment = (typeof UserSegment)[keyof typeof UserSegment];

export const ConversionMark = { BEST: "best", WORST: "worst" } as const;
export type ConversionMark = (typeof ConversionMark)[keyof typeof ConversionMark];

export const ReportStatus = { DONE: "done", FAILED: "failed" } as const;
export type ReportStatus = (typeof ReportStatus)[keyof typeof ReportStatus];

registerEnumType(UserSegment, {
  name: "UserSegment",
  description: "What a shopper did on a day.",
  valuesConfig: {
    BUYER: { description: "Bought something." },
    CART_ABANDONER: { description: "Put something into the cart and bought nothing." },
    WINDOW_SHOPPER: { description: "Neither." },
  },
});
registerEnumType(ConversionMark, {
  name: "ConversionMark",
  description: "What stands out among a day's categories with 30 shoppers or more.",
  valuesConfig: {
    BEST: { description: "The highest conversion." },
    WORST: { description: "The lowest conversion." },
  },
});
registerEnumType(ReportStatus, {
  name: "ReportStatus",
  description: "What a run of a report came to.",
  valuesConfig: {
    DONE: { description: "Its rows are in the lake." },
    FAILED: { description: "`message` says why." },
  },
});

const DAY = "Start of the UTC day; null where there is no report of it, or none at all.";

@ObjectType({ description: "The shoppers of a day in one segment.", simpleResolvers: true })
export class DailyUserSegment {
  @Field(() => UserSegment)
  segment!: UserSegment;

  @Field(() => Int)
  users!: number;

  @Field(() => Long, { description: "Page and item views of all of them." })
  views!: number | bigint;

  @Field(() => Long, { description: "Products that they put into the cart." })
  cartAdds!: number | bigint;

  @Field(() => Long, { description: "Purchase events." })
  purchases!: number | bigint;
}

@ObjectType({ description: "The shoppers of a day by what they did on it.", simpleResolvers: true })
export class DailyUserSegments {
  @Field(() => DateTime, { nullable: true, description: DAY })
  day!: number | null;

  @Field(() => [DailyUserSegment], {
    description:
      "Buyers, cart abandoners, window shoppers: all three, with 0 users where none is. Empty without a day.",
  })
  segments!: readonly DailyUserSegment[];

  @Field(() => Freshness, { description: "Of the report, not of the events." })
  freshness!: Freshness;
}

@ObjectType({ description: "A shopper of a day.", simpleResolvers: true })
export class DailySegmentUser {
  @Field(() => String)
  userId!: string;

  @Field(() => UserSegment)
  segment!: UserSegment;

  @Field(() => Int, { description: "Page and item views of the day." })
  views!: number;

  @Field(() => Int, { description: "Products put into the cart." })
  cartAdds!: number;

  @Field(() => Int, { description: "Purchase events." })
  purchases!: number;
}

export const DailySegmentUserConnection = connectionOf(DailySegmentUser, "DailySegmentUser");

@ObjectType({ description: "One of the products of a day that sold most units.", simpleResolvers: true })
export class DailyTopProduct {
  @Field(() => Int, { description: "1 sold most." })
  rank!: number;

  @Field(() => String)
  productId!: string;

  @Field(() => String, { nullable: true, description: "As the events of the day have it." })
  categoryId!: string | null;

  @Field(() => Long, { description: "Units bought." })
  units!: number | bigint;

  @Field(() => Int, { description: "Purchase events." })
  purchases!: number;

  @Field(() => Int, { description: "Times that it was put into the cart." })
  cartAdds!: number;

  @Field(() => Int, { description: "Page and item views." })
  views!: number;
}

@ObjectType({ description: "The products of a day that sold most units.", simpleResolvers: true })
export class DailyTopProducts {
  @Field(() => DateTime, { nullable: true, description: DAY })
  day!: number | null;

  @Field(() => [DailyTopProduct], { description: "By rank, five at most." })
  products!: readonly DailyTopProduct[];

  @Field(() => Freshness, { description: "Of the report, not of the events." })
  freshness!: Freshness;
}

@ObjectType({
  description: "How many of a category's shoppers of a day bought something of it.",
  simpleResolvers: true,
})
export class CategoryConversion {
  @Field(() => String)
  categoryId!: string;

  @Field(() => Int, { description: "Users who viewed, put into the cart or bought something of it." })
  shoppers!: number;

  @Field(() => Int, { description: "Users who bought something of it." })
  buyers!: number;

  @Field(() => Float, { description: "Share of the shoppers who bought, 0 to 1." })
  conversion!: number;

  @Field(() => ConversionMark, { nullable: true, description: "Null for all but the best and the worst." })
  mark!: ConversionMark | null;
}

@ObjectType({
  description: "How well the categories of a day sold to those they were shown to.",
  simpleResolvers: true,
})
export class DailyCategoryConversion {
  @Field(() => DateTime, { nullable: true, description: DAY })
  day!: number | null;

  @Field(() => CategoryConversion, { nullable: true, description: "Null where none is marked." })
  best!: CategoryConversion | null;

  @Field(() => CategoryConversion, { nullable: true, description: "Null where none is marked." })
  worst!: CategoryConversion | null;

  @Field(() => [CategoryConversion], {
    description: "By conversion, then by shoppers, highest first; the first 1,000.",
  })
  categories!: readonly CategoryConversion[];

  @Field(() => Freshness, { description: "Of the report, not of the events." })
  freshness!: Freshness;
}

@ObjectType({ description: "The newest run of a report of a day.", simpleResolvers: true })
export class ReportRun {
  @Field(() => String, { description: "Such as `top-products`." })
  report!: string;

  @Field(() => DateTime, { description: "Start of the UTC day that is reported." })
  day!: number;

  @Field(() => ReportStatus)
  status!: ReportStatus;

  @Field(() => Int, { description: "1, or one more than the run before where that failed." })
  attempt!: number;

  @Field(() => DateTime)
  startedAt!: number;

  @Field(() => DateTime)
  finishedAt!: number;

  @Field(() => Long, { nullable: true, description: "Rows of the report; null where it failed." })
  rows!: number | bigint | null;

  @Field(() => String, { nullable: true, description: "Why it failed; null where it is done." })
  message!: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: "The first of the runs in a row that failed; null where it is done.",
  })
  failingSince!: number | null;
}

@ObjectType({ description: "What the runs of the daily reports came to.", simpleResolvers: true })
export class DailyReportRuns {
  @Field(() => [ReportRun], {
    description: "Newest day first, then by report, of runs that began within 31 days; the first 2,000.",
  })
  runs!: readonly ReportRun[];

  @Field(() => Freshness, { description: "Of the runs." })
  freshness!: Freshness;
}

@ArgsType()
export class DailyReportArgs {
  @Field(() => DateTime, {
    nullable: true,
    description: "Any instant of the UTC day; by default the newest day that was reported.",
  })
  day?: number | null;

  @Field(() => String, { nullable: true, description: "Lake snapshot of the report instead of the newest." })
  asOf?: string | null;
}

@ArgsType()
export class DailySegmentUsersArgs extends PageArgs {
  @Field(() => UserSegment)
  segment!: UserSegment;

  @Field(() => DateTime, { description: "Any instant of the UTC day." })
  day!: number;
}

@ArgsType()
export class DailyReportRunsArgs {
  @Field(() => String, { nullable: true, description: "Such as `top-products`." })
  report?: string | null;

  @Field(() => String, { nullable: true, description: "Lake snapshot of the runs instead of the newest." })
  asOf?: string | null;
}
