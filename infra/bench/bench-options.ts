import { Command, InvalidArgumentError, Option } from "commander";
import { PARTS, type Parts } from "./parts.ts";

export interface BenchOptions {
  readonly events: number;
  readonly seed: number;
  /** Users and products of the events, whose popularity follows Zipf's law. */
  readonly users: number;
  readonly products: number;
  /** Embedded: the reference job runs once with each; distributed, there is one. */
  readonly parts: readonly Parts[];
  readonly runs: number;
  readonly json: boolean;
  readonly stages: boolean;
  /** Folder that keeps the homes of the runs; a temporary one, removed at the end, where null. */
  readonly home: string | null;
  readonly subject: "reference job" | "flat memory" | "latency" | "recovery";
  readonly mode: "embedded" | "distributed";
  /** Distributed: worker processes, the reference job runs once with each. Embedded: one number of threads. */
  readonly workers: readonly number[];
  readonly partitions: number;
  readonly codec: "none" | "zstd";
  readonly kills: number;
  readonly rate: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly probesPerSecond: number;
}

interface Parsed
  extends Omit<BenchOptions, "home" | "json" | "subject" | "workers" | "warmUpSeconds" | "parts"> {
  readonly parts?: readonly Parts[];
  readonly home?: string;
  readonly json?: boolean;
  readonly flat?: boolean;
  readonly latency?: boolean;
  readonly recovery?: boolean;
  readonly workers?: readonly number[];
  readonly warmUpSeconds?: number;
}

/** Time before latency is measured, by mode: brokers and workers compile what they run meanwhile. */
const WARM_UP_SECONDS = { embedded: 5, distributed: 40 } as const;
/** What only one of the modes has, by the name of the option. */
const ONLY = {
  distributed: ["recovery", "partitions", "codec", "kills"],
  embedded: ["flat", "home", "stages"],
} as const;
/** Unless told otherwise: what the reference job is defined by, and else all that a platform runs. */
const DEFAULT_PARTS = {
  "reference job": ["reference"],
  "flat memory": ["all"],
  latency: ["all"],
  recovery: ["all"],
} as const;
/** Of the distributed mode unless told otherwise; a worker that is killed leaves its tasks to another. */
const WORKERS = { "reference job": [1, 2], "flat memory": [1], latency: [1], recovery: [2] } as const;

/**
 * Throws CommanderError on wrong usage, and with exit code 0 after `--help`.
 */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const command = benchCommand().exitOverride();
  command.parse(args, { from: "user" });
  const { flat, latency, recovery, home, json, ...parsed } = command.opts<Parsed>();
  refuseOtherMode(command, parsed.mode);
  const subject = flat ? "flat memory" : latency ? "latency" : recovery ? "recovery" : "reference job";
  const isEmbedded = parsed.mode === "embedded";
  const workers = parsed.workers ?? (isEmbedded ? [1] : WORKERS[subject]);
  if (workers.length > 1 && (isEmbedded || subject === "latency"))
    command.error("error: only the distributed reference job takes several --workers");
  if (subject === "recovery" && (workers.length > 1 || workers[0] < 2))
    command.error("error: --recovery takes one number of --workers, at least 2: somebody has to take over");
  const parts = parsed.parts ?? DEFAULT_PARTS[subject];
  if (parts.length > 1 && (subject !== "reference job" || parsed.mode === "distributed"))
    command.error("error: only the embedded reference job takes several --parts");
  if (!isEmbedded && Math.max(...workers) > parsed.partitions)
    command.error("error: more --workers than --partitions: the others would have nothing to do");
  const { warmUpSeconds = WARM_UP_SECONDS[parsed.mode] } = parsed;
  return { ...parsed, parts, workers, warmUpSeconds, json: json === true, home: home ?? null, subject };
}

function refuseOtherMode(command: Command, mode: BenchOptions["mode"]): void {
  const other = mode === "embedded" ? "distributed" : "embedded";
  for (const name of ONLY[other]) {
    if (command.getOptionValueSource(name) === "cli")
      command.error(`error: --${name === "stages" ? "no-stages" : name} is of --mode ${other}`);
  }
}

