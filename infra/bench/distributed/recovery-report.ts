import { textTable } from "../../cli/text-table.ts";
import type { BenchOptions } from "../bench-options.ts";
import { type Spread, spread } from "../spread.ts";
import type { Recovery, RecoveryRun } from "./recovery-run.ts";

const BUDGET = { worstSeconds: 10 };
const MOMENTS = ["assigned", "restored", "firstResult", "recovered", "caughtUp"] as const;

/** Median and worst over the kills of all runs, with every run beside them. */
export function recoveryDocument(runs: readonly RecoveryRun[], options: BenchOptions) {
  const kills = runs.flatMap((run) => run.kills);
  const seconds = (moment: (typeof MOMENTS)[number]): Spread => spread(kills.map((kill) => kill[moment]));
  const sum = (pick: (run: RecoveryRun) => number): number => runs.reduce((all, run) => all + pick(run), 0);
  return {
    mode: "distributed",
    workers: options.workers[0],
    partitions: options.partitions,
    kills: kills.length,
    recoverySeconds: seconds("recovered"),
    budget: BUDGET,
    /** Since the kill. */
    secondsUntil: Object.fromEntries(MOMENTS.map((moment) => [moment, seconds(moment)])) as Record<
      (typeof MOMENTS)[number],
      Spread
    >,
    stepMs: stepsOf(kills),
    probes: sum(({ probes }) => probes),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    runs,
  };
}

function stepsOf(kills: readonly Recovery[]): Record<string, Spread> {
  const names = [...new Set(kills.flatMap(({ stepMs }) => Object.keys(stepMs)))];
  return Object.fromEntries(
    names.map((name) => [name, spread(kills.flatMap(({ stepMs }) => stepMs[name] ?? []))]),
  );
}

export function recoveryText(document: ReturnType<typeof recoveryDocument>): string {
  const { kills, workers, secondsUntil, stepMs, probes, lost, doubled, runs } = document;
  const [{ eventsPerSecond, sessionTimeoutMs, checkpointIntervalMs }] = runs;
  const row = (label: string, { median, min, max }: Spread, digits: number): string[] => [
    label,
    ...[median, min, max].map((value) => value.toFixed(digits)),
  ];
  return [
    `Recovery after SIGKILL of one of ${workers} workers at ${eventsPerSecond.toLocaleString("en")} events/s, ${kills} kills;\n`,
    `session time-out ${sessionTimeoutMs / 1000} s, a checkpoint every ${checkpointIntervalMs / 1000} s\n\n`,
    textTable([
      ["seconds from the kill until", "median", "least", "worst"],
      row("the group has given the tasks to others", secondsUntil.assigned, 2),
      row("they have restored them", secondsUntil.restored, 2),
      row("the first result of them", secondsUntil.firstResult, 2),
      [
        ...row("every partition processes events sent since", secondsUntil.recovered, 2),
        `budget ${BUDGET.worstSeconds}`,
      ],
      row("no event has waited for more than 1 s", secondsUntil.caughtUp, 2),
    ]),
    "\n",
    textTable([
      ["ms from the start of the restoring thread until", "median", "least", "worst"],
      ...Object.entries(stepMs).map(([step, times]) => row(step, times, 0)),
    ]),
    `\n  ${probes} probes, ${lost} lost, ${doubled} doubled; `,
    `machine load before ${runs.map((run) => run.loadBefore.toFixed(1)).join(", ")}\n`,
  ].join("");
}
