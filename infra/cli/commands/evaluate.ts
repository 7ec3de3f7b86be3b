import type { Command } from "commander";
import { evaluateFiles } from "../../../ml/index.ts";
import type { CliIo } from "../cli-io.ts";
import { wholeNumber } from "../option-values.ts";
import { PLUGIN_NAMES, pluginNamed } from "../plugin-argument.ts";

interface EvaluateOptions {
  readonly train: string;
  readonly test?: string;
  readonly seed: number;
  readonly json?: boolean;
}

export function registerEvaluate(program: Command, io: CliIo): void {
  program
    .command("evaluate")
    .description("train and measure a plugin on files of a public data set; touches no home folder")
    .argument("<plugin>", PLUGIN_NAMES.join(", "))
    .requiredOption("--train <file>", "training file, plain or gzipped")
    .option("--test <file>", "test file; without it, cross-validation where the plugin has one")
    .option("--seed <n>", "seed", wholeNumber(0, 2 ** 32 - 1), 1)
    .option("--json", "one JSON document on standard output, on one line")
    .addHelpText(
      "after",
      "\nExample:\n  $ millrace evaluate propensity --train online_shoppers_intention.csv",
    )
    .action((name: string, options: EvaluateOptions) => evaluate(name, options, io));
}

async function evaluate(name: string, options: EvaluateOptions, io: CliIo): Promise<void> {
  const result = await evaluateFiles(pluginNamed(name), {
    train: options.train,
    test: options.test ?? null,
    seed: options.seed,
    onProgress: (message) => io.err(`${message}\n`),
  });
  io.out(`${JSON.stringify(result, null, options.json === true ? undefined : 2)}\n`);
}
