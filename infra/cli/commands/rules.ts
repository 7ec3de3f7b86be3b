import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { QueryEngine, SqlValue } from "../../../lakehouse/index.ts";
import { MillraceError, ruleChangeContract } from "../../../schema/index.ts";
import {
  appendRuleChanges,
  assertInputFile,
  type ChangedRule,
  newestRules,
  RULE_CHANGES_SQL,
  type Rule,
  type RuleAuthorship,
  type RuleVersion,
  readRules,
  requireKnownRule,
  ruleHistory,
} from "../../../stream/index.ts";
import type { CliIo } from "../cli-io.ts";
import { withTopic } from "../log-session.ts";
import { withPlatform } from "../platform-session.ts";
import { authorOf } from "../plugin-argument.ts";
import { wrongUsage } from "../replay-history.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface RulesOptions extends Record<string, unknown> {
  readonly json?: boolean;
  readonly reason?: string;
  readonly from?: string;
}

export function registerRules(program: Command, io: CliIo): void {
  const rules = program
    .command("rules")
    .description(
      "the rules that judge orders: what they are, who changed them, and changing them while all runs",
    );
  const withJson = (command: Command): Command =>
    withSettings(command).option("--json", "one JSON document on standard output");
  const changing = (command: Command): Command =>
    withJson(command)
      .option("--reason <text>", "for the record")
      .option(
        "--from <time>",
        "order time from which it holds, such as 2026-01-31T12:00:00Z; in a few seconds",
      );

  withJson(rules.command("list"))
    .description(
      "the newest version of every rule, as the lake knows it: a change is there with the next checkpoint",
    )
    .action((options: RulesOptions) => list(options, io));
  withJson(rules.command("history"))
    .description("every change, with who made it and what it changed")
    .action((options: RulesOptions) => history(options, io));
  changing(rules.command("set"))
    .description('change or add the rules of a file: { "rules": [ … ] }, as `rules list --json` prints them')
    .argument("<file>", "a JSON document")
    .action((file: string, options: RulesOptions) => set(file, options, io));
  changing(rules.command("off"))
    .description("switch a rule off")
    .argument("<rule>", "its id")
    .action((id: string, options: RulesOptions) => off(id, options, io));
}

async function off(id: string, options: RulesOptions, io: CliIo): Promise<void> {
  const authorship = authorshipOf(options, io);
  await withPlatform(configOf(options, io), io, { runsWorkers: false }, ({ log, queryEngine }) =>
    requireKnownRule(id, log, () => historyIn(queryEngine)),
  );
  await append([{ id, rule: null }], authorship, options, io);
}

async function set(file: string, options: RulesOptions, io: CliIo): Promise<void> {
  const path = resolve(io.folder, file);
  await assertInputFile(path);
  const text = await readFile(path, "utf8");
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new MillraceError(`${file} is no JSON: ${(error as Error).message}`, {
      code: "invalid-rules",
      origin: "user",
    });
  }
  const rules = readRules(document);
  await append(
    rules.map((rule) => ({ id: rule.id, rule })),
    authorshipOf(options, io),
    options,
    io,
  );
}

function authorshipOf(options: RulesOptions, io: CliIo): RuleAuthorship {
  const from = options.from === undefined ? null : Date.parse(options.from);
  if (Number.isNaN(from)) {
    throw wrongUsage(`--from takes a time such as 2026-01-31T12:00:00Z, not ${options.from}`);
  }
  return { now: io.clock(), from, changedBy: authorOf(io), reason: options.reason ?? null };
}

async function append(
  changed: readonly ChangedRule[],
  authorship: RuleAuthorship,
  options: RulesOptions,
  io: CliIo,
): Promise<void> {
  const effectiveTime = await withTopic(
    ruleChangeContract.topic,
    configOf(options, io),
    io,
    { makesHome: false },
    ({ adapters }) => appendRuleChanges(adapters.log, changed, authorship),
  );
  const since = new Date(effectiveTime).toISOString();
  const ids = changed.map(({ id }) => id);
  if (options.json === true) io.out(`${JSON.stringify({ changed: ids, effectiveTime: since })}\n`);
  else io.out(`${ids.join(", ")}: holds for orders from ${since} on\n`);
}

async function list(options: RulesOptions, io: CliIo): Promise<void> {
  const rules = newestRules(await versions(options, io));
  if (options.json === true) {
    const shown = rules.flatMap(({ rule }) => (rule === null ? [] : [rule]));
    const known = rules.map(({ id, version, rule, change }) => ({
      id,
      version,
      isOff: rule === null,
      change,
    }));
    io.out(`${JSON.stringify({ rules: shown, versions: known })}\n`);
    return;
  }
  const rows = rules.map(({ id, version, rule, change }) => [
    `${id}@${version}`,
    rule === null ? "off" : parametersOf(rule),
    change === null
      ? "as shipped"
      : `${change.changedBy}, from ${new Date(change.effectiveTime).toISOString()}`,
  ]);
  io.out(textTable([["rule", "parameters", "by"], ...rows]));
}

async function history(options: RulesOptions, io: CliIo): Promise<void> {
  const changes = await versions(options, io);
  if (options.json === true) {
    io.out(`${JSON.stringify({ changes })}\n`);
    return;
  }
  for (const { ruleId, version, changeTime, effectiveTime, changedBy, reason, from, to } of changes) {
    const [at, holds] = [changeTime, effectiveTime].map((time) => new Date(time).toISOString());
    io.out(
      `${at} ${ruleId}@${version} by ${changedBy}, for orders from ${holds} on: ${reason ?? "no reason given"}\n`,
    );
    io.out(
      `  ${from === null ? "none" : parametersOf(from)}\n  → ${to === null ? "off" : parametersOf(to)}\n`,
    );
  }
}

function parametersOf({ id: _id, ...parameters }: Rule): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

function versions(options: RulesOptions, io: CliIo): Promise<RuleVersion[]> {
  return withPlatform(configOf(options, io), io, { runsWorkers: false }, ({ queryEngine }) =>
    historyIn(queryEngine),
  );
}

async function historyIn(queryEngine: QueryEngine): Promise<RuleVersion[]> {
  const { rows } = await queryEngine.query(RULE_CHANGES_SQL, []);
  const text = (value: SqlValue): string | null => (value === null ? null : String(value));
  return ruleHistory(
    rows.map((row) => ({
      eventId: String(row.event_id),
      ruleId: String(row.rule_id),
      changeTime: (row.change_time as Date).getTime(),
      effectiveTime: (row.effective_time as Date).getTime(),
      changedBy: String(row.changed_by),
      reason: text(row.reason),
      rule: text(row.rule),
    })),
  );
}
