import { contracts } from "../../schema/index.ts";
import { ALERTS_TOPIC } from "../../stream/adapters/index.ts";
import type { TopicSpec } from "../../stream/index.ts";

export { ALERTS_TOPIC };

export const PANE_TOPIC = "product-panes";

/** Every topic of the embedded log: one per contract, the panes of the second stage, the alerts. */
export function platformTopics(options: {
  readonly partitions: number;
  readonly retentionMs: number | null;
  readonly alertRetentionMs: number | null;
}): TopicSpec[] {
  const { partitions, retentionMs, alertRetentionMs } = options;
  return [
    ...contracts.map(({ topic }) => ({ name: topic, partitions, retentionMs, retentionBytes: null })),
    { name: PANE_TOPIC, partitions: 1, retentionMs, retentionBytes: null },
    { name: ALERTS_TOPIC, partitions: 1, retentionMs: alertRetentionMs, retentionBytes: null },
  ];
}

/** Task of one partition of the input topics. */
export function eventsTaskId(partition: number): string {
  return `events-${partition}`;
}

/** Task of the second stage. */
export const INSIGHTS_TASK = "insights-0";

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
