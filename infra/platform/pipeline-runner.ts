import type { PipelineStatus } from "../../stream/index.ts";
import type { WorkMetrics } from "../monitoring/work-metrics.ts";

/** What a run costs, over all its workers; empty unless `measureStages` is set. */
export interface StageFigures {
  /** CPU time by stage, microseconds. */
  readonly cpuMicros: Readonly<Record<string, number>>;
  /** Memory of the tasks' state by section, bytes. */
  readonly stateBytes: Readonly<Record<string, number>>;
}

/** Runs the tasks of the platform in the way of its mode, or watches others do it. */
export interface PipelineRunner extends PipelineStatus {
  /** The process that runs the workers instead of this one, or null. */
  readonly runBy: number | null;
  /** Starts the workers; resolves when they have restored their tasks. */
  start(): Promise<void>;
  /** As {@link start}, unless workers run already, wherever that is. */
  startUnlessRunning(): Promise<void>;
  /** Resolves when every record that the log holds now is processed and published, whoever does it. */
  waitUntilProcessed(): Promise<void>;
  /** Brings `tasks` up to date where others run them; else they are. */
  refresh(): Promise<void>;
  stageFigures(): StageFigures;
  /** Stops what was started, after a last checkpoint. */
  stop(): Promise<void>;
}

/** Where a runner tells what happens. */
export interface RunnerReports {
  readonly logger: PlatformLogger;
  readonly metrics: WorkMetrics;
}

export interface PlatformLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
