import type { TopicSpec } from "../../stream/index.ts";

export interface PartitionWatchOptions {
  /** Topics as the tasks read them. */
  readonly expected: readonly Pick<TopicSpec, "name" | "partitions">[];
  /** Topics as they are. */
  readonly topics: () => Promise<readonly Pick<TopicSpec, "name" | "partitions">[]>;
  readonly warn: (message: string) => void;
  /** Ms. */
  readonly clock: () => number;
}

/** While it lasts, so often it is told of. */
const REPEAT_MS = 600_000;

/**
 * Tells of topics that somebody added partitions to while the platform runs: producers write into these,
 * and no task reads them. At the next start it would be an error; until then nothing else shows it.
 */
export class PartitionWatch {
  private readonly options: PartitionWatchOptions;
  private readonly told = new Map<string, number>();

  constructor(options: PartitionWatchOptions) {
    this.options = options;
  }

  /** Looks once. Never rejects: where the log cannot be asked, others tell. */
  async look(): Promise<void> {
    const { expected, warn, clock } = this.options;
    const found = await this.options.topics().catch(() => []);
    for (const { name, partitions } of expected) {
      const there = found.find((topic) => topic.name === name)?.partitions ?? 0;
      const toldAt = this.told.get(name) ?? Number.NEGATIVE_INFINITY;
      if (there <= partitions || clock() - toldAt < REPEAT_MS) continue;
      this.told.set(name, clock());
      warn(
        `topic ${name} has ${there} partitions, and ${partitions} of them are read: what producers write into the others ` +
          "is processed by nobody, and keys that moved are parted from their state. Partitions cannot be taken away: " +
          "stop the producers, fill another platform with millrace rescale, and send it what is in the added partitions",
      );
    }
  }
}
