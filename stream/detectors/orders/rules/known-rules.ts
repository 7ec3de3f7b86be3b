import {
  columnValue,
  createDecoder,
  type RuleChangeBatch,
  ruleChangeContract,
  unknownName,
} from "../../../../schema/index.ts";
import type { EventLog } from "../../../ports/event-log.ts";
import { READ_TO_END_RECORDS_MAX, readToEnd } from "../../../sources/read-to-end.ts";
import { DEFAULT_RULES } from "./rule.ts";
import type { RuleVersion } from "./rule-history.ts";

/**
 * Refuses, with `invalid-argument` and the rules that there are, an id that no rule ever had: none that was shipped,
 * none that the lake's record of changes knows to have been set, and none set since, which only the log has yet.
 */
export async function requireKnownRule(
  id: string,
  log: EventLog,
  history: () => Promise<readonly RuleVersion[]>,
): Promise<void> {
  const known = new Set(DEFAULT_RULES.map((rule) => rule.id));
  if (known.has(id)) return;
  for (const { ruleId, to } of await history()) if (to !== null) known.add(ruleId);
  for (const ruleId of await loggedRules(log)) known.add(ruleId);
  if (!known.has(id)) throw unknownName("rule", id, [...known]);
}

/** Rules that were set by changes which the log still keeps; its retention spares what the lake has not. */
async function loggedRules(log: EventLog): Promise<Set<string>> {
  const { topic } = ruleChangeContract;
  const decoder = createDecoder(ruleChangeContract, { capacity: READ_TO_END_RECORDS_MAX });
  const found = new Set<string>();
  const spec = (await log.topics()).find(({ name }) => name === topic);
  for (let partition = 0; partition < (spec?.partitions ?? 0); partition++) {
    await readToEnd(log, { topic, partition, offset: 0 }, (records) =>
      addSet(decoder.decode(records, 0, records.count), found),
    );
  }
  return found;
}

/** Adds the ids of the rules that changes set; those that only switch one off say nothing of whether it is there. */
function addSet({ length, ruleId, rule }: RuleChangeBatch, found: Set<string>): void {
  for (let row = 0; row < length; row++) {
    if (columnValue(rule, row) !== null) found.add(String(columnValue(ruleId, row)));
  }
}
