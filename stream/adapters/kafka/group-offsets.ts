import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError } from "./kafka-errors.ts";
import type { KafkaWarning } from "./outage-warnings.ts";

interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What Kafka says of offsets that come from no member, where the group has members. */
const HAS_MEMBERS = new Set(["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS"]);
/** While it lasts, so often it is told of. */
const REPEAT_MS = 60_000;

/**
 * Offsets of consumer groups without members: they are there for lag monitors. The workers' own
 * group is another (`KafkaTaskGroup`), because a group with members takes offsets from them alone.
 *
 * Where another program has joined the group under its name, its offsets stay as they are, with a warning:
 * nothing depends on them but who waits for them, and no task may fail for a console consumer.
 */
export class GroupOffsets {
  private readonly client: KafkaClient;
  private readonly warn: (warning: KafkaWarning) => void;
  private readonly clock: () => number;
  private warnedAt = Number.NEGATIVE_INFINITY;

  /** @param clock in ms */
  constructor(client: KafkaClient, warn: (warning: KafkaWarning) => void, clock: () => number) {
    this.client = client;
    this.warn = warn;
    this.clock = clock;
  }

  async commit(group: string, offsets: readonly PartitionOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    const topics = [...new Set(offsets.map(({ topic }) => topic))].map((topic) => ({
      topic,
      partitions: offsets
        .filter((each) => each.topic === topic)
        .map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    }));
    try {
      await this.client.run(`committing offsets of group ${group}`, async () => {
        const coordinator = await this.client.coordinator("group", group);
        await coordinator.offsetCommit({ groupId: group, groupGenerationId: -1, memberId: "", topics });
      });
    } catch (error) {
      if (!(error instanceof KafkaError) || !HAS_MEMBERS.has(error.kind)) throw error;
      this.warnOfMembers(group);
    }
  }

  async committed(group: string, topic: string, partition: number): Promise<number | null> {
    return this.client.run(`asking for offsets of group ${group}`, async () => {
      const coordinator = await this.client.coordinator("group", group);
      const topics = [{ topic, partitions: [{ partition }] }];
      const { responses } = await coordinator.offsetFetch({ groupId: group, topics });
      const offset = Number(responses[0].partitions[0].offset);
      return offset < 0 ? null : offset;
    });
  }

  private warnOfMembers(group: string): void {
    const now = this.clock();
    if (now - this.warnedAt < REPEAT_MS) return;
    this.warnedAt = now;
    const message =
      `another program has joined the consumer group ${group}, so that its offsets cannot be noted: lags are not shown, ` +
      "and what waits for the workers goes on waiting; end that program, or give it a group of its own";
    this.warn({ code: "kafka-group-taken", message });
  }
}
