// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { EventBatch, Float64Column, TextColumn } from "../../columns/index.ts";
import type { EventContract, JsonStructure } from "../contract.ts";

/** A change of a rule that judges orders; the record of who changed what and when. The event as a JSON object. */
export interface RuleChange {
  /** Idempotency key given by the producer. */
  readonly eventId: string;
  /** The rule. */
  readonly ruleId: string;
  /** When it was changed. Milliseconds since the Unix epoch. */
  readonly changeTime: number;
  /** Order time from which it holds. Milliseconds since the Unix epoch. */
  readonly effectiveTime: number;
  /** Who changed it. */
  readonly changedBy: string;
  /** Why. */
  readonly reason?: string | null;
  /** The rule from then on; null switches it off. */
  readonly rule?: JsonStructure | null;
}

/** Decoded rule-changes: one named column per field. */
export interface RuleChangeBatch extends EventBatch {
  readonly eventId: TextColumn;
  readonly ruleId: TextColumn;
  readonly changeTime: Float64Column;
  readonly effectiveTime: Float64Column;
  readonly changedBy: TextColumn;
  readonly reason: TextColumn;
  readonly rule: TextColumn;
}

export const ruleChangeV1: EventContract & { readonly name: "rule-change" } = {
  name: "rule-change",
  topic: "rule-changes",
  version: 1,
  doc: "A change of a rule that judges orders; the record of who changed what and when.",
  idField: "eventId",
  timeField: "changeTime",
  keyField: "ruleId",
  fields: [
    { name: "eventId", column: "event_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Idempotency key given by the producer." },
    { name: "ruleId", column: "rule_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "The rule." },
    { name: "changeTime", column: "change_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When it was changed." },
    { name: "effectiveTime", column: "effective_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "Order time from which it holds." },
    { name: "changedBy", column: "changed_by", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Who changed it." },
    { name: "reason", column: "reason", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Why." },
    { name: "rule", column: "rule", type: "json", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 65536, doc: "The rule from then on; null switches it off." },
  ],
};
