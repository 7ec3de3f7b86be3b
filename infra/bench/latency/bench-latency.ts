import { once } from "node:events";
import { loadavg } from "node:os";
import { BenchError } from "../bench-error.ts";
import type { BenchHomes } from "../bench-homes.ts";
import type { BenchOptions } from "../bench-options.ts";
import { startChild } from "../child.ts";
import type { PlatformMessage } from "./latency-platform.ts";
import { latencyDocument, latencyText } from "./latency-report.ts";
import { type LatencyRun, latencyRun } from "./latency-run.ts";
import { subscribeToProbes } from "./subscriber.ts";

/** Time for the server to take up the subscription; the protocol does not confirm it. */
const SUBSCRIBED_MS = 500;

/** Event → subscriber at a steady rate, beside a bare reader of the log in the same run. */
export async function benchLatency(
  options: BenchOptions,
  homes: BenchHomes,
  signal: AbortSignal,
): Promise<{ readonly document: object; readonly text: string }> {
  const runs: LatencyRun[] = [];
  for (let run = 1; run <= options.runs; run++) {
    process.stderr.write(
      `run ${run} of ${options.runs}: ${options.rate.toLocaleString("en")} events/s ` +
        `for ${options.warmUpSeconds} + ${options.seconds} s\n`,
    );
    runs.push(await homes.use((home) => measure(home, options, signal)));
  }
  const document = latencyDocument(runs, options);
  return { document, text: latencyText(document) };
}

async function measure(home: string, options: BenchOptions, signal: AbortSignal): Promise<LatencyRun> {
  const { rate, seconds, warmUpSeconds, probesPerSecond, seed } = options;
  const [workers] = options.workers;
  const load = {
    seed,
    eventsPerSecond: rate,
    probesPerSecond,
    seconds: warmUpSeconds + seconds,
  };
  const child = startChild("latency/latency-platform", [home, JSON.stringify(load), String(workers)], signal);
  const exit = once(child, "exit").then(([code, killedBy]) => {
    if (code !== 0)
      throw new BenchError(
        `the platform ended with ${killedBy ?? `exit code ${code}`}; its message is above`,
      );
  });
  const next = async (): Promise<PlatformMessage> =>
    (await Promise.race([once(child, "message"), exit.then(() => [null])]))[0] as PlatformMessage;
  const listening = await next();
  if (listening?.type !== "listening")
    throw new BenchError("the platform did not start; its message is above");
  const subscriber = await subscribeToProbes(listening.url);
  await new Promise((resolve) => setTimeout(resolve, SUBSCRIBED_MS));
  const loadBefore = loadavg()[0];
  child.send("go");
  const measured = await next();
  if (measured?.type !== "measured")
    throw new BenchError("the platform measured nothing; its message is above");
  await subscriber.close();
  await exit;
  return latencyRun(measured, subscriber.receivedAt, { warmUpMs: warmUpSeconds * 1000, loadBefore });
}
