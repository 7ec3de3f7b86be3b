// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { EnumColumn, EventBatch, Float64Column, KeyColumn, TextColumn } from "../../columns/index.ts";
import type { EventContract } from "../contract.ts";

/** A change of a payment's status. The event as a JSON object. */
export interface Payment {
  /** Idempotency key given by the producer. */
  readonly eventId: string;
  /** The payment. */
  readonly paymentId: string;
  /** The order that is paid. */
  readonly orderId: string;
  /** The buyer, by the id that the order and the events of the purchase carry: they meet by it. */
  readonly userId: string;
  /** When the payment took this status. Milliseconds since the Unix epoch. */
  readonly paymentTime: number;
  /** The payment's new status. */
  readonly status: "authorized" | "captured" | "failed" | "refunded";
  /** Amount in minor units of currency. */
  readonly amountMinor: number;
  /** ISO 4217 code of amountMinor. */
  readonly currency: string;
  /** How it is paid, such as card. */
  readonly method?: string | null;
  /** Token of the card, never its number. */
  readonly cardFingerprint?: string | null;
  /** ISO 3166-1 alpha-2 code of the card's issuer. */
  readonly cardCountry?: string | null;
  /** Why it failed, in the processor's words. */
  readonly failureReason?: string | null;
}

/** Decoded payments: one named column per field. */
export interface PaymentBatch extends EventBatch {
  readonly eventId: TextColumn;
  readonly paymentId: TextColumn;
  readonly orderId: TextColumn;
  readonly userId: KeyColumn;
  readonly paymentTime: Float64Column;
  readonly status: EnumColumn;
  readonly amountMinor: Float64Column;
  readonly currency: TextColumn;
  readonly method: TextColumn;
  readonly cardFingerprint: TextColumn;
  readonly cardCountry: TextColumn;
  readonly failureReason: TextColumn;
}

export const paymentV1: EventContract & { readonly name: "payment" } = {
  name: "payment",
  topic: "payments",
  version: 1,
  doc: "A change of a payment's status.",
  idField: "eventId",
  timeField: "paymentTime",
  keyField: "userId",
  fields: [
    { name: "eventId", column: "event_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Idempotency key given by the producer." },
    { name: "paymentId", column: "payment_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "The payment." },
    { name: "orderId", column: "order_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "The order that is paid." },
    { name: "userId", column: "user_id", type: "string", nullable: false, key: true, symbols: null, min: null, max: null, maxBytes: 256, doc: "The buyer, by the id that the order and the events of the purchase carry: they meet by it." },
    { name: "paymentTime", column: "payment_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When the payment took this status." },
    { name: "status", column: "status", type: "enum", nullable: false, key: false, symbols: ["authorized","captured","failed","refunded"], min: null, max: null, maxBytes: null, doc: "The payment's new status." },
    { name: "amountMinor", column: "amount_minor", type: "long", nullable: false, key: false, symbols: null, min: -9007199254740991, max: 9007199254740991, maxBytes: null, doc: "Amount in minor units of currency." },
    { name: "currency", column: "currency", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "ISO 4217 code of amountMinor." },
    { name: "method", column: "method", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "How it is paid, such as card." },
    { name: "cardFingerprint", column: "card_fingerprint", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Token of the card, never its number." },
    { name: "cardCountry", column: "card_country", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "ISO 3166-1 alpha-2 code of the card's issuer." },
    { name: "failureReason", column: "failure_reason", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Why it failed, in the processor's words." },
  ],
};
