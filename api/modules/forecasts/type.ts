import { ArgsType, Field, Float, Int, ObjectType, registerEnumType } from "type-graphql";
import { DateTime } from "../common/scalars.ts";
import { Freshness } from "../common/types.ts";
import { AnswerSource } from "../products/type.ts";

export const ForecastStep = { DAY: "day", WEEK: "week" } as const;
export type ForecastStep = (typeof ForecastStep)[keyof typeof ForecastStep];

registerEnumType(ForecastStep, {
  name: "ForecastStep",
  description: "Length of the steps of a forecast.",
  valuesConfig: { DAY: { description: "UTC days." }, WEEK: { description: "Weeks from Monday." } },
});

@ObjectType({ description: "Units expected in one step.", simpleResolvers: true })
export class ForecastPoint {
  @Field(() => DateTime, { description: "Inclusive." })
  start!: number;

  @Field(() => DateTime, { description: "Exclusive." })
  end!: number;

  @Field(() => Float)
  mean!: number;

  @Field(() => Float, { description: "Of the 80 % interval." })
  lower80!: number;

  @Field(() => Float, { description: "Of the 80 % interval." })
  upper80!: number;

  @Field(() => Float, { description: "Of the 95 % interval." })
  lower95!: number;

  @Field(() => Float, { description: "Of the 95 % interval." })
  upper95!: number;
}

@ObjectType({
  description: "When a stock is used up. Null: not within the forecast.",
  simpleResolvers: true,
})
export class StockRunout {
  @Field(() => Float, { description: "Units that it was reckoned for." })
  stock!: number;

  @Field(() => DateTime, { nullable: true, description: "By what is expected." })
  expected!: number | null;

  @Field(() => DateTime, { nullable: true, description: "With 10 % chance it runs out before." })
  earliest!: number | null;

  @Field(() => DateTime, { nullable: true, description: "With 10 % chance it lasts longer." })
  latest!: number | null;
}

@ObjectType({ description: "What to order now.", simpleResolvers: true })
export class StockReorder {
  @Field(() => Float, { description: "Units that it was reckoned for." })
  stock!: number;

  @Field(() => Float, { description: "Units to order; 0: the stock lasts." })
  units!: number;

  @Field(() => Float, { description: "Expected demand until the order after this one arrives." })
  expectedDemand!: number;

  @Field(() => Float, { description: "What the service level asks for beyond that." })
  safetyStock!: number;
}

@ObjectType({ description: "Expected demand of a product.", simpleResolvers: true })
export class DemandForecast {
  @Field(() => String)
  productId!: string;

  @Field(() => String, { nullable: true, description: "Null: all warehouses together." })
  warehouseId!: string | null;

  @Field(() => ForecastStep)
  step!: ForecastStep;

  @Field(() => Float, { description: "Units a day, over the steps." })
  dailyRate!: number;

  @Field(() => [ForecastPoint], { description: "In order of time." })
  points!: readonly ForecastPoint[];

  @Field(() => String)
  modelVersion!: string;

  @Field(() => DateTime)
  madeAt!: number;

  @Field(() => AnswerSource)
  source!: AnswerSource;

  @Field(() => Freshness)
  freshness!: Freshness;
}

@ArgsType()
export class DemandForecastArgs {
  @Field(() => String)
  productId!: string;

  @Field(() => String, { nullable: true, description: "Of one warehouse instead of all together." })
  warehouseId?: string | null;

  @Field(() => ForecastStep, { defaultValue: ForecastStep.DAY })
  step!: ForecastStep;

  @Field(() => String, { nullable: true, description: "Lake snapshot to read instead of the live forecast." })
  asOf?: string | null;
}

@ArgsType()
export class RunoutArgs {
  @Field(() => Float, {
    nullable: true,
    description: "Units in stock; by default what inventory updates say.",
  })
  stock?: number | null;
}

@ArgsType()
export class ReorderArgs extends RunoutArgs {
  @Field(() => Float, { description: "From an order to its arrival." })
  leadTimeDays!: number;

  @Field(() => Float, { description: "From this order to the next chance to order." })
  reviewTimeDays!: number;

  @Field(() => Float, {
    defaultValue: 0.95,
    description: "Chance that the stock lasts until the next order arrives, 0.5 up to below 1.",
  })
  serviceLevel!: number;

  @Field(() => Int, { defaultValue: 1, description: "Units are ordered in multiples of this." })
  packUnits!: number;
}
