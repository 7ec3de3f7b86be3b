import {
  appendRuleChanges,
  bronzeRuleChanges,
  type ChangedRule,
  type EventLog,
  newestRules,
  RULE_CHANGES_SQL,
  type Rule,
  type RuleVersion,
  readRules,
  requireKnownRule,
  ruleHistory,
} from "../../../stream/index.ts";
import type { Caller } from "../common/caller.ts";
import { userError } from "../common/errors.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { optionalText, text, time } from "../common/row.ts";
import type { AcceptedRuleChange, OrderRule, OrderRuleChange, RuleChangeArgs } from "./type.ts";

export class RulesService {
  private readonly lake: LakeReader;
  private readonly log: EventLog;
  private readonly clock: () => number;

  constructor(lake: LakeReader, log: EventLog, clock: () => number) {
    this.lake = lake;
    this.log = log;
    this.clock = clock;
  }

  /** Changes or adds a rule; `invalid-rules` names all that is wrong with it. */
  set(text: string, args: RuleChangeArgs, caller: Caller): Promise<AcceptedRuleChange> {
    const [rule] = readRules({ rules: [parsed(text)] });
    return this.append({ id: rule.id, rule }, args, caller);
  }

  /** Switches a rule off; `invalid-argument` names those that there are where it is none of them. */
  async disable(id: string, args: RuleChangeArgs, caller: Caller): Promise<AcceptedRuleChange> {
    await requireKnownRule(id, this.log, () => this.history());
    return this.append({ id, rule: null }, args, caller);
  }

  /** The newest version of every rule, as the lake knows it. */
  async newest(): Promise<OrderRule[]> {
    return newestRules(await this.history()).map(({ id, version, rule, change }) => ({
      id,
      version,
      rule: json(rule),
      change: change === null ? null : toChange(change),
    }));
  }

  /** Every change, in the order in which they were made. */
  async changes(): Promise<OrderRuleChange[]> {
    return (await this.history()).map(toChange);
  }

  private async append(
    { id, rule }: ChangedRule,
    { reason = null, effectiveFrom = null }: RuleChangeArgs,
    { name }: Caller,
  ): Promise<AcceptedRuleChange> {
    const made = { now: this.clock(), from: effectiveFrom, changedBy: name, reason };
    const effectiveTime = await appendRuleChanges(this.log, [{ id, rule }], made);
    const accepted = { ruleId: id, changeTime: made.now, effectiveTime, changedBy: name, reason };
    return { ...accepted, to: json(rule) };
  }

  private async history(): Promise<RuleVersion[]> {
    const rows = await this.lake.rows(await this.lake.pin(bronzeRuleChanges), RULE_CHANGES_SQL);
    return ruleHistory(
      rows.map((row) => ({
        eventId: text(row, "event_id"),
        ruleId: text(row, "rule_id"),
        changeTime: time(row, "change_time"),
        effectiveTime: time(row, "effective_time"),
        changedBy: text(row, "changed_by"),
        reason: optionalText(row, "reason"),
        rule: optionalText(row, "rule"),
      })),
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw userError("invalid-rules", `rule is no JSON: ${(error as Error).message}`);
  }
}

function json(rule: Rule | null): string | null {
  return rule === null ? null : JSON.stringify(rule);
}

function toChange({ from, to, ...change }: RuleVersion): OrderRuleChange {
  return { ...change, from: json(from), to: json(to) };
}
