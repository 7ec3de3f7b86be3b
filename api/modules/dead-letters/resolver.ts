import {
  Arg,
  Args,
  Authorized,
  Ctx,
  Extensions,
  FieldResolver,
  Mutation,
  Query,
  Resolver,
  Root,
} from "type-graphql";
import type { Caller } from "../common/caller.ts";
import type { ApiContext } from "../common/context.ts";
import { DateTime } from "../common/scalars.ts";
import type { Page } from "../common/types.ts";
import type { DeadLettersService } from "./service.ts";
import {
  DeadLetter,
  DeadLetterConnection,
  DeadLetterResend,
  DeadLetterSummary,
  DeadLettersArgs,
  ResendDeadLetterArgs,
  ResendDeadLettersArgs,
  ResendResult,
} from "./type.ts";

@Resolver(() => DeadLetter)
export class DeadLettersResolver {
  private readonly service: DeadLettersService;

  constructor(service: DeadLettersService) {
    this.service = service;
  }

  @Query(() => DeadLetterConnection, {
    description: "Records that no contract took, newest first; payloads are cut at 4 KiB, see `deadLetter`.",
  })
  deadLetters(@Args(() => DeadLettersArgs) args: DeadLettersArgs): Promise<Page<DeadLetter>> {
    return this.service.list(args.filter ?? {}, args);
  }

  @Extensions({ lakeQueries: 1 })
  @Query(() => DeadLetter, {
    nullable: true,
    description: "One dead letter, with all that was kept of its payload: 64 KiB. Null where there is none.",
  })
  deadLetter(@Arg("id", () => String) id: string): Promise<DeadLetter | null> {
    return this.service.byId(id);
  }

  @Extensions({ lakeQueries: 1 })
  @Query(() => DeadLetterSummary, { description: "How many dead letters there are, by topic and reason." })
  deadLetterSummary(
    @Arg("from", () => DateTime, { nullable: true, description: "Letters received at or after it." })
    from: number | null = null,
    @Arg("to", () => DateTime, { nullable: true, description: "Letters received before it." })
    to: number | null = null,
  ): Promise<DeadLetterSummary> {
    return this.service.summary({ from, to });
  }

  @Extensions({ lakeQueries: 2 })
  @FieldResolver(() => DeadLetterResend, {
    nullable: true,
    description: "That it was sent again, also a moment ago; null where it was not.",
  })
  resend(@Root() { key }: DeadLetter, @Ctx() context: ApiContext): Promise<DeadLetterResend | null> {
    return context.deadLetterResends.load(key);
  }

  @Authorized("operator")
  @Extensions({ lakeQueries: 3 })
  @Mutation(() => ResendResult, {
    description:
      "Sends a dead letter again, once: its contract must take it, and a second call changes nothing. Takes the role operator.",
  })
  async resendDeadLetter(
    @Args(() => ResendDeadLetterArgs) { letter, note }: ResendDeadLetterArgs,
    @Ctx() { caller }: ApiContext,
  ): Promise<ResendResult> {
    const [result] = await this.service.resend([letter], note, caller as Caller);
    return result;
  }

  @Authorized("operator")
  @Extensions({ lakeQueries: 3 })
  @Mutation(() => [ResendResult], {
    description:
      "As `resendDeadLetter`, for several; those that can be sent are, all or none of them. Takes the role operator.",
  })
  resendDeadLetters(
    @Args(() => ResendDeadLettersArgs) { letters, note }: ResendDeadLettersArgs,
    @Ctx() { caller }: ApiContext,
  ): Promise<ResendResult[]> {
    return this.service.resend(letters, note, caller as Caller);
  }
}
