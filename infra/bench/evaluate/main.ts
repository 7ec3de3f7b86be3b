import { Command, CommanderError, Option } from "commander";
import { MillraceError } from "../../../schema/index.ts";
import { wholeNumber } from "../../cli/option-values.ts";
import { textTable } from "../../cli/text-table.ts";
import { endWithReader } from "../../tools/end-with-reader.ts";
import { BenchError } from "../bench-error.ts";
import { EVALUATIONS } from "./evaluations.ts";
import { figureRow, missedBy } from "./judged-figure.ts";

interface EvaluateOptions {
  readonly data: string;
  readonly only: readonly string[];
  readonly seed: number;
  readonly json?: boolean;
}

/** As of the `millrace` command; a missed target is a failure. */
const EXIT = { done: 0, failed: 1, usage: 2 } as const;

endWithReader();
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const command = evaluateCommand();
  try {
    command.parse(args, { from: "user" });
    const { data, only, seed, json } = command.opts<EvaluateOptions>();
    let missed = 0;
    for (const { name, doc, measure } of EVALUATIONS) {
      if (only.length > 0 && !only.includes(name)) continue;
      const started = performance.now();
      const figures = await measure({
        data,
        seed,
        onProgress: (message) => void process.stderr.write(`${name}: ${message}\n`),
        clock: () => performance.now(),
      });
      const seconds = (performance.now() - started) / 1000;
      missed += figures.filter((figure) => missedBy(figure) !== 0).length;
      const rows = [["", "ours", "baseline", "target", ""], ...figures.map(figureRow)];
      process.stdout.write(
        json === true
          ? `${JSON.stringify({ name, doc, seed, seconds, figures })}\n`
          : `${name}: ${doc} (${seconds.toFixed(0)} s)\n${textTable(rows)}\n`,
      );
    }
    if (missed > 0) process.stderr.write(`evaluate: ${missed} figures miss their targets\n`);
    return missed === 0 ? EXIT.done : EXIT.failed;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const known = error instanceof BenchError || error instanceof MillraceError;
    process.stderr.write(`evaluate: ${known ? error.message : ((error as Error).stack ?? String(error))}\n`);
    return EXIT.failed;
  }
}

function evaluateCommand(): Command {
  return new Command("npm run evaluate --")
    .description(
      "Trains and measures every plugin on the public files, and holds each figure against its baseline and its target. About ten minutes of one processor.",
    )
    .option("--data <dir>", "folder of the public files", process.env.MILLRACE_DATA ?? "../shared/data")
    .addOption(
      new Option("--only <name...>", "these alone").choices(EVALUATIONS.map(({ name }) => name)).default([]),
    )
    .option("--seed <n>", "the same seed gives the same figures", wholeNumber(0, 2 ** 32 - 1), 1)
    .option("--json", "one JSON document an evaluation")
    .exitOverride();
}
