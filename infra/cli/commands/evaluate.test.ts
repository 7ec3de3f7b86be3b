import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defineEvaluation, mlPlugins } from "../../../ml/index.ts";
import type { CliIo } from "../cli-io.ts";
import { runCli } from "../testing/run-cli.ts";
import { registerEvaluate } from "./evaluate.ts";

const HEADER = "TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-evaluate-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A plugin with an option of every kind, whose result is what it was given. */
const echo = {
  name: "echo",
  doc: "gives back what it was given",
  evaluation: defineEvaluation({
    doc: "echo",
    options: {
      series: { kind: "file", doc: "the file to read", required: true },
      other: { kind: "file", doc: "may be left out", required: false },
      horizon: { kind: "integer", doc: "steps ahead", min: 1, max: 100, default: null },
      "season-length": { kind: "integer", doc: "steps in a season", min: 1, max: 1000, default: 7 },
      newest: { kind: "share", doc: "of the rows", default: 0.1 },
      method: { kind: "choice", doc: "how", choices: ["fast", "good"], default: "good" },
    },
    example: "--series a.csv --horizon 4",
    async run(values, { seed, onProgress }) {
      onProgress("reading");
      const lines = await values.series.lines();
      return { ...values, series: lines, other: values.other?.path ?? null, seed };
    },
  }),
};

async function evaluateEcho(...args: string[]): Promise<{ out: string; err: string; code: string }> {
  const said = { out: "", err: "", code: "" };
  const io: Pick<CliIo, "out" | "err" | "clock"> = {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    clock: () => 0,
  };
  const program = new Command();
  registerEvaluate(program, io as CliIo, [echo]);
  for (const command of [program, ...program.commands, ...program.commands.flatMap((c) => c.commands)]) {
    command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err });
  }
  try {
    await program.parseAsync(["evaluate", "echo", ...args], { from: "user" });
  } catch (error) {
    said.code = (error as { code: string }).code;
  }
  return said;
}

describe("millrace evaluate", () => {
  it("gives a plugin the values of the options that it declares, of their kinds", async () => {
    const series = join(folder, "series.csv");
    await writeFile(series, "a\nb\n");
    const given = await evaluateEcho("--series", series, "--horizon", "4", "--season-length", "52", "--json");
    expect(given).toMatchObject({ err: "reading\n", code: "" });
    expect(given.out.endsWith("\n")).toBe(true);
    expect(given.out.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(given.out)).toEqual({
      ...{ series: ["a", "b"], other: null, horizon: 4, "season-length": 52, newest: 0.1 },
      ...{ method: "good", seed: 1 },
    });
    const other = await evaluateEcho(
      "--series",
      series,
      "--other",
      "x",
      "--horizon",
      "1",
      "--method",
      "fast",
      "--newest",
      ".25",
    );
    expect(JSON.parse(other.out)).toMatchObject({
      ...{ other: "x", method: "fast", "season-length": 7, newest: 0.25 },
    });
  });

  it.each([
    [["--horizon", "4"], "required option '--series <file>'"],
    [["--series", "x"], "required option '--horizon <n>'"],
    [["--series", "x", "--horizon", "0"], "whole number from 1 to 100"],
    [["--series", "x", "--horizon", "4", "--method", "best"], "Allowed choices are fast, good"],
    [["--series", "x", "--horizon", "4", "--newest", "1"], "more than 0 and less than 1"],
    [["--series", "x", "--horizon", "4", "--newest", ""], "more than 0 and less than 1"],
  ])("refuses %j before anything is read", async (args, hint) => {
    const { out, err, code } = await evaluateEcho(...args);
    expect(code).toMatch(/^commander\./);
    expect(out).toBe("");
    expect(err).toContain(hint);
  });

  it("explains every plugin with an example, and answers wrong usage with exit code 2", async () => {
    for (const { name, evaluation } of mlPlugins) {
      const help = await runCli(["evaluate", name, "--help"], { folder });
      expect(help.code).toBe(0);
      expect(help.out).toContain(`millrace evaluate ${name} ${evaluation.example}`);
      for (const option of Object.keys(evaluation.options)) expect(help.out).toContain(`--${option} <`);
      expect((await runCli(["evaluate", name, "--no-such-option"], { folder })).code).toBe(2);
    }
    expect((await runCli(["evaluate"], { folder })).code).toBe(2);
    expect((await runCli(["evaluate", "nothing"], { folder })).code).toBe(2);
  });

  it("says where a file is wrong, with exit code 1, and as JSON where that was asked for", async () => {
    const train = join(folder, "payments.csv");
    await writeFile(train, `${HEADER}\n2018-04-01 00:00:31,596,3156,57.16,0\n2018-04-01,1,2,3,0\n`);
    const { code, out, err } = await runCli(["evaluate", "fraud", "--train", train, "--json"], { folder });
    expect(code).toBe(1);
    const message = `${train} cannot be used: line 3: column TX_DATETIME: found "2018-04-01"`;
    expect(JSON.parse(out).error).toMatchObject({
      code: "file-unusable",
      message: expect.stringContaining(message),
    });
    expect(err).toContain(message);
  });

  it("says that payments of one class, or of too few days, cannot be learnt from", async () => {
    const train = join(folder, "genuine.csv");
    const days = Array.from({ length: 60 }, (_, day) => new Date(Date.UTC(2018, 3, 1 + day)).toISOString());
    const rows = days.map((iso) => `${iso.slice(0, 10)} 12:00:00,1,1,10,0`);
    await writeFile(train, [HEADER, ...rows].join("\n"));
    const { code, err } = await runCli(["evaluate", "fraud", "--train", train], { folder });
    expect(code).toBe(1);
    expect(err).toContain("0 fraudulent ones remain for the train part");
  });
});
