// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { EventContract } from "../contract.ts";
import type { UsualReader } from "../decoder/json-reader.ts";
import { customerEventV1, type CustomerEvent, type CustomerEventBatch } from "./customer-event.ts";
import { readUsualCustomerEvent } from "./customer-event.reader.ts";
import { orderV1, type Order, type OrderBatch } from "./order.ts";
import { readUsualOrder } from "./order.reader.ts";
import { paymentV1, type Payment, type PaymentBatch } from "./payment.ts";
import { readUsualPayment } from "./payment.reader.ts";
import { inventoryUpdateV1, type InventoryUpdate, type InventoryUpdateBatch } from "./inventory-update.ts";
import { readUsualInventoryUpdate } from "./inventory-update.reader.ts";
import { userProfileV1, type UserProfile, type UserProfileBatch } from "./user-profile.ts";
import { readUsualUserProfile } from "./user-profile.reader.ts";
import { productV1, type Product, type ProductBatch } from "./product.ts";
import { readUsualProduct } from "./product.reader.ts";
import { fraudLabelV1, type FraudLabel, type FraudLabelBatch } from "./fraud-label.ts";
import { readUsualFraudLabel } from "./fraud-label.reader.ts";
import { ruleChangeV1, type RuleChange, type RuleChangeBatch } from "./rule-change.ts";
import { readUsualRuleChange } from "./rule-change.reader.ts";
import { deadLetterResendV1, type DeadLetterResend, type DeadLetterResendBatch } from "./dead-letter-resend.ts";
import { readUsualDeadLetterResend } from "./dead-letter-resend.reader.ts";

export type { CustomerEvent, CustomerEventBatch } from "./customer-event.ts";
export type { Order, OrderBatch } from "./order.ts";
export type { Payment, PaymentBatch } from "./payment.ts";
export type { InventoryUpdate, InventoryUpdateBatch } from "./inventory-update.ts";
export type { UserProfile, UserProfileBatch } from "./user-profile.ts";
export type { Product, ProductBatch } from "./product.ts";
export type { FraudLabel, FraudLabelBatch } from "./fraud-label.ts";
export type { RuleChange, RuleChangeBatch } from "./rule-change.ts";
export type { DeadLetterResend, DeadLetterResendBatch } from "./dead-letter-resend.ts";

// The newest version of each contract.
export const customerEventContract = customerEventV1;
export const orderContract = orderV1;
export const paymentContract = paymentV1;
export const inventoryUpdateContract = inventoryUpdateV1;
export const userProfileContract = userProfileV1;
export const productContract = productV1;
export const fraudLabelContract = fraudLabelV1;
export const ruleChangeContract = ruleChangeV1;
export const deadLetterResendContract = deadLetterResendV1;

/** Every published version; the schema id of the wire format is the position, from 1. */
export const contractVersions: readonly EventContract[] = [customerEventV1, orderV1, paymentV1, inventoryUpdateV1, userProfileV1, productV1, fraudLabelV1, ruleChangeV1, deadLetterResendV1];

/** The newest version of each contract, one per topic. */
export const contracts: readonly EventContract[] = [customerEventV1, orderV1, paymentV1, inventoryUpdateV1, userProfileV1, productV1, fraudLabelV1, ruleChangeV1, deadLetterResendV1];

/** The readers of the newest versions' usual layouts, by contract. */
export const usualReaders: ReadonlyMap<EventContract, UsualReader> = new Map<EventContract, UsualReader>([
  [customerEventV1, readUsualCustomerEvent],
  [orderV1, readUsualOrder],
  [paymentV1, readUsualPayment],
  [inventoryUpdateV1, readUsualInventoryUpdate],
  [userProfileV1, readUsualUserProfile],
  [productV1, readUsualProduct],
  [fraudLabelV1, readUsualFraudLabel],
  [ruleChangeV1, readUsualRuleChange],
  [deadLetterResendV1, readUsualDeadLetterResend],
]);

/** The event type of each contract. */
export interface EventByContract {
  readonly "customer-event": CustomerEvent;
  readonly "order": Order;
  readonly "payment": Payment;
  readonly "inventory-update": InventoryUpdate;
  readonly "user-profile": UserProfile;
  readonly "product": Product;
  readonly "fraud-label": FraudLabel;
  readonly "rule-change": RuleChange;
  readonly "dead-letter-resend": DeadLetterResend;
}

/** The batch type of each contract. */
export interface BatchByContract {
  readonly "customer-event": CustomerEventBatch;
  readonly "order": OrderBatch;
  readonly "payment": PaymentBatch;
  readonly "inventory-update": InventoryUpdateBatch;
  readonly "user-profile": UserProfileBatch;
  readonly "product": ProductBatch;
  readonly "fraud-label": FraudLabelBatch;
  readonly "rule-change": RuleChangeBatch;
  readonly "dead-letter-resend": DeadLetterResendBatch;
}
