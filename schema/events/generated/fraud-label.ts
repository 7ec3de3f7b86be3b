// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { BooleanColumn, EventBatch, Float64Column, KeyColumn, TextColumn } from "../../columns/index.ts";
import type { EventContract } from "../contract.ts";

/** What became known about an order: a chargeback, or a review's verdict. The event as a JSON object. */
export interface FraudLabel {
  /** Idempotency key given by the producer. */
  readonly eventId: string;
  /** The order that is judged. */
  readonly orderId: string;
  /** The buyer. */
  readonly userId: string;
  /** When it became known; no earlier feature may use it. Milliseconds since the Unix epoch. */
  readonly labelTime: number;
  /** The verdict. */
  readonly isFraud: boolean;
  /** Who says so, such as chargeback or review. */
  readonly source?: string | null;
}

/** Decoded fraud-labels: one named column per field. */
export interface FraudLabelBatch extends EventBatch {
  readonly eventId: TextColumn;
  readonly orderId: TextColumn;
  readonly userId: KeyColumn;
  readonly labelTime: Float64Column;
  readonly isFraud: BooleanColumn;
  readonly source: TextColumn;
}

export const fraudLabelV1: EventContract & { readonly name: "fraud-label" } = {
  name: "fraud-label",
  topic: "fraud-labels",
  version: 1,
  doc: "What became known about an order: a chargeback, or a review's verdict.",
  idField: "eventId",
  timeField: "labelTime",
  keyField: "userId",
  fields: [
    { name: "eventId", column: "event_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Idempotency key given by the producer." },
    { name: "orderId", column: "order_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "The order that is judged." },
    { name: "userId", column: "user_id", type: "string", nullable: false, key: true, symbols: null, min: null, max: null, maxBytes: 256, doc: "The buyer." },
    { name: "labelTime", column: "label_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When it became known; no earlier feature may use it." },
    { name: "isFraud", column: "is_fraud", type: "boolean", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: null, doc: "The verdict." },
    { name: "source", column: "source", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Who says so, such as chargeback or review." },
  ],
};
