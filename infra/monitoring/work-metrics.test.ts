import { expect, test } from "vitest";
import { WorkTally } from "../../stream/index.ts";
import { WorkMetrics } from "./work-metrics.ts";

test("what threads report adds up, by labels whose values are few", async () => {
  const metrics = new WorkMetrics();
  const tally = new WorkTally();
  tally.add("records", ["orders"], 3);
  tally.add("records", ["orders"], 4);
  tally.add("deadLetters", ["orders", "missing-field"], 2);
  tally.add("alerts", ["order-velocity"], 1);
  tally.add("alerts", ["a-rule-of-ours"], 1);
  tally.add("alerts", ["another-rule-of-ours"], 1);
  tally.add("publishRetries", ["gold.funnel", "commit-conflict"], 2);
  metrics.add(tally.take());
  tally.add("records", ["orders"], 5);
  metrics.add(tally.take());
  metrics.add(tally.take());
  const text = await metrics.registry.metrics();
  const lines = text.split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      'millrace_records_total{topic="orders"} 12',
      'millrace_records_total{topic="payments"} 0',
      'millrace_dead_letters_total{topic="orders",reason="missing-field"} 2',
      'millrace_dead_letters_total{topic="orders",reason="empty"} 0',
      'millrace_alerts_written_total{kind="order-velocity"} 1',
      'millrace_alerts_written_total{kind="other"} 2',
      'millrace_publish_retries_total{table="gold.funnel",code="commit-conflict"} 2',
    ]),
  );
  expect(text).not.toContain("a-rule-of-ours");
});

test("a checkpoint counts with its time, a failed one by its code, one without tasks not at all", async () => {
  const metrics = new WorkMetrics();
  const tally = new WorkTally();
  let now = 0;
  const clock = () => now;
  const took = async (ms: number, tasks: number): Promise<number> => {
    now += ms;
    return tasks;
  };
  const began = tally.checkpoint(
    Promise.resolve().then(() => took(400, 2)),
    clock,
  );
  await began;
  await tally.checkpoint(Promise.resolve(0), clock);
  await expect(tally.checkpoint(Promise.reject(new Error("a bug")), clock)).rejects.toThrow("a bug");
  metrics.add(tally.take());
  const text = await metrics.registry.metrics();
  expect(text).toContain("millrace_checkpoint_duration_seconds_count 1\n");
  expect(text).toContain("millrace_checkpoint_duration_seconds_sum 0.4\n");
  expect(text).toContain('millrace_checkpoint_failures_total{code="unexpected"} 1');
});

test("tells of the busiest and of the latest thread, whichever that is", async () => {
  const metrics = new WorkMetrics();
  expect(await metrics.registry.metrics()).toContain("millrace_worker_busy_ratio 0\n");
  metrics.watch(() => [
    { busy: 0.9, delayMs: 10 },
    { busy: 0.2, delayMs: 31_000 },
  ]);
  const text = await metrics.registry.metrics();
  expect(text).toContain("millrace_worker_busy_ratio 0.9\n");
  expect(text).toContain("millrace_worker_delay_seconds 31\n");
  const limit = Number(/^millrace_memory_limit_bytes (\S+)$/m.exec(text)?.[1]);
  expect(limit).toBeGreaterThan(process.memoryUsage().rss);
});
