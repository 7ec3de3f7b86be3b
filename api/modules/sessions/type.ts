import { ArgsType, Field, InputType, Int, ObjectType } from "type-graphql";
import { DateTime, Long } from "../common/scalars.ts";
import { connectionOf, PageArgs } from "../common/types.ts";

@ObjectType({
  description: "A visit: a user's events with no gap longer than 30 minutes. Reported once it is over.",
  simpleResolvers: true,
})
export class Session {
  @Field(() => String, { description: "`USER:START_MS`." })
  id!: string;

  @Field(() => String)
  userId!: string;

  @Field(() => DateTime, { description: "First event." })
  start!: number;

  @Field(() => DateTime, { description: "Last event." })
  end!: number;

  @Field(() => Long)
  durationMs!: number | bigint;

  @Field(() => Int, { description: "Events of any type." })
  events!: number;

  @Field(() => Int, { description: "Page and item views." })
  pageViews!: number;

  @Field(() => Int)
  cartAdds!: number;

  @Field(() => Int)
  purchases!: number;

  @Field(() => Long, {
    description: "Sum of price × quantity over the purchases, minor units of the shop's currency.",
  })
  revenueMinor!: number | bigint;

  @Field(() => Boolean, { description: "Whether it has a purchase." })
  converted!: boolean;

  @Field(() => String)
  entryEventType!: string;

  @Field(() => String, { nullable: true })
  entryProductId!: string | null;

  @Field(() => String)
  exitEventType!: string;

  @Field(() => String, { nullable: true })
  exitProductId!: string | null;
}

export const SessionConnection = connectionOf(Session, "Session");

@InputType({ description: "All given conditions must hold." })
export class SessionFilter {
  @Field(() => String, { nullable: true })
  userId?: string | null;

  @Field(() => Boolean, { nullable: true })
  converted?: boolean | null;

  @Field(() => DateTime, { nullable: true, description: "Sessions that started at or after it." })
  from?: number | null;

  @Field(() => DateTime, { nullable: true, description: "Sessions that started before it." })
  to?: number | null;
}

@ArgsType()
export class SessionsArgs extends PageArgs {
  @Field(() => SessionFilter, { nullable: true })
  filter?: SessionFilter | null;
}
