import { type Command, Option } from "commander";
import {
  type EvaluationOption,
  type Evidence,
  type InputFile,
  type MlPlugin,
  mlPlugins,
  openInputFile,
} from "../../../ml/index.ts";
import type { CliIo } from "../cli-io.ts";
import { partialShare, wholeNumber } from "../option-values.ts";
import { writeReport } from "../write-report.ts";

/** One subcommand a plugin: its options, help and checks are those that the plugin declares. */
export function registerEvaluate(
  program: Command,
  io: CliIo,
  plugins: readonly MlPlugin[] = mlPlugins,
): void {
  const evaluate = program
    .command("evaluate")
    .description("train and measure a plugin on files of a public data set; touches no home folder");
  for (const plugin of plugins) registerPlugin(evaluate, plugin, io);
}

function registerPlugin(parent: Command, { name, evaluation }: MlPlugin, io: CliIo): void {
  const command = parent
    .command(name)
    .description(evaluation.doc)
    .addHelpText("after", `\nExample:\n  $ millrace evaluate ${name} ${evaluation.example}`);
  const options = Object.entries(evaluation.options).map(([option, declared]) => ({
    option,
    flag: commandOption(option, declared),
  }));
  for (const { flag } of options) command.addOption(flag);
  command
    .option("--seed <n>", "the same seed gives the same figures", wholeNumber(0, 2 ** 32 - 1), 1)
    .option("--report <dir>", "also write report.html, report.md and the plots into this folder")
    .option("--json", "one JSON document on standard output, on one line")
    .action(async ({ seed, json, report }: { seed: number; json?: boolean; report?: string }) => {
      const values = options.map(({ option, flag }) => [
        option,
        command.getOptionValue(flag.attributeName()) ?? null,
      ]);
      const evidence: Evidence[] = [];
      const result = await evaluation.run(Object.fromEntries(values), {
        seed,
        onProgress: (message) => io.err(`${message}\n`),
        clock: io.clock,
        ...(report !== undefined && { onEvidence: (piece: Evidence) => evidence.push(piece) }),
      });
      if (report !== undefined) {
        await writeReport(report, io, {
          title: `millrace evaluate ${name}`,
          command: `millrace evaluate ${name} ${evaluatedArguments(values, seed)}`,
          doc: evaluation.doc,
          result,
          evidence,
        });
      }
      io.out(`${JSON.stringify(result, null, json === true ? undefined : 2)}\n`);
    });
}

function commandOption(name: string, declared: EvaluationOption): Option {
  switch (declared.kind) {
    case "file": {
      const option = new Option(`--${name} <file>`, `${declared.doc}; plain or gzipped`);
      option.argParser((path): InputFile => openInputFile(path));
      return option.makeOptionMandatory(declared.required);
    }
    case "integer": {
      const option = new Option(`--${name} <n>`, declared.doc);
      option.argParser(wholeNumber(declared.min, declared.max));
      return withDefault(option, declared.default);
    }
    case "share":
      return withDefault(
        new Option(`--${name} <share>`, declared.doc).argParser(partialShare),
        declared.default,
      );
    case "choice":
      return withDefault(
        new Option(`--${name} <choice>`, declared.doc).choices(declared.choices),
        declared.default,
      );
  }
}

function withDefault(option: Option, value: number | string | null): Option {
  return value === null ? option.makeOptionMandatory() : option.default(value);
}

/** The options as they were given, to run the same again. */
function evaluatedArguments(values: readonly (readonly unknown[])[], seed: number): string {
  const given = values.flatMap(([option, value]) => {
    if (value === null) return [];
    const text = typeof value === "object" && value !== null && "path" in value ? value.path : value;
    return [`--${option} ${text}`];
  });
  return [...given, `--seed ${seed}`].join(" ");
}
