import { type AppendBatch, DEFAULT_RULES, TopicWriter } from "../../../stream/index.ts";

/**
 * A change of a rule from the beginning of time on: orders are suspicious from a total on that the
 * dearest of a small shop are over.
 */
export function lowerOrderAmount(partitions: number): readonly AppendBatch[] {
  const id = "order-amount";
  const rule = { ...DEFAULT_RULES.find((one) => one.id === id), totalMinorMin: 50_000 };
  const change = {
    eventId: "lower-order-amount",
    ruleId: id,
    changeTime: 1,
    effectiveTime: 1,
    changedBy: "scenario",
    reason: "a small shop",
    rule,
  };
  const writer = new TopicWriter("rule-changes", partitions);
  writer.put(id, JSON.stringify(change));
  const batches: AppendBatch[] = [];
  writer.drain(batches);
  return batches;
}
