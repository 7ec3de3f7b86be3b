// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { BooleanColumn, EventBatch, Float64Column, Int32Column, TextColumn } from "../../columns/index.ts";
import type { EventContract } from "../contract.ts";

/** A dead letter that was sent again; the record of who sent what and when. The event as a JSON object. */
export interface DeadLetterResend {
  /** The letter: TOPIC-PARTITION-OFFSET@MS, its place in the log and when the log took it. */
  readonly eventId: string;
  /** Topic of the refused record, and of the event that was sent. */
  readonly letterTopic: string;
  /** Partition of the refused record. */
  readonly letterPartition: number;
  /** Offset of the refused record. */
  readonly letterOffset: number;
  /** When the log took the refused record. Milliseconds since the Unix epoch. */
  readonly letterTime: number;
  /** Why it was refused. */
  readonly letterReason: string;
  /** When it was sent again. Milliseconds since the Unix epoch. */
  readonly resentTime: number;
  /** Who sent it. */
  readonly resentBy: string;
  /** Why, or how it was repaired. */
  readonly note?: string | null;
  /** Id of the event that was sent: it has the event's rows in the topic's tables. */
  readonly resentEventId: string;
  /** Whether the event differs from what had been received. */
  readonly isRepaired: boolean;
}

/** Decoded dead-letter-resends: one named column per field. */
export interface DeadLetterResendBatch extends EventBatch {
  readonly eventId: TextColumn;
  readonly letterTopic: TextColumn;
  readonly letterPartition: Int32Column;
  readonly letterOffset: Float64Column;
  readonly letterTime: Float64Column;
  readonly letterReason: TextColumn;
  readonly resentTime: Float64Column;
  readonly resentBy: TextColumn;
  readonly note: TextColumn;
  readonly resentEventId: TextColumn;
  readonly isRepaired: BooleanColumn;
}

export const deadLetterResendV1: EventContract & { readonly name: "dead-letter-resend" } = {
  name: "dead-letter-resend",
  topic: "dead-letter-resends",
  version: 1,
  doc: "A dead letter that was sent again; the record of who sent what and when.",
  idField: "eventId",
  timeField: "resentTime",
  keyField: "eventId",
  fields: [
    { name: "eventId", column: "event_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 512, doc: "The letter: TOPIC-PARTITION-OFFSET@MS, its place in the log and when the log took it." },
    { name: "letterTopic", column: "letter_topic", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Topic of the refused record, and of the event that was sent." },
    { name: "letterPartition", column: "letter_partition", type: "int", nullable: false, key: false, symbols: null, min: 0, max: 2147483647, maxBytes: null, doc: "Partition of the refused record." },
    { name: "letterOffset", column: "letter_offset", type: "long", nullable: false, key: false, symbols: null, min: 0, max: 9007199254740991, maxBytes: null, doc: "Offset of the refused record." },
    { name: "letterTime", column: "letter_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When the log took the refused record." },
    { name: "letterReason", column: "letter_reason", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Why it was refused." },
    { name: "resentTime", column: "resent_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When it was sent again." },
    { name: "resentBy", column: "resent_by", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Who sent it." },
    { name: "note", column: "note", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Why, or how it was repaired." },
    { name: "resentEventId", column: "resent_event_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Id of the event that was sent: it has the event's rows in the topic's tables." },
    { name: "isRepaired", column: "is_repaired", type: "boolean", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: null, doc: "Whether the event differs from what had been received." },
  ],
};
