import { expect, test } from "vitest";
import type { ObjectStore } from "../../lakehouse/index.ts";
import { CheckpointStore } from "./checkpoint-store.ts";
import { probeRows, RuntimeHome, type TestWorkerOptions } from "./testing/runtime-home.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test("a worker goes on where what a checkpoint has replaced cannot be deleted, and says so", async () => {
  const home = await RuntimeHome.open();
  /** Runs a worker until it has published all; `appends` come one checkpoint after another. */
  async function work(appends: readonly (readonly number[])[], options: TestWorkerOptions = {}) {
    const { worker } = home.createWorker(options);
    await worker.open();
    const running = worker.run();
    for (const values of appends) {
      await home.append("first", values);
      await Promise.race([worker.drained(await home.ends()), running]);
    }
    worker.stop();
    await running;
  }
  const checkpointKeys = async () =>
    (await home.keys("checkpoints/probe/")).filter((key) => key.endsWith(".json"));

  const warnings: string[] = [];
  const objects: ObjectStore = Object.create(home.objects, {
    delete: { value: () => Promise.reject(new Error("the store is busy")) },
  });
  const checkpoints = new CheckpointStore(objects, "n");
  await work([range(0, 10), range(10, 20)], {
    deps: { checkpoints, warn: (message) => warnings.push(message) },
  });
  expect(await home.published()).toEqual(probeRows(range(0, 20).map((value) => ["first", value])));
  expect(await home.log.committedOffset("test", "first", 0)).toBe(20);
  expect(warnings[0]).toMatch(/checkpoint \d+ of task probe has replaced was not deleted: .*busy/);
  expect((await checkpointKeys()).length).toBeGreaterThan(1);
  await work([range(20, 30)]);
  expect(await checkpointKeys()).toHaveLength(1);
  await home.remove();
});
