import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { createProgram } from "../cli/main.ts";
import { unknownVariables } from "../config/index.ts";
import { alertsOf, commandsOf, entriesOf, unknownIn } from "./operations.ts";
import { isTestCode, readSources, repositoryRoot } from "./source-file.ts";

// What whoever runs Millrace reads at night has to be true.

const RULES = "infra/images/prometheus/rules";
const PROMETHEUS = "infra/images/prometheus/prometheus.yml";
const FOLDER = "infra/operations";
const RUNBOOK = `${FOLDER}/runbook.md`;

const read = (path: string): string => readFileSync(join(repositoryRoot, path), "utf8");
const pages = readdirSync(join(repositoryRoot, FOLDER)).filter((name) => name.endsWith(".md"));

const program = createProgram({
  out: () => undefined,
  err: () => undefined,
  input: () => Readable.from([]),
  errIsTerminal: false,
  environment: {},
  folder: repositoryRoot,
  clock: () => 0,
});

describe("the pages of operations", () => {
  test.each(pages)("%s names only commands, options and variables that exist", (name) => {
    const text = read(`${FOLDER}/${name}`);
    const commands = commandsOf(text);
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.map((words) => unknownIn(program, words)).filter((found) => found !== null)).toEqual([]);
    const variables = (text.match(/\bMILLRACE_[A-Z0-9_]+/g) ?? []).map((variable) => [variable, ""]);
    expect(unknownVariables(Object.fromEntries(variables))).toEqual([]);
  });

  test.each(pages)("%s links to files and headings that exist", (name) => {
    const broken = [...read(`${FOLDER}/${name}`).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
      .filter(([, path, anchor]) => !isThere(path === "" ? name : path, anchor))
      .map(([link]) => link);
    expect(broken).toEqual([]);
  });

  test.each([
    ["a command that there is not", ["backup-home", "--to", "x"], "no command backup-home"],
    ["half a command", ["rules"], "no command rules"],
    ["an option that there is not", ["backup", "--into", "x"], "backup has no --into"],
    ["no fault of right ones", ["replay", "bronze", "--into", "lake", "--home", "demo"], null],
  ])("a check of these would find %s", (_, words, found) => {
    expect(unknownIn(program, words)).toBe(found);
  });

  test("commands are found in blocks, over two lines, and in the middle of a line", () => {
    const page =
      "```sh\nnpx millrace backup \\\n  --to DIR   # a copy\n```\nSee `npx millrace query 'SELECT 1'`.";
    expect(commandsOf(page)).toEqual([
      ["backup", "--to", "DIR"],
      ["query", "SELECT 1"],
    ]);
  });
});

/** Whether a file, seen from the pages, is there, with such a heading. */
function isThere(path: string, anchor: string | undefined): boolean {
  const file = join(repositoryRoot, FOLDER, path);
  if (!existsSync(file)) return false;
  if (anchor === undefined) return true;
  const text = readFileSync(file, "utf8");
  return [1, 2, 3, 4].some((level) => entriesOf(text, level).some((entry) => entry.anchor === anchor));
}

describe("the runbook", () => {
  const entries = entriesOf(read(RUNBOOK), 3, "Alerts");
  const files = existsSync(join(repositoryRoot, RULES)) ? readdirSync(join(repositoryRoot, RULES)) : [];
  const alerts = files.flatMap((name) => alertsOf(read(`${RULES}/${name}`)));
  const anchorOf = (alert: string): string => alert.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, "-").toLowerCase();

  test("has an entry for each alert, where its annotation says, and for no other", () => {
    expect(entries.length).toBeGreaterThan(0);
    // A Prometheus without rules raises none.
    if (!read(PROMETHEUS).includes("rule_files")) return expect(alerts).toEqual([]);
    expect(entries.map(({ anchor }) => anchor).toSorted()).toEqual(
      alerts.map(({ name }) => anchorOf(name)).toSorted(),
    );
    for (const { name, runbook } of alerts)
      expect(runbook.endsWith(`${RUNBOOK}#${anchorOf(name)}`), `${name}: ${runbook}`).toBe(true);
  });

  test("an entry says what every one has to say", () => {
    for (const { title } of entries) {
      const text = sectionOf(read(RUNBOOK), `### ${title}`);
      for (const part of ["Means", "Look", "Causes", "Do", "Over"])
        expect(text.includes(`**${part}:**`), `${title}: ${part}`).toBe(true);
    }
  });

  test("its codes are those of errors that there are", () => {
    const sources = readSources().filter(({ path }) => !isTestCode(path));
    const table = sectionOf(read(RUNBOOK), "### Codes");
    const codes = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) => cell.match(/[a-z-]+/g) ?? []);
    expect(codes.length).toBeGreaterThan(0);
    const unknown = codes.filter((code) => !sources.some(({ text }) => text.includes(`"${code}"`)));
    expect(unknown).toEqual([]);
  });

  test("alerts are read out of rule files", () => {
    const rules = `groups:
  - name: tasks
    rules:
      - alert: MillraceLagGrowing
        expr: sum(x) > 1
        annotations:
          runbook: infra/operations/runbook.md#millrace-lag-growing
      - alert: MillraceDown
        expr: up == 0
`;
    expect(alertsOf(rules)).toEqual([
      { name: "MillraceLagGrowing", runbook: "infra/operations/runbook.md#millrace-lag-growing" },
      { name: "MillraceDown", runbook: "" },
    ]);
  });
});

function sectionOf(page: string, heading: string): string {
  const from = page.indexOf(`${heading}\n`);
  const behind = page.slice(from + heading.length);
  const end = behind.search(/^#{1,3} /m);
  return end < 0 ? behind : behind.slice(0, end);
}
