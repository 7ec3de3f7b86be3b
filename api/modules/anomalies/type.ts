import { ArgsType, Field, Float, Int, ObjectType, registerEnumType } from "type-graphql";
import { AlertStatus } from "../alerts/type.ts";
import { DateTime, Long } from "../common/scalars.ts";
import { connectionOf, Freshness, TimeRangePageArgs } from "../common/types.ts";

export const AnomalyDirection = { ABOVE: "above", BELOW: "below" } as const;
export type AnomalyDirection = (typeof AnomalyDirection)[keyof typeof AnomalyDirection];

registerEnumType(AnomalyDirection, {
  name: "AnomalyDirection",
  description: "On which side of its season a metric is.",
});

const METRIC =
  "`events:TYPE`, `category-events:CATEGORY`, `revenue:CURRENCY` (minor units), `orders` or `failed-payments`.";

@ObjectType({
  description: "A window in which a metric was far from its own season, the hour of the week.",
  simpleResolvers: true,
})
export class Anomaly {
  @Field(() => String)
  id!: string;

  @Field(() => String, { description: METRIC })
  metric!: string;

  @Field(() => DateTime)
  windowStart!: number;

  @Field(() => DateTime)
  windowEnd!: number;

  @Field(() => Long)
  value!: number | bigint;

  @Field(() => Float, { description: "What the season says." })
  expected!: number;

  @Field(() => AnomalyDirection)
  direction!: AnomalyDirection;

  @Field(() => Float, { description: "(value − expected) / expected." })
  change!: number;

  @Field(() => Float, {
    description: "Distance in units of the metric's own usual distance; negative below.",
  })
  score!: number;

  @Field(() => AlertStatus)
  status!: AlertStatus;

  @Field(() => Int)
  revision!: number;
}

export const AnomalyConnection = connectionOf(Anomaly, "Anomaly");

@ArgsType()
export class AnomaliesArgs extends TimeRangePageArgs {
  @Field(() => String, { nullable: true, description: METRIC })
  metric?: string | null;

  @Field(() => Boolean, { defaultValue: false, description: "Also those that no longer hold." })
  includeRetracted!: boolean;
}

@ObjectType({ description: "A metric in a window.", simpleResolvers: true })
export class MetricPoint {
  @Field(() => DateTime)
  windowStart!: number;

  @Field(() => DateTime)
  windowEnd!: number;

  @Field(() => Long)
  value!: number | bigint;

  @Field(() => Float, { nullable: true, description: "What the season says; null in the first weeks." })
  expected!: number | null;
}

@ObjectType({ description: "A watched metric over time.", simpleResolvers: true })
export class MetricSeries {
  @Field(() => String)
  metric!: string;

  @Field(() => [MetricPoint], { description: "By time; a window in which nothing came at all is not in it." })
  points!: readonly MetricPoint[];

  @Field(() => Freshness)
  freshness!: Freshness;
}

@ArgsType()
export class MetricArgs {
  @Field(() => String, { description: METRIC })
  name!: string;

  @Field(() => DateTime, { description: "Inclusive." })
  from!: number;

  @Field(() => DateTime, { description: "Exclusive." })
  to!: number;

  @Field(() => String, { nullable: true, description: "Lake snapshot to read instead of the newest." })
  asOf?: string | null;
}
