import { Command, CommanderError } from "commander";
import { wholeNumber } from "../cli/option-values.ts";
import { endWithReader } from "../tools/end-with-reader.ts";
import { simulateSeed } from "./simulate.ts";

interface SimulateOptions {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly trace?: boolean;
}

function simulateCommand(): Command {
  return new Command("npm run simulate --")
    .description(
      "Runs the stream on simulated servers that crash, delay, answer twice and lose answers, and holds what comes out to a run without faults.",
    )
    .option("--seeds <n>", "how many seeds", wholeNumber(1), 200)
    .option("--from <n>", "the first of them", wholeNumber(0), 1)
    .option("--seed <n>", "this one alone", wholeNumber(0))
    .option("--trace", "prints all that happens in it")
    .showHelpAfterError("(npm run simulate -- --help shows the options)")
    .addHelpText("after", "\nExit codes: 0 done, 1 something was lost or repeated, 2 wrong usage.");
}

function parsed(): SimulateOptions {
  try {
    return simulateCommand().exitOverride().parse(process.argv).opts<SimulateOptions>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(error.exitCode === 0 ? 0 : 2);
  }
}

endWithReader();
const { seeds: count, from, seed: only, trace } = parsed();
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => from + i) : [only];
const totals = { starts: 0, crashes: 0, pauses: 0, fenced: 0, failures: 0, staleHot: 0 };
let failed = 0;
for (const seed of seeds) {
  const { problems, faulted, staleHot } = await simulateSeed(
    seed,
    trace === true ? (line) => process.stdout.write(line) : undefined,
  );
  const { starts, crashes, pauses, fenced, failures } = faulted.counts;
  const counts = { starts, crashes, pauses, fenced, failures, staleHot };
  for (const [name, count] of Object.entries(counts)) totals[name as keyof typeof totals] += count;
  const seconds = (faulted.virtualMs / 1000).toFixed(0);
  process.stdout.write(
    `seed ${seed}: ${problems.length === 0 ? "ok" : "FAILED"}, ${seconds} s, ${starts} workers, ` +
      `${crashes} kills, ${pauses} pauses, ${fenced} fenced, ${failures} gave up, digest ${faulted.digest.slice(0, 12)}\n`,
  );
  if (problems.length === 0) continue;
  failed++;
  for (const problem of problems) process.stdout.write(`  ${problem}\n`);
  process.stdout.write(`  repeat it with: npm run simulate -- --seed ${seed} --trace\n`);
}
process.stdout.write(
  `${seeds.length - failed} of ${seeds.length} seeds without loss or repeat; ${totals.crashes} kills, ` +
    `${totals.pauses} pauses, ${totals.fenced} fenced, ${totals.failures} gave up; ${totals.staleHot} hot values left stale\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
