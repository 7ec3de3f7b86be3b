import { expect, test } from "vitest";
import type { Refusal } from "../../schema/index.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { RecordCounts } from "./record-counts.ts";
import { CollectedOutputs } from "./testing/drive.ts";

function refusal(changes: Partial<Refusal> = {}): Refusal {
  return {
    reason: "wrong-type",
    field: "userId",
    detail: "expected text, found number 1",
    topic: "orders",
    partition: 2,
    offset: 17,
    ingestedAt: 1000,
    bytes: Uint8Array.from({ length: 256 }, (_, i) => i),
    recordBytes: 4000,
    ...changes,
  };
}

test("a refused record is kept byte by byte, with reason, field, origin and full size", () => {
  const outputs = new CollectedOutputs();
  createDeadLetters(outputs, new RecordCounts()).add([
    refusal(),
    refusal({ field: null, offset: 18, bytes: new Uint8Array(0) }),
  ]);
  const [row, second] = outputs.table("bronze.dead_letters");
  expect(row).toMatchObject({
    _topic: "orders",
    _partition: 2,
    _offset: 17,
    _ingested_at: 1000,
    reason: "wrong-type",
    field: "userId",
    detail: "expected text, found number 1",
    record_bytes: 4000,
  });
  expect(Buffer.from(String(row.record_base64), "base64")).toEqual(Buffer.from(refusal().bytes));
  expect(second).toMatchObject({ _offset: 18, field: null, record_base64: "" });
});

test("refusals are counted, over any number of batches", () => {
  const counts = new RecordCounts();
  const letters = createDeadLetters(new CollectedOutputs(), counts);
  expect(counts.refused).toBe(0);
  for (let i = 0; i < 100; i++) letters.add([refusal(), refusal({ reason: "invalid-json" }), refusal()]);
  letters.add([]);
  expect(counts.refused).toBe(300);
});
