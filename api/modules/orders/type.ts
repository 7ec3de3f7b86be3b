import { ArgsType, Field, InputType, Int, ObjectType, registerEnumType } from "type-graphql";
import { DateTime } from "../common/scalars.ts";
import { connectionOf, Money, PageArgs } from "../common/types.ts";

export const OrderStatus = {
  PLACED: "placed",
  PAID: "paid",
  SHIPPED: "shipped",
  DELIVERED: "delivered",
  CANCELLED: "cancelled",
  REFUNDED: "refunded",
} as const;
export type OrderStatus = (typeof OrderStatus)[keyof typeof OrderStatus];
export const PaymentStatus = {
  AUTHORIZED: "authorized",
  CAPTURED: "captured",
  FAILED: "failed",
  REFUNDED: "refunded",
} as const;
export type PaymentStatus = (typeof PaymentStatus)[keyof typeof PaymentStatus];

registerEnumType(OrderStatus, { name: "OrderStatus", description: "How far an order has come." });
registerEnumType(PaymentStatus, { name: "PaymentStatus", description: "How far a payment has come." });

@ObjectType({
  description: "The payment of an order: of those that did not fail the newest, else the newest.",
  simpleResolvers: true,
})
export class OrderPayment {
  @Field(() => String)
  id!: string;

  @Field(() => PaymentStatus)
  status!: PaymentStatus;

  @Field(() => DateTime, { description: "When it took this status." })
  time!: number;

  @Field(() => Money)
  amount!: Money;

  @Field(() => String, { nullable: true, description: "Country of the card's issuer." })
  cardCountry!: string | null;
}

@ObjectType({
  description: "The buyer's profile as it was when the order was placed.",
  simpleResolvers: true,
})
export class OrderProfile {
  @Field(() => DateTime, { description: "When it was set." })
  time!: number;

  @Field(() => String, { nullable: true })
  country!: string | null;

  @Field(() => String, { nullable: true })
  segment!: string | null;

  @Field(() => DateTime, { nullable: true, description: "When the account was opened." })
  signupTime!: number | null;
}

@ObjectType({
  description: "An order as it stands, with its payment and its buyer's profile.",
  simpleResolvers: true,
})
export class Order {
  @Field(() => String)
  id!: string;

  @Field(() => String)
  userId!: string;

  @Field(() => DateTime, { description: "When it was placed." })
  orderTime!: number;

  @Field(() => OrderStatus)
  status!: OrderStatus;

  @Field(() => DateTime, { description: "When it took this status." })
  statusTime!: number;

  @Field(() => Money)
  total!: Money;

  @Field(() => Int, { description: "Units in the order." })
  itemCount!: number;

  @Field(() => String, { nullable: true })
  paymentMethod!: string | null;

  @Field(() => String, { nullable: true })
  billingCountry!: string | null;

  @Field(() => String, { nullable: true })
  shippingCountry!: string | null;

  @Field(() => OrderPayment, { nullable: true, description: "Null: none came." })
  payment!: OrderPayment | null;

  @Field(() => Int, { description: "Records of failed payments." })
  failedPayments!: number;

  @Field(() => Boolean, { description: "Whether none was authorized or captured within the time for it." })
  paymentMissing!: boolean;

  @Field(() => OrderProfile, { nullable: true, description: "Null: none was known of that time." })
  profile!: OrderProfile | null;

  @Field(() => Int, { description: "Each change of the order has a higher one." })
  revision!: number;
}

export const OrderConnection = connectionOf(Order, "Order");

@InputType({ description: "All given conditions must hold." })
export class OrderFilter {
  @Field(() => String, { nullable: true })
  userId?: string | null;

  @Field(() => OrderStatus, { nullable: true, description: "As they stand." })
  status?: OrderStatus | null;

  @Field(() => Boolean, { nullable: true, description: "Only those without a payment in time, or with one." })
  paymentMissing?: boolean | null;

  @Field(() => DateTime, { nullable: true, description: "Orders placed at or after it." })
  from?: number | null;

  @Field(() => DateTime, { nullable: true, description: "Orders placed before it." })
  to?: number | null;
}

@ArgsType()
export class OrdersArgs extends PageArgs {
  @Field(() => OrderFilter, { nullable: true })
  filter?: OrderFilter | null;
}
