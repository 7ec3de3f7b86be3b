/** A member of a task group in a process of its own, to be killed: prints each assignment as a JSON line. */
import { KafkaTaskGroup } from "./kafka-task-group.ts";

const [bootstrap, group, partitions] = process.argv.slice(2);
const tasks = new KafkaTaskGroup({ connection: { brokers: [bootstrap], clientId: "member" } });
const membership = tasks.join({ group, topic: "customer-events", partitions: Number(partitions) });
for await (const assignment of membership.assignments)
  process.stdout.write(`${JSON.stringify(assignment)}\n`);
