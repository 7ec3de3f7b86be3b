import { ArgsType, Field, Float, InputType, Int, ObjectType, registerEnumType } from "type-graphql";
import { alertKinds } from "../../../stream/index.ts";
import { DateTime } from "../common/scalars.ts";
import { connectionOf, TimeRangePageArgs } from "../common/types.ts";

const ALERT_KINDS = `${Object.keys(alertKinds)
  .sort()
  .map((kind) => `\`${kind}\``)
  .join(", ")}; the ids of rules that were added, and what further models and detectors raise.`;

export const AlertStatus = { RAISED: "raised", RETRACTED: "retracted" } as const;
export type AlertStatus = (typeof AlertStatus)[keyof typeof AlertStatus];
export const AlertSeverity = { LOW: "low", MEDIUM: "medium", HIGH: "high" } as const;
export type AlertSeverity = (typeof AlertSeverity)[keyof typeof AlertSeverity];

registerEnumType(AlertStatus, {
  name: "AlertStatus",
  description: "Whether what an alert says still holds.",
  valuesConfig: { RETRACTED: { description: "Late data took its ground away." } },
});
registerEnumType(AlertSeverity, { name: "AlertSeverity", description: "How much an alert matters." });

@ObjectType({ description: "A figure of the rule: a number, or a text.", simpleResolvers: true })
export class AlertFigure {
  @Field(() => String)
  name!: string;

  @Field(() => Float, { nullable: true })
  number!: number | null;

  @Field(() => String, { nullable: true })
  text!: string | null;
}

@ObjectType({ description: "A live alert.", simpleResolvers: true })
export class AlertEvent {
  @Field(() => String, { description: "Opaque; pass it as `after` to go on behind this alert." })
  cursor!: string;

  @Field(() => String, { description: "The same in every replay." })
  id!: string;

  @Field(() => Int, { description: "A correction or retraction of the same id has a higher one." })
  revision!: number;

  @Field(() => AlertStatus)
  status!: AlertStatus;

  @Field(() => String, { description: ALERT_KINDS })
  kind!: string;

  @Field(() => AlertSeverity)
  severity!: AlertSeverity;

  @Field(() => String)
  title!: string;

  @Field(() => String, { nullable: true })
  userId!: string | null;

  @Field(() => String, { nullable: true })
  productId!: string | null;

  @Field(() => String, { nullable: true })
  orderId!: string | null;

  @Field(() => DateTime, {
    description: "Event time that it is about: end of the window, time of the order.",
  })
  eventTime!: number;

  @Field(() => DateTime, { nullable: true })
  windowStart!: number | null;

  @Field(() => DateTime, { nullable: true })
  windowEnd!: number | null;

  @Field(() => [AlertFigure])
  figures!: readonly AlertFigure[];
}

@InputType({ description: "All given conditions must hold; a list holds where one of its values does." })
export class AlertFilter {
  @Field(() => [String], { nullable: true, description: ALERT_KINDS })
  kinds?: string[] | null;

  @Field(() => [AlertSeverity], { nullable: true })
  severities?: AlertSeverity[] | null;

  @Field(() => String, { nullable: true })
  productId?: string | null;

  @Field(() => String, { nullable: true })
  userId?: string | null;
}

@ArgsType()
export class AlertsArgs {
  @Field(() => AlertFilter, { nullable: true })
  filter?: AlertFilter | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Cursor of the last alert seen: goes on behind it. `begin`: all that are kept. None: only new ones.",
  })
  after?: string | null;
}

@ObjectType({
  description: "A product with many views and few purchases in a window.",
  simpleResolvers: true,
})
export class FlashSaleAlert {
  @Field(() => String)
  id!: string;

  @Field(() => DateTime)
  windowStart!: number;

  @Field(() => DateTime)
  windowEnd!: number;

  @Field(() => String)
  productId!: string;

  @Field(() => Int)
  views!: number;

  @Field(() => Int)
  purchases!: number;

  @Field(() => AlertStatus)
  status!: AlertStatus;

  @Field(() => Int)
  revision!: number;
}

export const FlashSaleAlertConnection = connectionOf(FlashSaleAlert, "FlashSaleAlert");

@ArgsType()
export class FlashSaleAlertsArgs extends TimeRangePageArgs {
  @Field(() => String, { nullable: true })
  productId?: string | null;

  @Field(() => Boolean, { defaultValue: false, description: "Also those that no longer hold." })
  includeRetracted!: boolean;
}

@ObjectType({ description: "An order that a rule found suspicious.", simpleResolvers: true })
export class OrderAlert {
  @Field(() => String)
  id!: string;

  @Field(() => String, { description: "The rule, with its version." })
  rule!: string;

  @Field(() => String)
  orderId!: string;

  @Field(() => String)
  userId!: string;

  @Field(() => DateTime)
  orderTime!: number;

  @Field(() => String, { description: "What the rule saw, for a person." })
  reason!: string;

  @Field(() => AlertSeverity)
  severity!: AlertSeverity;
}

export const OrderAlertConnection = connectionOf(OrderAlert, "OrderAlert");

@ArgsType()
export class OrderAlertsArgs extends TimeRangePageArgs {
  @Field(() => String, { nullable: true })
  userId?: string | null;

  @Field(() => [AlertSeverity], { nullable: true })
  severities?: AlertSeverity[] | null;
}
