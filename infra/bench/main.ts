import { CommanderError } from "commander";
import { MillraceError } from "../../schema/index.ts";
import { endWithReader } from "../tools/end-with-reader.ts";
import { BenchError } from "./bench-error.ts";
import { BenchHomes } from "./bench-homes.ts";
import { type BenchOptions, parseBenchOptions } from "./bench-options.ts";
import { benchReferenceJob, type ReferenceJobRun } from "./bench-reference-job.ts";
import { flatMemoryDocument, flatMemoryText, referenceJobDocument, referenceJobText } from "./report.ts";

/** Exit codes as of the `millrace` command. */
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

type Output = { readonly document: object; readonly text: string };

endWithReader();
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => interruption.abort());
  try {
    const options = parseBenchOptions(args);
    const output = await measure(options, interruption.signal);
    process.stdout.write(options.json ? `${JSON.stringify(output.document)}\n` : output.text);
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (interruption.signal.aborted) return EXIT.interrupted;
    const known = error instanceof BenchError || error instanceof MillraceError;
    const message = known ? error.message : ((error as Error).stack ?? String(error));
    process.stderr.write(`bench: ${message}\n`);
    return EXIT.failed;
  }
}

async function measure(options: BenchOptions, signal: AbortSignal): Promise<Output> {
  if (options.mode === "distributed") {
    const { benchDistributed } = await import("./distributed/bench-distributed.ts");
    return benchDistributed(options, signal);
  }
  const homes = new BenchHomes(options.home);
  try {
    if (options.subject === "latency") {
      const { benchLatency } = await import("./latency/bench-latency.ts");
      return await benchLatency(options, homes, signal);
    }
    const runs = await repeat(options, options.events, homes, signal);
    if (options.subject === "reference job") {
      return { document: referenceJobDocument(runs), text: referenceJobText(runs) };
    }
    const document = flatMemoryDocument(runs, await repeat(options, options.events * 10, homes, signal));
    return { document, text: flatMemoryText(document) };
  } finally {
    homes.close();
  }
}

async function repeat(
  options: BenchOptions,
  events: number,
  homes: BenchHomes,
  signal: AbortSignal,
): Promise<ReferenceJobRun[]> {
  const runs: ReferenceJobRun[] = [];
  for (let run = 1; run <= options.runs; run++) {
    if (options.runs > 1) process.stderr.write(`run ${run} of ${options.runs}\n`);
    // In turn, so that what else the machine does meets all of them alike.
    for (const parts of options.parts)
      runs.push(await benchReferenceJob({ ...options, events }, parts, homes, signal));
  }
  return runs;
}
