import { Command, InvalidArgumentError, Option } from "commander";

export interface BenchOptions {
  readonly events: number;
  readonly seed: number;
  readonly runs: number;
  readonly json: boolean;
  readonly stages: boolean;
  /** Folder that keeps the homes of the runs; a temporary one, removed at the end, where null. */
  readonly home: string | null;
  readonly subject: "reference job" | "flat memory" | "latency";
  readonly rate: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly probesPerSecond: number;
}

interface Parsed extends Omit<BenchOptions, "home" | "json" | "subject"> {
  readonly home?: string;
  readonly json?: boolean;
  readonly flat?: boolean;
  readonly latency?: boolean;
}

/**
 * Throws CommanderError on wrong usage, and with exit code 0 after `--help`.
 */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const command = benchCommand().exitOverride();
  command.parse(args, { from: "user" });
  const { flat, latency, home, json, ...parsed } = command.opts<Parsed>();
  return {
    ...parsed,
    json: json === true,
    home: home ?? null,
    subject: flat === true ? "flat memory" : latency === true ? "latency" : "reference job",
  };
}

function benchCommand(): Command {
  return new Command("npm run bench --")
    .description(
      "Measures the whole pipeline with one worker thread: the reference job unless --flat or --latency is given.",
    )
    .option("--events <n>", "events of the reference job", count(1), 4_000_000)
    .option("--seed <n>", "seed of the events", count(0), 1)
    .option("--runs <n>", "repeats it and prints median, least and most", count(1), 1)
    .option("--no-stages", "does not measure CPU by stage, which costs some itself")
    .option("--home <dir>", "keeps log, lake and hot store of each run in a folder below this one")
    .addOption(new Option("--flat", "peak memory of --events and of ten times as many").conflicts("latency"))
    .option("--latency", "event to subscriber, beside a bare reader of the log")
    .option("--rate <n>", "with --latency: events per second", count(1), 20_000)
    .option("--seconds <n>", "with --latency: time that is measured", count(1), 20)
    .option("--warm-up-seconds <n>", "with --latency: time before it", count(0), 5)
    .option("--probes-per-second <n>", "with --latency: orders whose alert is timed", count(1), 100)
    .option("--json", "one JSON document on standard output")
    .showHelpAfterError("(npm run bench -- --help shows the options)")
    .addHelpText(
      "after",
      `
Examples:
  $ npm run bench                                  4 million events
  $ npm run bench -- --events 400000 --runs 5
  $ npm run bench -- --flat --events 400000        memory of 400,000 and of 4 million events
  $ npm run bench -- --latency --rate 20000 --seconds 20

Settings of the platform are taken from the environment (MILLRACE_…).
Exit codes: 0 done, 1 failed, 2 wrong usage.`,
    );
}

function count(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
  };
}
