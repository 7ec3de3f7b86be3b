import { Args, Query, Resolver } from "type-graphql";
import type { Page } from "../common/types.ts";
import type { SessionsService } from "./service.ts";
import { type Session, SessionConnection, SessionsArgs } from "./type.ts";

@Resolver()
export class SessionsResolver {
  private readonly service: SessionsService;

  constructor(service: SessionsService) {
    this.service = service;
  }

  @Query(() => SessionConnection, { description: "Closed sessions, newest first." })
  sessions(@Args(() => SessionsArgs) args: SessionsArgs): Promise<Page<Session>> {
    return this.service.list(args.filter ?? {}, args);
  }
}
