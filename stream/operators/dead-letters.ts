import { bronzeDeadLetters, type Refusal } from "../../schema/index.ts";
import type { OperatorOutputs } from "../runtime/operator.ts";
import { WorkTally } from "../runtime/work-tally.ts";
import type { RecordCounts } from "./record-counts.ts";

export interface DeadLetters {
  add(refusals: readonly Refusal[]): void;
}

/** Keeps refused records with reason, field and origin in `bronze.dead_letters`, and counts them. */
export function createDeadLetters(
  outputs: OperatorOutputs,
  counts: RecordCounts,
  tally: WorkTally = new WorkTally(),
): DeadLetters {
  const rows = outputs.openRows(bronzeDeadLetters);
  const out = {
    topic: rows.text("_topic"),
    partition: rows.int32("_partition"),
    offset: rows.float64("_offset"),
    ingestedAt: rows.float64("_ingested_at"),
    reason: rows.text("reason"),
    field: rows.text("field"),
    detail: rows.text("detail"),
    record: rows.text("record_base64"),
    bytes: rows.float64("record_bytes"),
  };

  function addOne(refusal: Refusal): void {
    const r = rows.next();
    rows.setText(out.topic, r, refusal.topic);
    out.partition.values[r] = refusal.partition;
    out.offset.values[r] = refusal.offset;
    out.ingestedAt.values[r] = refusal.ingestedAt;
    rows.setText(out.reason, r, refusal.reason);
    rows.setText(out.field, r, refusal.field);
    rows.setText(out.detail, r, refusal.detail);
    rows.setText(out.record, r, Buffer.from(refusal.bytes).toString("base64"));
    out.bytes.values[r] = refusal.recordBytes;
  }

  return {
    add(refusals) {
      for (const refusal of refusals) {
        addOne(refusal);
        tally.add("deadLetters", [refusal.topic, refusal.reason], 1);
      }
      counts.addRefused(refusals.length);
    },
  };
}
