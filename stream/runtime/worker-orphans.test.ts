import { utimes } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DuckDbFileRewriter } from "../../lakehouse/adapters/index.ts";
import { maintainTables } from "../../lakehouse/index.ts";
import {
  probeRows,
  probeTable,
  quiet,
  RuntimeHome,
  type TestWorkerOptions,
  untilTrue,
} from "./testing/runtime-home.ts";

const DAY_MS = 86_400_000;

describe("maintenance of a lake whose worker was killed", () => {
  let home: RuntimeHome;
  beforeEach(async () => {
    home = await RuntimeHome.open();
  });
  afterEach(() => home.remove());

  /** Processes what is there, and stops; rejects where a point of the protocol throws. */
  async function runOnce(nonce: string, deps: TestWorkerOptions["deps"] = {}): Promise<void> {
    const { worker, tasks } = home.createWorker({ nonce, config: quiet, deps });
    await worker.open();
    const running = worker.run();
    running.catch(() => undefined);
    const ends = await home.ends();
    await untilTrue(() =>
      ends.every(({ topic, offset }) =>
        tasks[0].inputs().some((input) => input.topic === topic && input.offset === offset),
      ),
    );
    worker.stop();
    await running;
  }

  function killAt(reached: string): TestWorkerOptions["deps"] {
    return {
      onPoint: (point) => {
        if (point === reached) throw new Error(`killed ${point}`);
      },
    };
  }

  async function ageAll(days: number): Promise<void> {
    const then = new Date(Date.now() - days * DAY_MS);
    for (const key of await home.keys("lake/")) await utimes(home.objects.uri(key), then, then);
  }

  async function maintain() {
    const rewriter = new DuckDbFileRewriter({ objectStore: home.objects });
    const deps = { catalog: home.catalog, objectStore: home.objects, rewriter, sleep, random: Math.random };
    const prepared = await home.checkpoints("reader").newestOfAll();
    try {
      return await maintainTables([probeTable], { ...deps, clock: Date.now, prepared });
    } finally {
      await rewriter.close();
    }
  }

  test("keeps what it had prepared, however long ago; the next start publishes it", async () => {
    await home.append("first", [1, 2, 3]);
    await runOnce("one");
    await home.append("second", [4, 5]);
    await expect(runOnce("two", killAt("after-prepare"))).rejects.toThrow("killed after-prepare");
    await ageAll(4);
    expect(await maintain()).toMatchObject([{ orphans: { objects: 0 } }]);
    await runOnce("three");
    const records = [1, 2, 3].map((value) => ["first", value] as const);
    expect(await home.published()).toEqual(probeRows([...records, ["second", 4], ["second", 5]]));
  });

  test("removes what it had only staged: the next start stages it again", async () => {
    await home.append("first", [1, 2, 3]);
    await runOnce("one");
    await home.append("second", [4, 5]);
    await expect(runOnce("two", killAt("before-prepare"))).rejects.toThrow("killed before-prepare");
    await ageAll(4);
    expect(await maintain()).toMatchObject([{ orphans: { objects: 1 } }]);
    await runOnce("three");
    expect(await home.published()).toHaveLength(5);
  });
});
