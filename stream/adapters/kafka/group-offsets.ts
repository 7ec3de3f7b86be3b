import type { KafkaClient } from "./kafka-client.ts";

interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Offsets of consumer groups without members: they are there for lag monitors. The workers' own
 * group is another (`KafkaTaskGroup`), because a group with members takes offsets from them alone.
 */
export class GroupOffsets {
  private readonly client: KafkaClient;

  constructor(client: KafkaClient) {
    this.client = client;
  }

  async commit(group: string, offsets: readonly PartitionOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    const topics = [...new Set(offsets.map(({ topic }) => topic))].map((topic) => ({
      topic,
      partitions: offsets
        .filter((each) => each.topic === topic)
        .map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    }));
    await this.client.run(`committing offsets of group ${group}`, async () => {
      const coordinator = await this.client.coordinator("group", group);
      await coordinator.offsetCommit({ groupId: group, groupGenerationId: -1, memberId: "", topics });
    });
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
}
