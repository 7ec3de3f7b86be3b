import { bronzeTable, ruleChangeContract, tableName } from "../../../../schema/index.ts";
import { DEFAULT_RULES, type Rule, ruleOfJson } from "./rule.ts";

/** The record of changes: who changed what, when, why, and from when on it holds. Only appended to. */
export const bronzeRuleChanges = bronzeTable(ruleChangeContract);

/** Rows for {@link ruleHistory}; `{…}` as query engines take tables. */
export const RULE_CHANGES_SQL =
  `select event_id, rule_id, change_time, effective_time, changed_by, reason, rule ` +
  `from {${tableName(bronzeRuleChanges)}} order by _partition, _offset`;

/** Times in ms. */
export interface RuleChangeRow {
  readonly eventId: string;
  readonly ruleId: string;
  readonly changeTime: number;
  readonly effectiveTime: number;
  readonly changedBy: string;
  readonly reason: string | null;
  readonly rule: string | null;
}

/** A change with what it changed. */
export interface RuleVersion {
  readonly ruleId: string;
  /** As alerts name it: 1 as shipped. */
  readonly version: number;
  readonly changeTime: number;
  readonly effectiveTime: number;
  readonly changedBy: string;
  readonly reason: string | null;
  /** Null: there was none, or it was off; and it is off from then on. */
  readonly from: Rule | null;
  readonly to: Rule | null;
}

/** Versions of rules from their changes in log order; numbers are those that the stream gives them. */
export function ruleHistory(rows: readonly RuleChangeRow[]): RuleVersion[] {
  const newest = new Map<string, { version: number; rule: Rule | null }>();
  for (const rule of DEFAULT_RULES) newest.set(rule.id, { version: 1, rule });
  const taken = new Set<string>();
  const versions: RuleVersion[] = [];
  for (const { eventId, ruleId, rule, ...change } of rows) {
    const to = ruleOfJson(rule);
    if (to === undefined || taken.has(eventId)) continue;
    taken.add(eventId);
    const before = newest.get(ruleId) ?? { version: 0, rule: null };
    const version = before.version + 1;
    newest.set(ruleId, { version, rule: to });
    versions.push({ ruleId, version, ...change, from: before.rule, to });
  }
  return versions;
}

/** The newest version of every rule; `change` is null for one as it was shipped. */
export function newestRules(history: readonly RuleVersion[]): {
  readonly id: string;
  readonly version: number;
  readonly rule: Rule | null;
  readonly change: RuleVersion | null;
}[] {
  const ids = new Set([...DEFAULT_RULES.map(({ id }) => id), ...history.map(({ ruleId }) => ruleId)]);
  return [...ids].map((id) => {
    const change = history.findLast(({ ruleId }) => ruleId === id) ?? null;
    const shipped = DEFAULT_RULES.find((rule) => rule.id === id) ?? null;
    return { id, version: change?.version ?? 1, rule: change === null ? shipped : change.to, change };
  });
}
