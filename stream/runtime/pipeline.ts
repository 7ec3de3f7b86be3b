import type { RecordBatch, StateSection } from "../../schema/index.ts";
import type { HotOutputs } from "../sinks/hot-batch-writer.ts";
import type { TableSink } from "../sinks/table-sink.ts";
import type { ModelStatus, TaskStatus } from "./status.ts";

/** Users, and products, of one part of {@link Pipeline.markHot}. */
export const HOT_PART_KEYS = 4096;

/** Rows of one turn of {@link Pipeline.emitSome}, of each operator. */
export const EMIT_ROWS = 1024;

/** One input partition of a task. */
export interface PipelineInput {
  readonly topic: string;
  readonly partition: number;
  /**
   * Another task keeps this partition and this one reads along: its progress is committed beside the
   * owner's, not over it, so that retention spares what either still needs.
   */
  readonly readsAlong?: boolean;
  /** Records that one step takes, where a step of the usual size would be a pause: one, if that is larger. */
  readonly bytesMax?: number;
  /** Processes the whole batch, synchronously; keeps nothing of it. Never throws for bad data. */
  process(records: RecordBatch): void;
}

/**
 * The topology of one task, wired and ready: the runtime feeds its inputs, saves its sections and
 * uploads what its sinks hold. It knows nothing of checkpoints.
 */
export interface Pipeline {
  readonly taskId: string;
  readonly inputs: readonly PipelineInput[];
  /** All state, each section under a name of its own. */
  readonly sections: readonly StateSection[];
  readonly sinks: readonly TableSink[];
  /** Called once, after the sections were restored (or found empty). */
  afterRestore(): void;
  /** Emits some of the rows that are due and were put off, a millisecond or so; whether there are more. */
  emitSome(): boolean;
  /** Emits every row that is due, and moves those that wait in buffers into the sinks. */
  flushRows(): void;
  /** Moves some of them, a millisecond or two; false when each buffer has had its turn. */
  flushSomeRows(): boolean;
  /** Hands over hot values that changed, at most so many keys; whether more are waiting. */
  flushHot(hot: HotOutputs, keysMax: number): boolean;
  /** So many keys, taken in the order in which they changed, hold every change up to now. */
  hotWaiting(): number;
  /**
   * Puts so many of those that {@link flushHot} hands over next into the order in which the store keeps them:
   * worth it where many flushes follow. Of these keys, fewer than so many no longer hold the earlier changes.
   */
  arrangeHot?(keys: number): void;
  /**
   * Marks hot values for another write, for a store that has lost them: those of the next
   * {@link HOT_PART_KEYS} of its keys, from part 0 on, as far as the state still holds what they say.
   * Whether there are more parts.
   */
  markHot(part: number): boolean;
  /** Tells the second stage not to wait for this task; called once when its inputs fall silent. */
  markIdle(): void;
  counters(): TaskStatus["events"];
  /** What scores, and how well, where anything does. */
  models?(): readonly ModelStatus[];
  /** Null before the first event. */
  watermarkMs(): number | null;
}
