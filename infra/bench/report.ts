import { textTable } from "../cli/text-table.ts";
import type { ReferenceJobRun } from "./bench-reference-job.ts";
import { type Spread, spread } from "./spread.ts";

const MIB = 1024 * 1024;
const BUDGET = { eventsPerSecond: 400_000, cpuMicrosPerEvent: 2.5 };

/** The document of `--json`: the only run, or the median one with every run beside it. */
export function referenceJobDocument(runs: readonly ReferenceJobRun[]): object {
  if (runs.length === 1) return runs[0];
  return {
    ...medianRun(runs),
    spread: {
      eventsPerSecond: spread(runs.map((run) => run.eventsPerSecond)),
      cpuMicrosPerEvent: spread(runs.map((run) => run.cpuMicrosPerEvent.total)),
      peakRssBytes: spread(runs.map((run) => run.peakRssBytes)),
    },
    runs,
  };
}

/** The same for people. */
export function referenceJobText(runs: readonly ReferenceJobRun[]): string {
  const run = medianRun(runs);
  const most = (pick: (run: ReferenceJobRun) => number): string => range(spread(runs.map(pick)));
  const { byStage, total } = run.cpuMicrosPerEvent;
  const measured = Object.values(byStage).reduce((sum, micros) => sum + micros, 0);
  const stages = Object.entries(byStage).map(([stage, micros]) => [stage, micros.toFixed(3)]);
  if (stages.length > 0) stages.push(["other threads", Math.max(0, total - measured).toFixed(3)]);
  return [
    `Reference job: ${run.events.toLocaleString("en")} events, one worker${runs.length > 1 ? `, median of ${runs.length} runs (least to most)` : ""}\n\n`,
    textTable([
      [
        "events/s",
        run.eventsPerSecond,
        `budget ${BUDGET.eventsPerSecond.toLocaleString("en")}`,
        most((r) => r.eventsPerSecond),
      ],
      [
        "CPU µs/event",
        total.toFixed(2),
        `budget ${BUDGET.cpuMicrosPerEvent}`,
        most((r) => r.cpuMicrosPerEvent.total),
      ],
      [
        "peak memory",
        `${Math.round(run.peakRssBytes / MIB)} MiB`,
        "",
        most((r) => Math.round(r.peakRssBytes / MIB)),
      ],
      [
        "seconds",
        run.seconds.toFixed(2),
        `start-up ${run.startUpSeconds.toFixed(2)}`,
        most((r) => r.seconds),
      ],
      ["data files", run.files, `${(run.bytes / MIB).toFixed(1)} MiB`, ""],
      ["machine load", run.loadBefore.toFixed(2), "minute before", most((r) => r.loadBefore)],
    ]),
    stages.length > 0 ? `\nCPU µs/event by stage\n${textTable(stages)}` : "",
    `\nRows\n${textTable(Object.entries(run.rowsByTable))}`,
  ].join("");
}

/** Both runs of `--flat`: memory must follow the state, not the input. */
export function flatMemoryDocument(runs: readonly ReferenceJobRun[], tenfold: readonly ReferenceJobRun[]) {
  const peak = spread(runs.map((run) => run.peakRssBytes));
  const peakTenfold = spread(tenfold.map((run) => run.peakRssBytes));
  return {
    events: runs[0].events,
    eventsTenfold: tenfold[0].events,
    peakRssBytes: peak.median,
    peakRssBytesTenfold: peakTenfold.median,
    ratio: Math.round((peakTenfold.median / peak.median) * 1000) / 1000,
    spread: { peakRssBytes: peak, peakRssBytesTenfold: peakTenfold },
  };
}

export function flatMemoryText(document: ReturnType<typeof flatMemoryDocument>): string {
  const row = (events: number, bytes: number): (string | number)[] => [
    events,
    "events",
    `${Math.round(bytes / MIB)} MiB`,
  ];
  const { events, eventsTenfold, peakRssBytes, peakRssBytesTenfold, ratio } = document;
  return `Peak of the process's own (anonymous) memory\n\n${textTable([
    row(events, peakRssBytes),
    row(eventsTenfold, peakRssBytesTenfold),
  ])}  ratio ${ratio.toFixed(2)}\n`;
}

function medianRun(runs: readonly ReferenceJobRun[]): ReferenceJobRun {
  const sorted = [...runs].sort((a, b) => a.eventsPerSecond - b.eventsPerSecond);
  return sorted[Math.ceil(sorted.length / 2) - 1];
}

function range({ min, max }: Spread): string {
  return min === max ? "" : `${min.toLocaleString("en")} to ${max.toLocaleString("en")}`;
}
