import {
  columnValue,
  createDecoder,
  MillraceError,
  type RuleChangeBatch,
  ruleChangeContract,
  unknownName,
} from "../../../../schema/index.ts";
import type { EventLog } from "../../../ports/event-log.ts";
import { DEFAULT_RULES } from "./rule.ts";
import type { RuleVersion } from "./rule-history.ts";

const READ = { recordsMax: 1_000, bytesMax: 1 << 20 };
const WAIT_MS = 100;
/** Waits in a row without a record after which the log is taken for one that does not answer. */
const WAITS_MAX = 100;

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
  const decoder = createDecoder(ruleChangeContract, { capacity: READ.recordsMax });
  const found = new Set<string>();
  const spec = (await log.topics()).find(({ name }) => name === topic);
  for (let partition = 0; partition < (spec?.partitions ?? 0); partition++) {
    const { begin, end } = await log.offsets(topic, partition);
    if (begin === end) continue;
    const reader = await log.reader(topic, partition, begin);
    try {
      for (let waits = 0; reader.position < end; ) {
        const records = reader.read(READ);
        if (records?.control === "data") addSet(decoder.decode(records, 0, records.count), found);
        waits = records === null ? waits + 1 : 0;
        if (waits > WAITS_MAX) throw unread(`${topic}/${partition}@${reader.position}`);
        if (records === null) await reader.wait(WAIT_MS);
      }
    } finally {
      reader.close();
    }
  }
  return found;
}

/** Adds the ids of the rules that changes set; those that only switch one off say nothing of whether it is there. */
function addSet({ length, ruleId, rule }: RuleChangeBatch, found: Set<string>): void {
  for (let row = 0; row < length; row++) {
    if (columnValue(rule, row) !== null) found.add(String(columnValue(ruleId, row)));
  }
}

function unread(place: string): MillraceError {
  return new MillraceError(`The log does not give its records from ${place} on. Try again.`, {
    code: "log-not-read",
    origin: "external",
    retry: true,
  });
}
