import { MillraceError } from "../../../../schema/index.ts";
import { ALERT_SEVERITIES, type Alert } from "../../../ports/alert-bus.ts";
import defaults from "./default-rules.json" with { type: "json" };

/** What orders may have in common. `address` is the network address that placed the order. */
export const SUBJECTS = ["user", "device", "card", "address"] as const;
export type Subject = (typeof SUBJECTS)[number];
/** Countries that can be held against each other: the order's two, the profile's as of the order, the card's. */
export const COUNTRY_SIDES = ["billing", "shipping", "profile", "card"] as const;
export type CountrySide = (typeof COUNTRY_SIDES)[number];

interface RuleBase {
  readonly id: string;
  readonly severity: Alert["severity"];
}

/** So many orders of one subject within a time. */
export interface VelocityRule extends RuleBase {
  readonly kind: "velocity";
  readonly of: Subject;
  readonly orders: number;
  readonly withinMs: number;
}

/** A total from an amount on, or over a multiple of the user's own mean once there are so many orders. */
export interface AmountRule extends RuleBase {
  readonly kind: "amount";
  readonly totalMinorMin: number;
  readonly timesMean: number;
  readonly historyMin: number;
}

/** Two countries that are known and differ. */
export interface CountryRule extends RuleBase {
  readonly kind: "country";
  readonly left: CountrySide;
  readonly right: CountrySide;
}

/** An order of at least a total from one hour of the day on until another. */
export interface NightRule extends RuleBase {
  readonly kind: "night";
  readonly fromHour: number;
  readonly toHour: number;
  readonly utcOffsetMinutes: number;
  readonly totalMinorMin: number;
}

/** A user's first order, of at least a total. */
export interface FirstOrderRule extends RuleBase {
  readonly kind: "first-order";
  readonly totalMinorMin: number;
}

export type Rule = VelocityRule | AmountRule | CountryRule | NightRule | FirstOrderRule;

/** Most rules at a time. */
export const RULES_MAX = 24;
const DAY_MS = 86_400_000;
export const RULE_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

type Check = (value: unknown) => string | null;

const whole =
  (min: number, max: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? null
      : `must be a whole number from ${min} to ${max}`;
const atLeastOne: Check = (value) =>
  typeof value === "number" && value >= 1 && value <= 1000 ? null : "must be a number from 1 to 1000";
const oneOf =
  (values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string) ? null : `must be one of ${values.join(", ")}`;

const AMOUNT = whole(0, Number.MAX_SAFE_INTEGER);
const FIELDS: Readonly<Record<Rule["kind"], Readonly<Record<string, Check>>>> = {
  velocity: { of: oneOf(SUBJECTS), orders: whole(2, 1000), withinMs: whole(1000, DAY_MS) },
  amount: { totalMinorMin: AMOUNT, timesMean: atLeastOne, historyMin: whole(1, 1000) },
  country: { left: oneOf(COUNTRY_SIDES), right: oneOf(COUNTRY_SIDES) },
  night: {
    fromHour: whole(0, 23),
    toHour: whole(0, 24),
    utcOffsetMinutes: whole(-840, 840),
    totalMinorMin: AMOUNT,
  },
  "first-order": { totalMinorMin: AMOUNT },
};

/** Every problem of what should be a rule; none where it is one. */
export function ruleProblems(value: unknown): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return ["must be an object"];
  const rule = value as Readonly<Record<string, unknown>>;
  const kinds = Object.keys(FIELDS);
  const fields = kinds.includes(rule.kind as string) ? FIELDS[rule.kind as Rule["kind"]] : null;
  if (fields === null) return [`kind must be one of ${kinds.join(", ")}, it is ${JSON.stringify(rule.kind)}`];
  const checks: Readonly<Record<string, Check>> = {
    id: (id) => (typeof id === "string" && RULE_ID.test(id) ? null : "must be of a-z, 0-9 and -, at most 63"),
    severity: oneOf(ALERT_SEVERITIES),
    ...fields,
  };
  const problems = Object.entries(checks).flatMap(([name, check]) => {
    const problem = check(rule[name]);
    return problem === null ? [] : [`${name} ${problem}, it is ${JSON.stringify(rule[name]) ?? "missing"}`];
  });
  const strangers = Object.keys(rule).filter((name) => name !== "kind" && !(name in checks));
  problems.push(...strangers.map((name) => `${name} is no parameter of a ${rule.kind} rule`));
  if (rule.kind === "country" && rule.left === rule.right) problems.push("left and right must differ");
  return problems;
}

/**
 * The rules of a document `{ "rules": [ … ] }`. Throws `invalid-rules` (origin user) with every problem
 * of it at once.
 */
export function readRules(document: unknown): readonly Rule[] {
  const list = (document as { rules?: unknown } | null)?.rules;
  const problems: string[] = [];
  if (!Array.isArray(list)) problems.push('expected { "rules": [ … ] }');
  else {
    if (list.length > RULES_MAX) problems.push(`at most ${RULES_MAX} rules, not ${list.length}`);
    const ids = new Set<unknown>();
    for (const [i, rule] of list.entries()) {
      problems.push(...ruleProblems(rule).map((problem) => `rules[${i}]: ${problem}`));
      const { id } = (rule ?? {}) as { id?: unknown };
      if (ids.has(id)) problems.push(`rules[${i}]: there are two of id ${JSON.stringify(id)}`);
      ids.add(id);
    }
  }
  if (problems.length === 0) return list as Rule[];
  throw new MillraceError(`The rules are invalid:\n${problems.map((problem) => `  ${problem}`).join("\n")}`, {
    code: "invalid-rules",
    origin: "user",
  });
}

/** The rule of a change's JSON, null where it switches the rule off; undefined where it is none. */
export function ruleOfJson(json: string | null): Rule | null | undefined {
  if (json === null) return null;
  try {
    const value: unknown = JSON.parse(json);
    return ruleProblems(value).length === 0 ? (value as Rule) : undefined;
  } catch {
    return undefined;
  }
}

/** Rules that the platform is shipped with, version 1 of each. */
export const DEFAULT_RULES: readonly Rule[] = readRules(defaults);
