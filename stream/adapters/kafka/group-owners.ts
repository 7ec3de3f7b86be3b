import { AssignerProtocol } from "kafkajs";
import { KafkaClient, type KafkaConnectionOptions } from "./kafka-client.ts";

/** Who of a `KafkaTaskGroup` has which partition, as its coordinator says: for who is no member. */
export class KafkaGroupOwners {
  private readonly client: KafkaClient;

  constructor(connection: KafkaConnectionOptions) {
    this.client = new KafkaClient(connection);
  }

  /** Partitions of the topic that a live member has; none while the group changes. */
  async ownedPartitions(group: string, topic: string): Promise<readonly number[]> {
    const { groups } = await this.client.run(`asking who belongs to group ${group}`, async () =>
      (await this.client.coordinator("group", group)).describeGroups({ groupIds: [group] }),
    );
    return groups.flatMap(({ members }) =>
      members.flatMap(({ memberAssignment }) => partitionsOf(memberAssignment, topic)),
    );
  }

  close(): void {
    this.client.close();
  }
}

/** Empty for a member that has not been given its share yet. */
function partitionsOf(assignment: Buffer, topic: string): readonly number[] {
  if (assignment.length === 0) return [];
  return AssignerProtocol.MemberAssignment.decode(assignment)?.assignment[topic] ?? [];
}