function benchCommand(): Command {
  return new Command("npm run bench --")
    .description(
      "Measures the whole pipeline: the reference job unless --flat, --latency or --recovery is given. In embedded mode with worker threads; in distributed mode with worker processes on Kafka, MinIO, Redis and an Iceberg catalog that it starts for itself and removes at the end.",
    )
    .addOption(
      new Option("--mode <mode>", "what it measures")
        .choices(["embedded", "distributed"])
        .default("embedded"),
    )
    .option("--events <n>", "events of the reference job", count(1), 4_000_000)
    .option("--seed <n>", "seed of the events", count(0), 1)
    .option("--users <n>", "users of the events, Zipf-distributed", count(1, 1_000_000), 200_000)
    .option("--products <n>", "the same: products", count(1, 100_000), 20_000)
    .option(
      "--parts <list>",
      "what runs: reference (clean, windows, sessions, propensity), detectors (and these), all (and further models); of several it tells what each costs (default: reference; with --flat, --latency and --recovery all)",
      partsList,
    )
    .option("--runs <n>", "repeats it and prints median, least and most", count(1), 1)
    .option("--no-stages", "does not measure CPU by stage, which costs some itself")
    .option("--home <dir>", "keeps log, lake and hot store of each run in a folder below this one")
    .addOption(new Option("--flat", "peak memory of --events and of ten times as many").conflicts("latency"))
    .option("--latency", "event to subscriber, beside a bare reader of the log")
    .option("--rate <n>", "with --latency or --recovery: events per second", count(1), 20_000)
    .option("--seconds <n>", "with --latency: time that is measured", count(1), 20)
    .option("--warm-up-seconds <n>", "with --latency: time before it (default: 5; distributed 40)", count(0))
    .option("--probes-per-second <n>", "the same: orders whose alert is timed", count(1), 100)
    .addOption(
      new Option(
        "--recovery",
        "distributed: from the kill of a worker process until its tasks go on",
      ).conflicts(["flat", "latency"]),
    )
    .option(
      "--workers <list>",
      "embedded: worker threads (default: 1); distributed: worker processes, such as 1,2",
      counts,
    )
    .option("--partitions <n>", "distributed: partitions of the topics", count(1), 4)
    .addOption(
      new Option("--codec <codec>", "distributed: compression of the filled topic")
        .choices(["none", "zstd"])
        .default("zstd"),
    )
    .option("--kills <n>", "with --recovery: how often", count(1), 20)
    .option("--json", "one JSON document on standard output")
    .showHelpAfterError("(npm run bench -- --help shows the options)")
    .addHelpText(
      "after",
      `
Examples:
  $ npm run bench                                  4 million events
  $ npm run bench -- --events 400000 --runs 5
  $ npm run bench -- --parts reference,detectors,all --runs 3
                                                   what detectors and models cost
  $ npm run bench -- --users 1000000 --products 100000 --parts all
  $ npm run bench -- --workers 2                   two worker threads
  $ npm run bench -- --flat --events 400000        memory of 400,000 and of 4 million events
  $ npm run bench -- --latency --rate 20000 --seconds 20
  $ npm run bench -- --mode distributed --workers 1,2 --runs 3
  $ npm run bench -- --mode distributed --parts all
  $ npm run bench -- --mode distributed --recovery --kills 20

Settings of the platform are taken from the environment (MILLRACE_…).
Exit codes: 0 done, 1 failed, 2 wrong usage.`,
    );
}

function counts(text: string): number[] {
  return text.split(",").map(count(1));
}

function partsList(text: string): Parts[] {
  return text.split(",").map((name) => {
    const parts = PARTS.find((one) => one === name);
    if (parts === undefined) throw new InvalidArgumentError(`It must be a list of ${PARTS.join(", ")}.`);
    return parts;
  });
}

function count(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    const bounds = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${bounds}.`);
  };
}
