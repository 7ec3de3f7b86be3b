import { MillraceError } from "../../schema/index.ts";

/** What a {@link WorkTally} counts, each with the names of its labels. Their values are few: codes, topics, tables, kinds. */
export const TALLY_LABELS = {
  /** Records that were processed, those that are only read along included. */
  records: ["topic"],
  deadLetters: ["topic", "reason"],
  /** Alerts that were handed to the bus and taken. */
  alerts: ["kind"],
  hotValues: [],
  hotFailures: ["code"],
  /** Further tries of a commit to a table, by what the try before failed with. */
  publishRetries: ["table", "code"],
  checkpointFailures: ["code"],
} as const;

export type TallyName = keyof typeof TALLY_LABELS;

export interface TallyCount {
  readonly name: TallyName;
  /** In the order of {@link TALLY_LABELS}. */
  readonly labels: readonly string[];
  readonly count: number;
}

/** What was done since the report before; can be sent between threads. */
export interface WorkReport {
  readonly counts: readonly TallyCount[];
  /** How long each checkpoint took, ms, from its first cut to its committed offsets. */
  readonly checkpointMs: readonly number[];
}

/** Of more between two reports the times are not kept: nobody takes them. */
const CHECKPOINTS_KEPT_MAX = 1_000;

/**
 * Counts what the tasks of a thread do, for metrics: once a batch, flush or checkpoint, never once a record. It is
 * no state: a thread begins at zero, and work that a crash makes it repeat is counted again.
 */
export class WorkTally {
  private counts = new Map<string, { readonly name: TallyName; labels: readonly string[]; count: number }>();
  private checkpointMs: number[] = [];

  add(name: TallyName, labels: readonly string[], count: number): void {
    if (count === 0) return;
    const key = `${name}\n${labels.join("\n")}`;
    const known = this.counts.get(key);
    if (known === undefined) this.counts.set(key, { name, labels, count });
    else known.count += count;
  }

  /** Counts what failed, by its code, and passes the failure on. */
  async failure<T>(name: "hotFailures" | "checkpointFailures", work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.add(name, [codeOf(error)], 1);
      throw error;
    }
  }

  /** Counts a checkpoint of so many tasks, where there are any, or its failure, which it passes on. */
  async checkpoint(work: Promise<number>, clock: () => number): Promise<void> {
    const began = clock();
    const tasks = await this.failure("checkpointFailures", work);
    if (tasks > 0 && this.checkpointMs.length < CHECKPOINTS_KEPT_MAX) this.checkpointMs.push(clock() - began);
  }

  /** What was counted since the last call. */
  take(): WorkReport {
    const report = { counts: [...this.counts.values()], checkpointMs: this.checkpointMs };
    this.counts = new Map();
    this.checkpointMs = [];
    return report;
  }
}

/** The stable code of an error; of a bug there is none. */
function codeOf(error: unknown): string {
  return error instanceof MillraceError ? error.code : "unexpected";
}
