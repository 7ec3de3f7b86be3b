import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { openInputFile } from "../../../ml/index.ts";
import { MillraceError } from "../../../schema/index.ts";
import { textTable } from "../../cli/text-table.ts";
import { endWithReader } from "../../tools/end-with-reader.ts";
import { BenchError } from "../bench-error.ts";
import type { ComparedModel, Comparison } from "./comparison.ts";
import { ExchangeFolder } from "./exchange-folder.ts";
import { forecastComparison } from "./forecast.ts";
import { fraudComparison } from "./fraud.ts";
import { propensityComparison } from "./propensity.ts";
import { retailRocketComparison, yoochooseComparison } from "./recommend.ts";
import { runScript } from "./run-script.ts";

const COMPARISONS = [
  fraudComparison,
  propensityComparison,
  forecastComparison,
  retailRocketComparison,
  yoochooseComparison,
];

interface CompareOptions {
  readonly data: string;
  readonly only: readonly string[];
  readonly seed: number;
  readonly json?: boolean;
}

endWithReader();
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const command = compareCommand();
  try {
    command.parse(args, { from: "user" });
    const { data, only, seed, json } = command.opts<CompareOptions>();
    for (const comparison of COMPARISONS.filter(({ name }) => only.length === 0 || only.includes(name))) {
      const models = await compare(comparison, join(data, comparison.file), seed);
      process.stdout.write(
        json === true
          ? `${JSON.stringify({ comparison: comparison.name, seed, models })}\n`
          : text(comparison, models),
      );
    }
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const known = error instanceof BenchError || error instanceof MillraceError;
    process.stderr.write(`compare: ${known ? error.message : ((error as Error).stack ?? String(error))}\n`);
    return 1;
  }
}

function compareCommand(): Command {
  return new Command("npm run compare --")
    .description(
      "Trains and measures our models and those of other libraries (Python, installed from PyPI on first use) on the same splits of public files: accuracy, and processor seconds of training and of scoring the test.",
    )
    .option("--data <dir>", "folder of the public files", process.env.MILLRACE_DATA ?? "../shared/data")
    .addOption(
      new Option("--only <name...>", "these alone").choices(COMPARISONS.map(({ name }) => name)).default([]),
    )
    .option("--seed <n>", "the same seed gives the same split", Number, 1)
    .option("--json", "one JSON document a comparison")
    .exitOverride();
}

async function compare(
  comparison: Comparison,
  path: string,
  seed: number,
): Promise<readonly ComparedModel[]> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-compare-"));
  try {
    const exchange = new ExchangeFolder(folder);
    const context = {
      seed,
      onProgress: (message: string) => void process.stderr.write(`${comparison.name}: ${message}\n`),
      clock: () => performance.now(),
    };
    const ours = await comparison.measureOurs(openInputFile(path), exchange, context);
    exchange.finish();
    context.onProgress("the other libraries");
    return [...ours, ...(await runScript(comparison.script, folder))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function text({ name }: Comparison, models: readonly ComparedModel[]): string {
  const figures = Object.keys(models[0].figures);
  const rows = models.map((model) => [
    model.name,
    ...figures.map((figure) => model.figures[figure].toFixed(4)),
    model.trainingSeconds.toFixed(1),
    model.scoringSeconds.toFixed(2),
  ]);
  return `${name}\n${textTable([["", ...figures, "training s", "scoring s"], ...rows])}\n`;
}
