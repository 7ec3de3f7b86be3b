import { textTable } from "../cli/text-table.ts";
import type { ReferenceJobRun } from "./bench-reference-job.ts";
import { ADDED, type Parts } from "./parts.ts";
import { type Spread, spread } from "./spread.ts";

const MIB = 1024 * 1024;
const BUDGET = { eventsPerSecond: 400_000, cpuMicrosPerEvent: 2.5 };

/** The document of `--json`: of each of the parts the only run, or the median one with every run beside it. */
export function referenceJobDocument(runs: readonly ReferenceJobRun[]): object {
  const groups = byParts(runs);
  if (groups.length === 1) return runsDocument(runs);
  return {
    costs: costs(groups),
    parts: Object.fromEntries(groups.map((group) => [group[0].parts, runsDocument(group)])),
  };
}

function runsDocument(runs: readonly ReferenceJobRun[]): object {
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
  const groups = byParts(runs);
  const texts = groups.map(runsText);
  return groups.length === 1 ? texts[0] : [costsText(costs(groups)), ...texts].join("\n");
}

function byParts(runs: readonly ReferenceJobRun[]): ReferenceJobRun[][] {
  return [...new Set(runs.map(({ parts }) => parts))].map((parts) =>
    runs.filter((run) => run.parts === parts),
  );
}

/** What the parts of a run cost beside those of the first. */
export interface PartsCost {
  readonly parts: Parts;
  readonly eventsPerSecond: number;
  readonly cpuMicrosPerEvent: number;
  /** Of the first one's events/s, how much is missing; of its CPU per event, how much is added. */
  readonly eventsPerSecondLost: number;
  readonly cpuAdded: number;
}

function costs(groups: readonly (readonly ReferenceJobRun[])[]): PartsCost[] {
  const figures = groups.map((runs) => ({
    parts: runs[0].parts,
    eventsPerSecond: spread(runs.map((run) => run.eventsPerSecond)).median,
    cpuMicrosPerEvent: spread(runs.map((run) => run.cpuMicrosPerEvent.total)).median,
  }));
  const [first] = figures;
  return figures.map((one) => ({
    ...one,
    eventsPerSecondLost: 1 - one.eventsPerSecond / first.eventsPerSecond,
    cpuAdded: one.cpuMicrosPerEvent / first.cpuMicrosPerEvent - 1,
  }));
}

function costsText(costs: readonly PartsCost[]): string {
  const rows = costs.map((one) => [
    one.parts,
    one.eventsPerSecond,
    "events/s",
    `${percent(-one.eventsPerSecondLost)}`,
    one.cpuMicrosPerEvent.toFixed(2),
    "CPU µs/event",
    `${percent(one.cpuAdded)}`,
  ]);
  return `What parts cost, beside the first\n\n${textTable(rows)}`;
}

function runsText(runs: readonly ReferenceJobRun[]): string {
  const run = medianRun(runs);
  const most = (pick: (run: ReferenceJobRun) => number): string => range(spread(runs.map(pick)));
  const { byStage, total } = run.cpuMicrosPerEvent;
  const measured = Object.values(byStage).reduce((sum, micros) => sum + micros, 0);
  const stages = Object.entries(byStage);
  if (stages.length > 0) stages.push(["other threads", Math.max(0, total - measured)]);
  const state = Object.entries(run.stateBytes);
  return [
    `Reference job${ADDED[run.parts]}: ${run.events.toLocaleString("en")} events, ${run.workers === 1 ? "one worker" : `${run.workers} workers`}${runs.length > 1 ? `, median of ${runs.length} runs (least to most)` : ""}\n\n`,
    textTable([
      [
        "events/s",
        run.eventsPerSecond,
        run.workers === 1 ? `budget ${BUDGET.eventsPerSecond.toLocaleString("en")}` : "",
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
    stages.length > 0
      ? `\nCPU µs/event by stage\n${textTable(stages.map(([stage, micros]) => [stage, micros.toFixed(3), percent(micros / total)]))}`
      : "",
    state.length > 0
      ? `\nState, MiB\n${textTable(state.map(([section, bytes]) => [section, (bytes / MIB).toFixed(1)]))}`
      : "",
    `\nRows\n${textTable(Object.entries(run.rowsByTable))}`,
  ].join("");
}

/**
 * Both runs of `--flat`: memory must follow the state, not the input. It grows until the windows are full, those of an hour
 * with 18 million events; the tenths of the long run show where that ends.
 */
export function flatMemoryDocument(runs: readonly ReferenceJobRun[], tenfold: readonly ReferenceJobRun[]) {
  const peak = spread(runs.map((run) => run.peakRssBytes));
  const peakTenfold = spread(tenfold.map((run) => run.peakRssBytes));
  const byTenth = tenfold[0].peakRssBytesByTenth.map(
    (_, tenth) => spread(tenfold.map((run) => run.peakRssBytesByTenth[tenth])).median,
  );
  return {
    events: runs[0].events,
    eventsTenfold: tenfold[0].events,
    peakRssBytes: peak.median,
    peakRssBytesTenfold: peakTenfold.median,
    peakRssBytesTenfoldByTenth: byTenth,
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
  const tenths = document.peakRssBytesTenfoldByTenth.map((bytes) => Math.round(bytes / MIB)).join(", ");
  return `Peak of the process's own (anonymous) memory\n\n${textTable([
    row(events, peakRssBytes),
    row(eventsTenfold, peakRssBytesTenfold),
  ])}  ratio ${ratio.toFixed(2)}\n  by tenths of the longer run: ${tenths} MiB\n`;
}

function medianRun(runs: readonly ReferenceJobRun[]): ReferenceJobRun {
  const sorted = [...runs].sort((a, b) => a.eventsPerSecond - b.eventsPerSecond);
  return sorted[Math.ceil(sorted.length / 2) - 1];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function range({ min, max }: Spread): string {
  return min === max ? "" : `${min.toLocaleString("en")} to ${max.toLocaleString("en")}`;
}
