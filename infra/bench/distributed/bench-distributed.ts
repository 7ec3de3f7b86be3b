import type { BenchOptions } from "../bench-options.ts";
import { latencyDocument, latencyText } from "../latency/latency-report.ts";
import { distributedDocument, distributedText } from "./distributed-report.ts";
import { latencyDistributed } from "./latency-distributed.ts";
import { recoveryDocument, recoveryText } from "./recovery-report.ts";
import { recoveryRun } from "./recovery-run.ts";
import { referenceRun } from "./reference-run.ts";

type Output = { readonly document: object; readonly text: string };

/** The bench on real servers, which it starts for each run and removes behind it. */
export async function benchDistributed(options: BenchOptions, signal: AbortSignal): Promise<Output> {
  switch (options.subject) {
    case "latency": {
      const runs = await repeat(options, `latency`, () => latencyDistributed(options, signal));
      const document = { mode: "distributed", ...latencyDocument(runs, options, null) };
      return { document, text: latencyText(document) };
    }
    case "recovery": {
      const runs = await repeat(options, "recovery", () => recoveryRun(options, signal));
      const document = recoveryDocument(runs, options);
      return { document, text: recoveryText(document) };
    }
    default: {
      const runs = [];
      for (const workers of options.workers) {
        const what = `reference job, ${workers} worker process${workers > 1 ? "es" : ""}`;
        runs.push(...(await repeat(options, what, () => referenceRun(options, workers, signal))));
      }
      const document = distributedDocument(runs, options);
      return { document, text: distributedText(document) };
    }
  }
}

async function repeat<T>({ runs }: BenchOptions, what: string, once: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let run = 1; run <= runs; run++) {
    process.stderr.write(`${what}: run ${run} of ${runs}\n`);
    results.push(await once());
  }
  return results;
}
