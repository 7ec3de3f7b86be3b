import type { ModelHealth } from "../../ml/index.ts";

/** What scores in a task. */
export interface ModelStatus {
  readonly plugin: string;
  /** Version of the model that scores. */
  readonly champion: string;
  /** Version that scores in shadow. */
  readonly challenger: string | null;
  /** Time of a score of the same vectors, microseconds; null without a challenger. */
  readonly championMicros: number | null;
  readonly challengerMicros: number | null;
  /** Scores since the task started here whose label is not waited for: more were open than it keeps. Left out where it waits for none. */
  readonly unfollowedScores?: number;
  /**
   * Labels since the task started here of orders that it does not remember any more, so that no feature knows them. Left out
   * where there are no such labels.
   */
  readonly lateLabels?: number;
  /** Scores since the task started here that were no numbers. */
  readonly failedScores?: number;
  /** Of the newest window that is over, with the version that scored in it and whether drift was told; null before the first. */
  readonly health: (ModelHealth & { readonly version: string; readonly drifted?: boolean }) | null;
}

/** State of one task, for the API, the metrics and `millrace status`. Times are ms since the epoch. */
export interface TaskStatus {
  readonly taskId: string;
  /** `unknown`: those who run it could not be asked for some time; all else is as it was known last. */
  readonly state: "starting" | "recovering" | "running" | "stopping" | "stopped" | "failed" | "unknown";
  /** Why it failed, for a person. */
  readonly error: string | null;
  readonly inputs: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly position: number;
    readonly endOffset: number;
    /** Records in the log that the task has not processed. */
    readonly lag: number;
  }[];
  /** Null before the first event. */
  readonly watermarkMs: number | null;
  readonly epoch: number;
  readonly checkpointedAt: number | null;
  readonly events: {
    readonly processed: number;
    readonly refused: number;
    readonly duplicates: number;
    readonly late: number;
    readonly tooLate: number;
  };
  /** Records that the log no longer had when they were due: they were left out. Left out where it is 0. */
  readonly lostRecords?: number;
  /** None for a task that scores nothing; of another process, as of its newest checkpoint. */
  readonly models?: readonly ModelStatus[];
}

export interface PipelineStatus {
  tasks(): readonly TaskStatus[];
  /** Time since other processes' tasks were last asked for with success, ms; 0, or left out, where they run in this one. */
  statusAgeMs?(): number;
}
