/** A data file that was uploaded and is not yet part of a table; JSON-serialisable. */
export interface StagedFile {
  /** `bronze.customer_events`. */
  readonly table: string;
  /** Key in the object store. */
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  /** UTC day of the partition, days since the epoch. */
  readonly day: number;
  /** By field id: values, nulls, and Iceberg's single-value serialisation of the bounds (base64). */
  readonly columns: readonly {
    readonly id: number;
    readonly values: number;
    readonly nulls: number;
    readonly bytes: number;
    readonly lower: string | null;
    readonly upper: string | null;
  }[];
  /** Byte positions at which row groups start. */
  readonly splitOffsets: readonly number[];
}

/** What one task staged in one checkpoint epoch. */
export interface StagedCommit {
  readonly taskId: string;
  readonly epoch: number;
  readonly files: readonly StagedFile[];
}

/** Adds staged files to tables, exactly once per task and epoch. */
export interface LakePublisher {
  /**
   * One snapshot per table over all commits. Where a table already has `millrace.task.<id>` at or
   * above the epoch, that commit was published and is skipped. Safe to call again after any crash.
   */
  publish(commits: readonly StagedCommit[]): Promise<void>;
}
