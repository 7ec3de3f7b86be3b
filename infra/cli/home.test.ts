import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_RULES } from "../../stream/index.ts";
import type { CliIo } from "./cli-io.ts";
import { createProgram } from "./main.ts";
import { type CliRun, runCli } from "./testing/run-cli.ts";

// Which commands make a home, and what the others say where there is none.

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-home-"));
  await mkdir(join(folder, "photos"));
  await writeFile(join(folder, "rules.json"), JSON.stringify({ rules: DEFAULT_RULES }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]): Promise<CliRun> => runCli(args, { folder });

const SILENT: CliIo = {
  out: () => undefined,
  err: () => undefined,
  input: () => Readable.from([]),
  errIsTerminal: false,
  environment: {},
  folder: "",
  clock: () => 0,
};

const MAKE_ONE = ["up", "replay", "produce", "topics apply"];
const NEED_NONE = [
  ...["worker", "generate", "config print", "config check"],
  ...[
    "schemas register",
    "schemas check",
    "servers install",
    "servers start",
    "servers status",
    "servers stop",
  ],
];
/** With arguments that are right, so that only the home is missing. */
const NEED_ONE: Record<string, readonly string[]> = {
  status: [],
  "dead-letters list": [],
  "dead-letters show": ["orders-0-1"],
  "dead-letters export": [],
  "dead-letters resend": ["orders-0-1"],
  query: ["SELECT 1"],
  quality: [],
  compact: [],
  backup: ["--to", "copy"],
  consume: ["alerts"],
  train: ["fraud"],
  forecast: [],
  whatif: ["--set", "flashSaleViewsAbove=50"],
  rescale: ["--to", "3", "--into", "new"],
  "models list": ["fraud"],
  "models show": ["fraud"],
  "models promote": ["fraud", "v1"],
  "models rollback": ["fraud"],
  "models diff": ["fraud", "v1"],
  "models export": ["fraud", "--onnx", "model.onnx"],
  "rules list": [],
  "rules history": [],
  "rules set": ["rules.json"],
  "rules off": ["night-order"],
  "reports run": [],
  "reports status": [],
  "topics check": [],
  "views apply": [],
  "views check": [],
};
const CALLS = Object.entries(NEED_ONE).map(([name, args]) => [...name.split(" "), ...args]);

function namesOf(command: Command, above = ""): string[] {
  const name = `${above}${command.name()}`;
  return command.commands.length === 0
    ? [name]
    : command.commands.flatMap((below) => namesOf(below, `${name} `));
}

describe("a home that is not there", () => {
  test("is made, needed or neither by every command", () => {
    const names = createProgram(SILENT)
      .commands.filter((command) => command.name() !== "evaluate")
      .flatMap((command) => namesOf(command));
    expect([...MAKE_ONE, ...NEED_NONE, ...Object.keys(NEED_ONE)].toSorted()).toEqual(names.toSorted());
  });

  test.each([...CALLS, ["dead-letters"], ["replay", "bronze", "--into", "side"]].map((args) => [args]))(
    "is refused, and not made, by %j",
    async (args) => {
      const { code, out, err } = await run(...args, "--home", "typo");
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toBe(
        `millrace: there is no home at ${join(folder, "typo")}: name the one that is meant with --home, or make one there with \`millrace up --home ${join(folder, "typo")}\`\n`,
      );
      expect((await readdir(folder)).toSorted()).toEqual(["photos", "rules.json"]);
    },
  );

  test("is not made of a folder of something else", async () => {
    const { code, out } = await run("status", "--home", "photos", "--json");
    expect({ code, error: JSON.parse(out).error.code }).toEqual({ code: 2, error: "home-missing" });
    expect(await readdir(join(folder, "photos"))).toEqual([]);
  });

  test("is made by what writes the first records, and then read", async () => {
    expect((await runCli(["produce", "orders", "--home", "made"], { folder, input: "" })).code).toBe(0);
    expect((await run("status", "--home", "made")).code).toBe(0);
    expect(existsSync(join(folder, "made", "log"))).toBe(true);
  });
});
