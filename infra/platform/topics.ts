import { ALERTS_TOPIC } from "../../stream/adapters/index.ts";
import type { TopicSpec } from "../../stream/index.ts";
import { declaredTopics, topicSpec } from "../topics/declared-topics.ts";

export { ALERTS_TOPIC };

export const PANE_TOPIC = "product-panes";

/** The topics that records of the platform go through: one per contract, the panes of the second stage, the alerts. */
export function platformTopics(options: {
  readonly partitions: number;
  readonly retentionMs: number | null;
  readonly alertRetentionMs: number | null;
}): TopicSpec[] {
  return declaredTopics({ ...options, kafkaReplication: 1 })
    .filter(({ only }) => only === null)
    .map(topicSpec);
}

/** Task of one partition of the input topics. */
export function eventsTaskId(partition: number): string {
  return `events-${partition}`;
}

/** Task of the second stage. */
export const INSIGHTS_TASK = "insights-0";

/** Whether a name is a task's: batch jobs, such as forecasts, publish under names of their own and have no checkpoints. */
export function isTaskId(name: string): boolean {
  return name === INSIGHTS_TASK || /^events-\d+$/.test(name);
}

/** The tasks that go with a partition: whoever has it runs all of them. The second stage goes with the first. */
export function tasksOfPartition(partition: number): string[] {
  return partition === 0 ? [eventsTaskId(0), INSIGHTS_TASK] : [eventsTaskId(partition)];
}

/** Spreads the tasks over workers: partitions in turn, the second stage on the last worker. */
export function assignTasks(partitions: number, workers: number): string[][] {
  const count = Math.min(workers, partitions);
  const assigned = Array.from({ length: count }, (): string[] => []);
  for (let partition = 0; partition < partitions; partition++) {
    assigned[partition % count].push(eventsTaskId(partition));
  }
  assigned[count - 1].push(INSIGHTS_TASK);
  return assigned;
}
