import { textTable } from "../../cli/text-table.ts";
import type { BenchOptions } from "../bench-options.ts";
import { type Spread, spread } from "../spread.ts";
import type { LatencyRun, Quantiles } from "./latency-run.ts";

interface Budget {
  readonly p50Ms: number;
  readonly fraudP50Ms: number;
  /** Of both. */
  readonly p99Ratio: number;
}

const BUDGET: Budget = { p50Ms: 3, fraudP50Ms: 5, p99Ratio: 1.5 };
const WHOSE = ["subscriber", "fraud", "bareReader", "append"] as const;
const QUANTILES = ["p50", "p99", "p999", "max"] as const;

/** Medians over the runs, ms, with every run beside them; `budget` is null where none is set. */
export function latencyDocument(
  runs: readonly LatencyRun[],
  options: BenchOptions,
  budget: Budget | null = BUDGET,
) {
  const median = (pick: (run: LatencyRun) => number): number => spread(runs.map(pick)).median;
  const medians = (whose: (typeof WHOSE)[number]): Quantiles =>
    Object.fromEntries(QUANTILES.map((q) => [q, median((run) => run[whose][q])])) as unknown as Quantiles;
  return {
    eventsPerSecond: median((run) => run.eventsPerSecond),
    seconds: options.seconds,
    latencyMs: {
      subscriber: medians("subscriber"),
      fraud: medians("fraud"),
      bareReader: medians("bareReader"),
      append: medians("append"),
    },
    p99Ratio: spread(runs.map((run) => run.p99Ratio)),
    fraudP99Ratio: spread(runs.map((run) => run.fraudP99Ratio)),
    budget,
    lost: runs.reduce((sum, run) => sum + run.lost, 0),
    runs,
  };
}

export function latencyText(document: ReturnType<typeof latencyDocument>): string {
  const { latencyMs, p99Ratio, fraudP99Ratio, runs, lost, budget } = document;
  const of = (most: string | undefined): string => (most === undefined ? "" : ` (budget ${most})`);
  const against = (name: string, p50: number, p50Most: number | undefined, ratio: Spread): string =>
    `  ${name}: p50 ${p50.toFixed(2)} ms${of(p50Most === undefined ? undefined : `${p50Most} ms`)}, ` +
    `p99 ${ratio.median.toFixed(2)} times the bare reader's${range(ratio)}${of(budget?.p99Ratio.toString())}\n`;
  const row = (label: string, q: Quantiles): string[] => [
    label,
    ...QUANTILES.map((quantile) => q[quantile].toFixed(2)),
  ];
  return [
    `Latency at ${document.eventsPerSecond.toLocaleString("en")} events/s, ms`,
    `${runs.length > 1 ? `; medians of ${runs.length} runs` : ""}\n\n`,
    textTable([
      ["from the append call to", "p50", "p99", "p99.9", "most"],
      row("its return", latencyMs.append),
      row("a bare reader", latencyMs.bareReader),
      row("a subscriber, alert of a rule", latencyMs.subscriber),
      row("a subscriber, alert of the fraud model", latencyMs.fraud),
    ]),
    "\n",
    against("rule", latencyMs.subscriber.p50, budget?.p50Ms, p99Ratio),
    against("fraud", latencyMs.fraud.p50, budget?.fraudP50Ms, fraudP99Ratio),
    `  ${runs.reduce((sum, run) => sum + run.probes, 0)} probes, ${lost} lost; `,
    `machine load before ${runs.map((run) => run.loadBefore.toFixed(1)).join(", ")}\n`,
  ].join("");
}

function range({ min, max }: Spread): string {
  return min === max ? "" : `, ${min.toFixed(2)} to ${max.toFixed(2)}`;
}
