import { Arg, Args, FieldResolver, Query, Resolver, Root } from "type-graphql";
import { type Page, PageArgs, TimeRangePageArgs } from "../common/types.ts";
import type { PropensityService } from "../propensity/service.ts";
import { LivePropensity } from "../propensity/type.ts";
import type { SessionsService } from "../sessions/service.ts";
import { type Session, SessionConnection } from "../sessions/type.ts";
import type { UsersService } from "./service.ts";
import { type PageViewWindow, PageViewWindowConnection, RecentPageViews, User } from "./type.ts";

@Resolver(() => User)
export class UsersResolver {
  private readonly users: UsersService;
  private readonly sessionsOf: SessionsService;
  private readonly propensityOf: PropensityService;

  constructor(users: UsersService, sessions: SessionsService, propensity: PropensityService) {
    this.users = users;
    this.sessionsOf = sessions;
    this.propensityOf = propensity;
  }

  @Query(() => User, { description: "A shopper, by id." })
  user(@Arg("id", () => String) id: string): User {
    return { id };
  }

  @FieldResolver(() => PageViewWindowConnection, { description: "Views per hopping window, newest first." })
  pageViews(
    @Root() user: User,
    @Args(() => TimeRangePageArgs) args: TimeRangePageArgs,
  ): Promise<Page<PageViewWindow>> {
    return this.users.pageViews(user.id, args);
  }

  @FieldResolver(() => RecentPageViews, { nullable: true, description: "Null without a recent view." })
  recentPageViews(@Root() user: User): Promise<RecentPageViews | null> {
    return this.users.recentPageViews(user.id);
  }

  @FieldResolver(() => LivePropensity, { nullable: true, description: "Null without a live score." })
  propensity(@Root() user: User): Promise<LivePropensity | null> {
    return this.propensityOf.live(user.id);
  }

  @FieldResolver(() => SessionConnection, { description: "The user's closed sessions, newest first." })
  sessions(@Root() user: User, @Args(() => PageArgs) args: PageArgs): Promise<Page<Session>> {
    return this.sessionsOf.list({ userId: user.id }, args);
  }
}
