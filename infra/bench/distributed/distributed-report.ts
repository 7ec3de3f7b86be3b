import { textTable } from "../../cli/text-table.ts";
import type { BenchOptions } from "../bench-options.ts";
import { ADDED } from "../parts.ts";
import { spread } from "../spread.ts";
import type { BareConsumerResult } from "./bare-consumer-process.ts";
import type { DistributedRun } from "./reference-run.ts";

const MIB = 1024 * 1024;
/** With two workers. */
const BUDGET = { eventsPerSecond: 600_000, goalEventsPerSecond: 1_000_000 };

/** For each count of workers the median run, with the spread and every run beside it. */
export function distributedDocument(runs: readonly DistributedRun[], options: BenchOptions) {
  const { events, partitions, codec, parts } = options;
  const byWorkers = [...new Set(runs.map(({ workers }) => workers))].map((workers) => {
    const same = runs.filter((run) => run.workers === workers);
    return {
      ...medianRun(same),
      spread: {
        eventsPerSecond: spread(same.map((run) => run.eventsPerSecond)),
        cpuMicrosPerEvent: spread(same.map((run) => run.cpuMicrosPerEvent.total)),
        peakRssBytes: spread(same.map((run) => run.peakRssBytes)),
      },
    };
  });
  return { mode: "distributed", parts: parts[0], events, partitions, codec, budget: BUDGET, byWorkers, runs };
}

export function distributedText(document: ReturnType<typeof distributedDocument>): string {
  const { byWorkers, parts, events, partitions, codec, runs } = document;
  const times = runs.length / byWorkers.length;
  const consumer = (label: string, { eventsPerSecond, cpuMicrosPerEvent }: BareConsumerResult) => [
    label,
    eventsPerSecond,
    cpuMicrosPerEvent.toFixed(2),
  ];
  const sections = byWorkers.map((run) => {
    const { total, byServer } = run.cpuMicrosPerEvent;
    const { min, max } = run.spread.eventsPerSecond;
    return [
      `\nWorkers: ${run.workers}\n`,
      textTable([
        ["", "events/s", "CPU µs/event"],
        ["whole pipeline", run.eventsPerSecond, total.toFixed(2)],
        consumer("own reader, bytes only", run.bareReader),
        consumer("kafkajs eachBatch, bytes only", run.bareKafkajs),
        ...Object.entries(byServer).map(([name, micros]) => [`${name}, meanwhile`, "", micros.toFixed(2)]),
      ]),
      textTable([
        ["seconds", run.seconds.toFixed(2), times > 1 ? `${format(min)} to ${format(max)} events/s` : ""],
        ["first stage", run.firstStageSeconds.toFixed(2), "seconds"],
        ["peak memory", run.peakRssBytesByWorker.map((bytes) => `${Math.round(bytes / MIB)} MiB`).join(", ")],
        ["data files", run.files, `${(run.bytes / MIB).toFixed(1)} MiB`],
        ["machine load", run.loadBefore.toFixed(2), "minute before"],
      ]),
    ].join("");
  });
  return [
    `Reference job from Kafka to MinIO and Redis${ADDED[parts]}: ${format(events)} events, ${partitions} partitions, ${codec}`,
    `${times > 1 ? `, median of ${times} runs` : ""}; budget ${format(BUDGET.eventsPerSecond)} events/s with 2 workers, `,
    `goal ${format(BUDGET.goalEventsPerSecond)}\n`,
    ...sections,
    `\nRows\n${textTable(Object.entries(byWorkers[0].rowsByTable))}`,
  ].join("");
}

function medianRun(runs: readonly DistributedRun[]): DistributedRun {
  const sorted = [...runs].sort((a, b) => a.eventsPerSecond - b.eventsPerSecond);
  return sorted[Math.ceil(sorted.length / 2) - 1];
}

function format(value: number): string {
  return value.toLocaleString("en");
}
