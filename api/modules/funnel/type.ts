import { ArgsType, Field, Float, Int, ObjectType, registerEnumType } from "type-graphql";
import { DateTime } from "../common/scalars.ts";
import { Freshness } from "../common/types.ts";

export const FunnelBasis = { SESSION: "session", USER: "user" } as const;
export type FunnelBasis = (typeof FunnelBasis)[keyof typeof FunnelBasis];
export const FunnelStepName = {
  VIEW: "view",
  CART: "cart",
  CHECKOUT: "checkout",
  PURCHASE: "purchase",
} as const;
export type FunnelStepName = (typeof FunnelStepName)[keyof typeof FunnelStepName];
export const FunnelDimension = {
  DAY: "day",
  CATEGORY: "category",
  DEVICE: "device",
  COUNTRY: "country",
} as const;
export type FunnelDimension = (typeof FunnelDimension)[keyof typeof FunnelDimension];

registerEnumType(FunnelBasis, {
  name: "FunnelBasis",
  valuesConfig: {
    SESSION: { description: "A journey is a session with a view." },
    USER: { description: "A journey is a user's hour (or as configured) from a view." },
  },
});
registerEnumType(FunnelStepName, { name: "FunnelStepName" });
registerEnumType(FunnelDimension, { name: "FunnelDimension" });

@ObjectType({ description: "A step of a funnel, in the order of event time.", simpleResolvers: true })
export class FunnelStep {
  @Field(() => FunnelStepName)
  step!: FunnelStepName;

  @Field(() => Int, { description: "Journeys that came so far." })
  journeys!: number;

  @Field(() => Float, { description: "Share of all journeys that came so far, 0 to 1." })
  conversion!: number;

  @Field(() => Float, { description: "Share of the journeys at the step before that did not, 0 to 1." })
  dropOff!: number;

  @Field(() => Float, {
    nullable: true,
    description:
      "Median time from the step before, ms: the bound of its bucket, at most 19 % above it. Null for the first step.",
  })
  medianMs!: number | null;
}

@ObjectType({ description: "The funnel of a group of journeys.", simpleResolvers: true })
export class FunnelRow {
  @Field(() => DateTime, {
    nullable: true,
    description: "Day on which the journeys began, where rows are by day.",
  })
  day!: number | null;

  @Field(() => String, { nullable: true, description: "Where rows are by category." })
  categoryId!: string | null;

  @Field(() => String, { nullable: true, description: "Where rows are by device." })
  device!: string | null;

  @Field(() => String, { nullable: true, description: "Where rows are by country." })
  country!: string | null;

  @Field(() => [FunnelStep])
  steps!: readonly FunnelStep[];
}

@ObjectType({ simpleResolvers: true })
export class Funnel {
  @Field(() => FunnelBasis)
  basis!: FunnelBasis;

  @Field(() => [FunnelRow], { description: "By day, then by journeys, most first." })
  rows!: readonly FunnelRow[];

  @Field(() => Freshness)
  freshness!: Freshness;
}

@ArgsType()
export class FunnelArgs {
  @Field(() => DateTime, { description: "In the first UTC day, which counts as a whole." })
  from!: number;

  @Field(() => DateTime, {
    description: "Exclusive. The UTC day that it is in counts as a whole, unless `to` is its start.",
  })
  to!: number;

  @Field(() => FunnelBasis, { defaultValue: FunnelBasis.SESSION })
  basis!: FunnelBasis;

  @Field(() => [FunnelDimension], {
    defaultValue: [FunnelDimension.DAY],
    description: "What rows are by; none: one row.",
  })
  by!: FunnelDimension[];

  @Field(() => [String], { nullable: true, description: "Only these categories, at most 100." })
  categoryIds?: string[] | null;

  @Field(() => [String], { nullable: true, description: "Only these devices, at most 100." })
  devices?: string[] | null;

  @Field(() => [String], { nullable: true, description: "Only these countries, at most 100." })
  countries?: string[] | null;

  @Field(() => String, { nullable: true, description: "Lake snapshot to read instead of the newest." })
  asOf?: string | null;
}

@ArgsType()
export class LatestFunnelArgs {
  @Field(() => FunnelBasis, { defaultValue: FunnelBasis.SESSION })
  basis!: FunnelBasis;
}
