import {
  bronzeRuleChanges,
  newestRules,
  RULE_CHANGES_SQL,
  type Rule,
  type RuleVersion,
  ruleHistory,
} from "../../../stream/index.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { optionalText, text, time } from "../common/row.ts";
import type { OrderRule, OrderRuleChange } from "./type.ts";

export class RulesService {
  private readonly lake: LakeReader;

  constructor(lake: LakeReader) {
    this.lake = lake;
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

function json(rule: Rule | null): string | null {
  return rule === null ? null : JSON.stringify(rule);
}

function toChange({ from, to, ...change }: RuleVersion): OrderRuleChange {
  return { ...change, from: json(from), to: json(to) };
}
