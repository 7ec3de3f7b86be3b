import { ArgsType, Field, Float, InputType, Int, ObjectType, registerEnumType } from "type-graphql";
import { DateTime } from "../common/scalars.ts";
import { connectionOf, Freshness, Money, PageArgs } from "../common/types.ts";

@ObjectType({
  description: "A product, from the catalogue where it is there, else as the events describe it.",
  simpleResolvers: true,
})
export class Product {
  @Field(() => String)
  id!: string;

  @Field(() => String, { nullable: true })
  name!: string | null;

  @Field(() => String, { nullable: true })
  categoryId!: string | null;

  @Field(() => String, { nullable: true, description: "Readable path, such as electronics.smartphone." })
  categoryCode!: string | null;

  @Field(() => String, { nullable: true })
  brand!: string | null;

  @Field(() => Money, { nullable: true, description: "Newest price of one unit." })
  price!: Money | null;
}

export const ProductConnection = connectionOf(Product, "Product");

@ObjectType({
  description: "What happened with a product in one minute. No entry: nothing.",
  simpleResolvers: true,
})
export class ProductActivity {
  @Field(() => DateTime, { description: "Inclusive." })
  windowStart!: number;

  @Field(() => DateTime, { description: "Exclusive." })
  windowEnd!: number;

  @Field(() => Int, { description: "Page and item views." })
  views!: number;

  @Field(() => Int)
  cartAdds!: number;

  @Field(() => Int)
  purchases!: number;

  @Field(() => Int, { description: "Above 1: late events corrected it." })
  revision!: number;
}

export const ProductActivityConnection = connectionOf(ProductActivity, "ProductActivity");

@ObjectType({ simpleResolvers: true })
export class PopularProduct {
  @Field(() => Int)
  rank!: number;

  @Field(() => String)
  productId!: string;

  @Field(() => Float, { description: "Weighted activity that halves with age." })
  score!: number;

  @Field(() => Int)
  views!: number;

  @Field(() => Int)
  cartAdds!: number;

  @Field(() => Int)
  purchases!: number;
}

export const AnswerSource = { LIVE: "live", LAKE: "lake" } as const;
export type AnswerSource = (typeof AnswerSource)[keyof typeof AnswerSource];

registerEnumType(AnswerSource, {
  name: "AnswerSource",
  valuesConfig: {
    LIVE: { description: "The hot store: the newest that the stream knows." },
    LAKE: { description: "A committed snapshot of the lake." },
  },
});

@ObjectType({ description: "The most popular products at the end of a window.", simpleResolvers: true })
export class PopularProducts {
  @Field(() => DateTime, { nullable: true, description: "Null before the first window." })
  windowStart!: number | null;

  @Field(() => DateTime, { nullable: true })
  windowEnd!: number | null;

  @Field(() => [PopularProduct], { description: "By rank." })
  items!: readonly PopularProduct[];

  @Field(() => AnswerSource)
  source!: AnswerSource;

  @Field(() => Freshness)
  freshness!: Freshness;
}

@InputType()
export class ProductFilter {
  @Field(() => [String], { nullable: true, description: "Only these products, at most 200." })
  ids?: string[] | null;

  @Field(() => String, { nullable: true })
  categoryId?: string | null;

  @Field(() => String, { nullable: true })
  brand?: string | null;
}

@ArgsType()
export class ProductsArgs extends PageArgs {
  @Field(() => ProductFilter, { nullable: true })
  filter?: ProductFilter | null;
}

@ArgsType()
export class PopularProductsArgs {
  @Field(() => Int, { defaultValue: 10, description: "1 to 100; the stream keeps no more than its own top." })
  limit!: number;

  @Field(() => String, { nullable: true, description: "Of this category alone, ranked every ten minutes." })
  categoryId?: string | null;

  @Field(() => String, { nullable: true, description: "Lake snapshot to read instead of the live list." })
  asOf?: string | null;
}
