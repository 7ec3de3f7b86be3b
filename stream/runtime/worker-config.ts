/** How often the worker of a thread does what it does for all its tasks together. */
export interface WorkerConfig {
  readonly checkpointIntervalMs: number;
  /** The same while there is a backlog: fewer, larger checkpoints let it catch up sooner. */
  readonly checkpointBacklogIntervalMs: number;
  /** A checkpoint begins early after so many records, so that files and memory stay bounded. */
  readonly checkpointRecordsMax: number;
  /** Time between the rounds in which changed hot values are written, each once however often it has changed. */
  readonly hotFlushMs: number;
  /** The same while there is a backlog. */
  readonly hotFlushBacklogMs: number;
  /** Silence after which the second stage no longer waits for a task. */
  readonly idleAfterMs: number;
  readonly consumerGroup: string;
}
