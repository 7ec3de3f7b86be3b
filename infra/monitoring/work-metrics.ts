import { totalmem } from "node:os";
import { Counter, Histogram, Registry } from "prom-client";
import { contracts, refusalReasons } from "../../schema/index.ts";
import { alertKinds, TALLY_LABELS, type TallyName, type WorkReport } from "../../stream/index.ts";
import type { ThreadLoad } from "../platform/messages.ts";
import { addGauge } from "./add-gauge.ts";

/** Alerts of kinds that this program does not know, such as the ids of rules that were added, count together. */
const OTHER_KIND = "other";

const COUNTERS: { readonly [N in TallyName]: { readonly name: string; readonly help: string } } = {
  records: {
    name: "millrace_records_total",
    help: "Records that tasks of this process have processed, by topic; again where a failure has work repeated.",
  },
  deadLetters: {
    name: "millrace_dead_letters_total",
    help: "Records that tasks of this process have refused; again where a failure has work repeated.",
  },
  alerts: {
    name: "millrace_alerts_written_total",
    help: "Alerts that tasks of this process have published; again where a failure has work repeated.",
  },
  hotValues: { name: "millrace_hot_values_total", help: "Values written to the hot store." },
  hotFailures: {
    name: "millrace_hot_failures_total",
    help: "Writes that the hot store did not take, by error code; what failed is written again.",
  },
  publishRetries: {
    name: "millrace_publish_retries_total",
    help: "Further tries of commits to a table, by the error code of the try before.",
  },
  checkpointFailures: {
    name: "millrace_checkpoint_failures_total",
    help: "Checkpoints that failed, by error code; the tasks go on from the one before.",
  },
};

const CHECKPOINT_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180];

/**
 * What the tasks of one process do, and how the process fares, as Prometheus metrics: of a platform with its workers
 * inside, or of a worker process. Counts come from the threads as they add up, so they outlive a thread.
 */
export class WorkMetrics {
  readonly registry = new Registry();
  private readonly counters = new Map<TallyName, Counter>();
  private readonly checkpoints: Histogram;
  private readonly failures: Counter;
  private readonly processEnds: Counter;
  private loads: () => readonly ThreadLoad[] = () => [];

  constructor() {
    const registers = [this.registry];
    for (const tally of Object.keys(COUNTERS) as TallyName[]) {
      const labelNames = [...TALLY_LABELS[tally]];
      this.counters.set(tally, new Counter({ ...COUNTERS[tally], labelNames, registers }));
    }
    this.checkpoints = new Histogram({
      name: "millrace_checkpoint_duration_seconds",
      help: "How long checkpoints took, from the first cut to the committed offsets.",
      buckets: CHECKPOINT_SECONDS,
      registers,
    });
    this.failures = new Counter({
      name: "millrace_worker_failures_total",
      help: "Times that worker threads failed, by error code; each is started again, from the last checkpoints.",
      labelNames: ["code"],
      registers,
    });
    this.processEnds = new Counter({
      name: "millrace_worker_process_ends_total",
      help: "Times that worker processes which this one started have ended by themselves; each is started again.",
      registers,
    });
    this.beginAtZero();
    this.measureProcess();
  }

  /** Adds what a thread has done. */
  add({ counts, checkpointMs }: WorkReport): void {
    for (const { name, labels, count } of counts) {
      const [kind] = labels;
      const known = name !== "alerts" || kind in alertKinds ? labels : [OTHER_KIND];
      this.counters
        .get(name)
        ?.labels(...known)
        .inc(count);
    }
    for (const ms of checkpointMs) this.checkpoints.observe(ms / 1000);
  }

  workerFailed(code: string): void {
    this.failures.inc({ code });
  }

  workerProcessEnded(): void {
    this.processEnds.inc();
  }

  /** Whose load is told from now on: that of the threads which run at the moment. */
  watch(loads: () => readonly ThreadLoad[]): void {
    this.loads = loads;
  }

  /** A counter that is not there before its first count hides that one from `increase`. */
  private beginAtZero(): void {
    for (const { topic } of contracts) {
      this.counters.get("records")?.inc({ topic }, 0);
      for (const reason of refusalReasons) this.counters.get("deadLetters")?.inc({ topic, reason }, 0);
    }
    for (const kind of [...Object.keys(alertKinds), OTHER_KIND])
      this.counters.get("alerts")?.inc({ kind }, 0);
    this.failures.inc({ code: "unexpected" }, 0);
  }

  private measureProcess(): void {
    const highest = (figure: (load: ThreadLoad) => number) => () => Math.max(0, ...this.loads().map(figure));
    addGauge(
      this.registry,
      "millrace_worker_busy_ratio",
      "Share of the last second that the busiest worker thread computed.",
      highest(({ busy }) => busy),
    );
    addGauge(
      this.registry,
      "millrace_worker_delay_seconds",
      "How long what was due has waited for the worker thread that was latest, in the last second.",
      highest(({ delayMs }) => delayMs / 1000),
    );
    addGauge(
      this.registry,
      "millrace_memory_limit_bytes",
      "Memory that this process may have: its container's, or the machine's.",
      memoryLimit,
    );
  }
}

function memoryLimit(): number {
  const own = process.constrainedMemory();
  return own > 0 ? Math.min(own, totalmem()) : totalmem();
}
