import { textTable } from "../../cli/text-table.ts";
import type { BenchOptions } from "../bench-options.ts";
import { type Spread, spread } from "../spread.ts";
import type { RecoveryRun } from "./recovery-run.ts";

const BUDGET = { worstSeconds: 10 };

/** Median and worst over the kills of all runs, with every run beside them. */
export function recoveryDocument(runs: readonly RecoveryRun[], options: BenchOptions) {
  const seconds: Spread = spread(runs.flatMap((run) => run.seconds));
  const sum = (pick: (run: RecoveryRun) => number): number => runs.reduce((all, run) => all + pick(run), 0);
  return {
    mode: "distributed",
    workers: options.workers[0],
    partitions: options.partitions,
    kills: sum((run) => run.seconds.length),
    recoverySeconds: seconds,
    budget: BUDGET,
    probes: sum(({ probes }) => probes),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    runs,
  };
}

export function recoveryText(document: ReturnType<typeof recoveryDocument>): string {
  const { kills, workers, recoverySeconds: seconds, probes, lost, doubled, runs } = document;
  return [
    `Recovery after SIGKILL of one of ${workers} workers at ${runs[0].eventsPerSecond.toLocaleString("en")} events/s, `,
    `${kills} kills, session time-out ${runs[0].sessionTimeoutMs / 1000} s\n\n`,
    textTable([
      ["median", `${seconds.median.toFixed(2)} s`],
      ["least", `${seconds.min.toFixed(2)} s`],
      ["worst", `${seconds.max.toFixed(2)} s`, `budget ${BUDGET.worstSeconds} s`],
    ]),
    `  ${probes} probes, ${lost} lost, ${doubled} doubled; `,
    `machine load before ${runs.map((run) => run.loadBefore.toFixed(1)).join(", ")}\n`,
  ].join("");
}
