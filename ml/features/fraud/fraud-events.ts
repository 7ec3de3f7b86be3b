import type { EventBatch, FraudLabelBatch, OrderBatch, PaymentBatch } from "../../../schema/index.ts";

export const ORDER_FIELDS = [
  "orderId",
  "orderTime",
  "userId",
  "status",
  "currency",
  "totalMinor",
  "itemCount",
  "lines",
  "deviceId",
  "ipAddress",
  "billingCountry",
  "shippingCountry",
] as const satisfies readonly (keyof OrderBatch)[];

export const PAYMENT_FIELDS = [
  "paymentId",
  "orderId",
  "userId",
  "paymentTime",
  "status",
  "amountMinor",
  "currency",
  "cardFingerprint",
  "cardCountry",
] as const satisfies readonly (keyof PaymentBatch)[];

export const LABEL_FIELDS = [
  "orderId",
  "labelTime",
  "isFraud",
] as const satisfies readonly (keyof FraudLabelBatch)[];

/** The columns that the features read; the decoders' batches have them and more. */
export type OrderRows = EventBatch & Pick<OrderBatch, (typeof ORDER_FIELDS)[number]>;
export type PaymentRows = EventBatch & Pick<PaymentBatch, (typeof PAYMENT_FIELDS)[number]>;
export type LabelRows = EventBatch & Pick<FraudLabelBatch, (typeof LABEL_FIELDS)[number]>;
