import { createHash } from "node:crypto";
import { MillraceError, type RuleChange, ruleChangeContract } from "../../../../schema/index.ts";
import type { AppendBatch, EventLog } from "../../../ports/event-log.ts";
import { TopicWriter } from "../../../sources/batch-writer.ts";
import { partitionsOf } from "../../../sources/partitions-of.ts";
import { RULE_ID, type Rule } from "./rule.ts";

/** A change holds for orders from so long after it on: until then every task has read it. */
const LEAD_MS = 5_000;
const REASON_CHARS_MAX = 1_000;

/** What the record of changes says beside the rules. Times in ms. */
export interface RuleAuthorship {
  readonly now: number;
  /** Order time from which the changes hold; null: in a few seconds. */
  readonly from: number | null;
  readonly changedBy: string;
  readonly reason: string | null;
}

/** A rule with its new parameters, or null where it is switched off. */
export interface ChangedRule {
  readonly id: string;
  readonly rule: Rule | null;
}

/**
 * Appends changes of rules to their topic, where every task reads them, and resolves to the order time
 * from which they hold. They are durable then; a crash before leaves all of them or none. The same change
 * at the same millisecond counts once.
 */
export async function appendRuleChanges(
  log: EventLog,
  changed: readonly ChangedRule[],
  { now, from, changedBy, reason }: RuleAuthorship,
): Promise<number> {
  const { topic } = ruleChangeContract;
  const effectiveTime = from ?? now + LEAD_MS;
  if (!Number.isSafeInteger(effectiveTime) || effectiveTime < 0)
    throw refusal("invalid-argument", "a change of a rule holds from a time from 1970 on");
  if (reason !== null && reason.length > REASON_CHARS_MAX)
    throw refusal("invalid-argument", `a reason is of at most ${REASON_CHARS_MAX} characters`);
  const strange = changed.find(({ id }) => !RULE_ID.test(id));
  if (strange !== undefined)
    throw refusal("invalid-rules", `${JSON.stringify(strange.id)} is no id: a-z, 0-9 and -, at most 63`);
  const writer = new TopicWriter(topic, await partitionsOf(log, topic));
  for (const { id, rule } of changed) {
    const text = JSON.stringify({ rule, effectiveTime, changedBy, reason });
    const change: Omit<RuleChange, "rule"> & { readonly rule: Rule | null } = {
      eventId: `${id}:${now}:${createHash("sha256").update(text).digest("hex").slice(0, 16)}`,
      ruleId: id,
      changeTime: now,
      effectiveTime,
      changedBy,
      reason,
      rule,
    };
    writer.put(id, JSON.stringify(change));
  }
  const batches: AppendBatch[] = [];
  writer.drain(batches);
  await log.append(batches);
  return effectiveTime;
}

function refusal(code: string, message: string): MillraceError {
  return new MillraceError(message, { code, origin: "user" });
}
