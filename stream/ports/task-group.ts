/** What this process has to work on from now on; it replaces the assignment before. */
export interface TaskAssignment {
  /** Rises with every change of the group. */
  readonly generation: number;
  /** Ascending; empty where others have all, or where the group holds this process for dead. */
  readonly partitions: readonly number[];
}

export interface TaskMembership {
  /**
   * Assignments, to be iterated once. Asking for the next one says that the last is in effect: the work
   * on partitions that are not in it has stopped. Only then does another member get these. An
   * assignment that another has overtaken is left out. Ends after `leave`; throws with the code of
   * the error where the group cannot be joined at all.
   */
  readonly assignments: AsyncIterable<TaskAssignment>;
  /** Says which partitions of others this process can take up soonest; a wish, told with the next change of the group. */
  standBy(partitions: readonly number[]): void;
  /** Hands everything over to the others; work has to have stopped. */
  leave(): Promise<void>;
}

/**
 * Divides the partitions of the co-partitioned topics among the processes that have joined a group.
 * A process that is dead (or stopped) for the session's time-out loses its partitions to the others.
 *
 * It decides who works on what, not who may write: a process that was held for dead may go on for a
 * moment, and is fenced by the conditional write of its next checkpoint. Positions come from
 * checkpoints, never from the group.
 */
export interface TaskGroup {
  join(to: {
    readonly group: string;
    /** The topic whose partitions are the tasks. */
    readonly topic: string;
    readonly partitions: number;
  }): TaskMembership;
}
