import { expect, test } from "vitest";
import { contracts } from "../../schema/index.ts";
import { assignTasks, INSIGHTS_TASK, platformTopics } from "./topics.ts";

test("every contract has a topic with the configured partitions; panes and alerts have one", () => {
  const topics = platformTopics({ partitions: 6, retentionMs: 1000, alertRetentionMs: null });
  for (const { topic } of contracts) {
    expect(topics).toContainEqual({ name: topic, partitions: 6, retentionMs: 1000, retentionBytes: null });
  }
  expect(topics.slice(contracts.length)).toEqual([
    { name: "product-panes", partitions: 1, retentionMs: 1000, retentionBytes: null },
    { name: "alerts", partitions: 1, retentionMs: null, retentionBytes: null },
  ]);
  expect(new Set(topics.map(({ name }) => name)).size).toBe(topics.length);
});

test.each([
  [1, 1],
  [4, 1],
  [4, 2],
  [5, 3],
  [3, 8],
  [64, 7],
])(
  "%i partitions on %i workers: every task runs once, evenly, and no worker is idle",
  (partitions, workers) => {
    const assigned = assignTasks(partitions, workers);
    expect(assigned).toHaveLength(Math.min(partitions, workers));
    const tasks = assigned.flat();
    expect(tasks.filter((task) => task === INSIGHTS_TASK)).toHaveLength(1);
    const events = tasks.filter((task) => task !== INSIGHTS_TASK).sort();
    expect(events).toEqual(Array.from({ length: partitions }, (_, i) => `events-${i}`).sort());
    const loads = assigned.map((some) => some.filter((task) => task !== INSIGHTS_TASK).length);
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
  },
);
