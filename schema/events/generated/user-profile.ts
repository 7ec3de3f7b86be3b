// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { BooleanColumn, EventBatch, Float64Column, KeyColumn, TextColumn } from "../../columns/index.ts";
import type { EventContract } from "../contract.ts";

/** The newest profile of a shopper; replaces the earlier one. The event as a JSON object. */
export interface UserProfile {
  /** Idempotency key given by the producer. */
  readonly eventId: string;
  /** The shopper. */
  readonly userId: string;
  /** When the profile changed. Milliseconds since the Unix epoch. */
  readonly updateTime: number;
  /** Mail address. */
  readonly email?: string | null;
  /** ISO 3166-1 alpha-2 code. */
  readonly country?: string | null;
  /** When the account was opened. Milliseconds since the Unix epoch. */
  readonly signupTime?: number | null;
  /** Segment given by the shop. */
  readonly segment?: string | null;
  /** Whether the account was closed. */
  readonly deleted?: boolean | null;
}

/** Decoded user-profiles: one named column per field. */
export interface UserProfileBatch extends EventBatch {
  readonly eventId: TextColumn;
  readonly userId: KeyColumn;
  readonly updateTime: Float64Column;
  readonly email: TextColumn;
  readonly country: TextColumn;
  readonly signupTime: Float64Column;
  readonly segment: TextColumn;
  readonly deleted: BooleanColumn;
}

export const userProfileV1: EventContract & { readonly name: "user-profile" } = {
  name: "user-profile",
  topic: "user-profiles",
  version: 1,
  doc: "The newest profile of a shopper; replaces the earlier one.",
  idField: "eventId",
  timeField: "updateTime",
  keyField: "userId",
  fields: [
    { name: "eventId", column: "event_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Idempotency key given by the producer." },
    { name: "userId", column: "user_id", type: "string", nullable: false, key: true, symbols: null, min: null, max: null, maxBytes: 256, doc: "The shopper." },
    { name: "updateTime", column: "update_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When the profile changed." },
    { name: "email", column: "email", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Mail address." },
    { name: "country", column: "country", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "ISO 3166-1 alpha-2 code." },
    { name: "signupTime", column: "signup_time", type: "timestamp", nullable: true, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When the account was opened." },
    { name: "segment", column: "segment", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Segment given by the shop." },
    { name: "deleted", column: "deleted", type: "boolean", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: null, doc: "Whether the account was closed." },
  ],
};
