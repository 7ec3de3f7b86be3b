import { KeyDictionary, type RuleChangeBatch, type StateSection } from "../../../../schema/index.ts";
import { NO_VERSION, VersionChains } from "../../../operators/version-chains.ts";
import { DEFAULT_RULES, type Rule, ruleOfJson } from "./rule.ts";

/** Most rules that there ever were: each is a bit of a number in an order's state. */
const IDS_MAX = 31;

/** A rule as of some order time. */
export interface RuleInForce {
  readonly rule: Rule;
  /** 1 as shipped; each change has the next number. */
  readonly version: number;
  /** Stands for the rule's id in state; below 31. */
  readonly index: number;
}

/**
 * The rules as they were at any order time: those that the platform is shipped with, and behind them
 * what was changed. An order is judged by what was in force when it was placed, so a replay judges
 * it the same; a change should be in the log before the orders that it is for.
 */
export class RuleBook {
  private readonly ids: KeyDictionary;
  private readonly texts: KeyDictionary;
  private readonly text;
  private readonly version;
  /** Changes of each rule that came. */
  private readonly changes;
  private readonly chains: VersionChains;
  /** Parsed changes by slot; derived. */
  private parsed = new Map<number, Rule | null>();

  /** @param section of its own: its blob is taken */
  constructor(section: StateSection) {
    this.ids = section.dictionary(new KeyDictionary("rule", 64));
    this.texts = section.dictionary(new KeyDictionary("rule-text", 64));
    this.text = section.int32("text", -1);
    this.version = section.int32("version");
    this.changes = section.int32("changes");
    // All of them: people change rules, and an order of long ago is judged by those of its time.
    this.chains = new VersionChains(section, [this.text, this.version], Number.POSITIVE_INFINITY);
    for (const { id } of DEFAULT_RULES) this.ids.internText(id);
  }

  /** Takes changes; one that holds no rule is left out, and one that was taken before changes nothing. */
  fold(batch: RuleChangeBatch): void {
    for (let row = 0; row < batch.length; row++) this.foldRow(batch, row);
  }

  /** The rules in force at an order time, those that are switched off left out. */
  at(timeMs: number): RuleInForce[] {
    const rules: RuleInForce[] = [];
    for (let index = 0; index < this.ids.size; index++) {
      const inForce = this.ruleAt(index, timeMs);
      if (inForce !== null) rules.push(inForce);
    }
    return rules;
  }

  afterRestore(): void {
    this.parsed = new Map();
    // Those that came with a newer version of the program.
    for (const { id } of DEFAULT_RULES) this.ids.internText(id);
  }

  private foldRow(batch: RuleChangeBatch, row: number): void {
    const { ruleId, rule } = batch;
    const isOff = rule.start[row] < 0;
    const json = isOff ? null : Buffer.from(rule.bytes.subarray(rule.start[row], rule.end[row])).toString();
    if (ruleOfJson(json) === undefined) return;
    const id = Buffer.from(ruleId.bytes.subarray(ruleId.start[row], ruleId.end[row])).toString();
    if (this.ids.size >= IDS_MAX && this.ids.find(id) < 0) return;
    const index = this.ids.internText(id);
    const since = batch.effectiveTime.values[row];
    const text = isOff ? -1 : this.texts.intern(rule.bytes, rule.start[row], rule.end[row]);
    this.chains.ensureKeys(this.ids.size);
    this.changes.ensure(this.ids.size);
    const known = this.chains.at(index, since);
    const isKnown = known !== NO_VERSION && this.chains.timeOf(known) === since;
    if (isKnown && this.text.values[known] === text) return;
    const slot = this.chains.put(index, since);
    if (slot === NO_VERSION) return;
    this.changes.values[index] += 1;
    this.changes.mark(index);
    this.text.values[slot] = text;
    this.version.values[slot] = this.changes.values[index] + (shipped(id) === undefined ? 0 : 1);
    this.parsed.delete(slot);
  }

  private ruleAt(index: number, timeMs: number): RuleInForce | null {
    const slot = this.chains.at(index, timeMs);
    if (slot === NO_VERSION || this.chains.timeOf(slot) > timeMs) {
      const rule = shipped(this.ids.text(index));
      return rule === undefined ? null : { rule, version: 1, index };
    }
    let rule = this.parsed.get(slot);
    if (rule === undefined) {
      const text = this.text.values[slot];
      rule = text < 0 ? null : (ruleOfJson(this.texts.text(text)) ?? null);
      this.parsed.set(slot, rule);
    }
    return rule === null ? null : { rule, version: this.version.values[slot], index };
  }
}

function shipped(id: string): Rule | undefined {
  return DEFAULT_RULES.find((rule) => rule.id === id);
}
