import type { Command } from "commander";

/** A heading of a page, and the anchor that it has in the forms that hosts of repositories give it. */
export interface Entry {
  readonly title: string;
  readonly anchor: string;
}

/** Headings of a level below a heading of the level above, or of the whole page. */
export function entriesOf(page: string, level: number, below?: string): Entry[] {
  const entries: Entry[] = [];
  let within = below === undefined;
  for (const [, marks, title] of page.matchAll(/^(#+) (.+)$/gm)) {
    if (below !== undefined && marks.length < level) within = title === below;
    if (within && marks.length === level) entries.push({ title, anchor: anchorOf(title) });
  }
  return entries;
}

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** The commands `npx millrace …` of a page, in blocks and in lines, as the words behind `millrace`. */
export function commandsOf(page: string): string[][] {
  const commands: string[][] = [];
  // A line of a block that ends with a backslash goes on in the next.
  for (const [, line] of page.replaceAll(/\\\n\s*/g, " ").matchAll(/npx millrace ([^`\n|#;&>]+)/g)) {
    const words = line.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
    commands.push(words.map((word) => word.replaceAll(/["']/g, "")));
  }
  return commands;
}

/** What of a command line the program does not know; null where it knows all of it. */
export function unknownIn(program: Command, words: readonly string[]): string | null {
  let command = program;
  let at = 0;
  for (; at < words.length; at++) {
    const below = command.commands.find((one) => one.name() === words[at]);
    if (below === undefined) break;
    command = below;
  }
  if (at === 0 || command.commands.length > 0) return `no command ${words.slice(0, at + 1).join(" ")}`;
  for (const word of words.slice(at)) {
    if (!word.startsWith("--") || word === "--help") continue;
    const name = word.replace(/=.*/, "");
    if (!command.options.some(({ long }) => long === name))
      return `${words.slice(0, at).join(" ")} has no ${name}`;
  }
  return null;
}

/** An alert of Prometheus' rule files, as far as a page of entries is concerned. */
export interface RuledAlert {
  readonly name: string;
  /** Of its annotation `runbook`; empty where it has none. */
  readonly runbook: string;
}

/** The alerts of a rule file, read by its lines: `- alert: NAME`, and within it `runbook: PAGE#ANCHOR`. */
export function alertsOf(rules: string): RuledAlert[] {
  const [, ...parts] = rules.split(/^\s*- alert:\s*/m);
  return parts.map((part) => ({
    name: part.slice(0, part.search(/\s/)),
    runbook: /^\s*runbook(?:_url)?:\s*["']?([^"'\s]+)/m.exec(part)?.[1] ?? "",
  }));
}
