import { ArgsType, type ClassType, Field, Int, ObjectType } from "type-graphql";
import { DateTime, Long } from "./scalars.ts";

export const PAGE_ROWS_DEFAULT = 20;
export const PAGE_ROWS_MAX = 200;

@ObjectType({ description: "An amount of money, exact.", simpleResolvers: true })
export class Money {
  @Field(() => Long, { description: "Minor units of the currency, such as cents." })
  amountMinor!: number | bigint;

  @Field(() => String, { description: "ISO 4217 code; `XXX` where none is known." })
  currency!: string;
}

@ObjectType({ description: "How new an answer is.", simpleResolvers: true })
export class Freshness {
  @Field(() => DateTime, {
    nullable: true,
    description:
      "Event time up to which the pipeline has seen everything; the lake follows with its next commit. Null before the first event, and with `asOf`.",
  })
  watermark!: number | null;

  @Field(() => String, {
    nullable: true,
    description: "Lake snapshot that was read; pass it as `asOf` to read it again. Null for a live answer.",
  })
  snapshotId!: string | null;

  @Field(() => DateTime, { nullable: true, description: "When that snapshot was committed, where known." })
  committedAt!: number | null;
}

@ObjectType({ description: "Relay page information.", simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean)
  hasNextPage!: boolean;

  @Field(() => Boolean)
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true })
  startCursor!: string | null;

  @Field(() => String, { nullable: true })
  endCursor!: string | null;
}

@ArgsType()
export class PageArgs {
  @Field(() => Int, {
    defaultValue: PAGE_ROWS_DEFAULT,
    description: `Rows of the page, 1 to ${PAGE_ROWS_MAX}.`,
  })
  first!: number;

  @Field(() => String, { nullable: true, description: "`endCursor` of the page before." })
  after?: string | null;

  @Field(() => String, { nullable: true, description: "Lake snapshot to read instead of the newest." })
  asOf?: string | null;
}

@ArgsType()
export class TimeRangePageArgs extends PageArgs {
  @Field(() => DateTime, { nullable: true, description: "Start of the range, inclusive." })
  from?: number | null;

  @Field(() => DateTime, { nullable: true, description: "End of the range, exclusive." })
  to?: number | null;
}

export interface Page<Node> {
  readonly edges: readonly { readonly node: Node; readonly cursor: string }[];
  readonly pageInfo: PageInfo;
  readonly freshness: Freshness;
}

/** Relay connection of a node type: `NAMEConnection` and `NAMEEdge`. */
export function connectionOf<Node extends object>(
  node: ClassType<Node>,
  name: string,
): ClassType<Page<Node>> {
  @ObjectType(`${name}Edge`, { description: "A row of a page, with its cursor.", simpleResolvers: true })
  class Edge {
    @Field(() => node)
    node!: Node;

    @Field(() => String)
    cursor!: string;
  }

  @ObjectType(`${name}Connection`, { description: "A page of rows.", simpleResolvers: true })
  class Connection {
    @Field(() => [Edge])
    edges!: Edge[];

    @Field(() => PageInfo)
    pageInfo!: PageInfo;

    @Field(() => Freshness)
    freshness!: Freshness;
  }
  return Connection;
}
