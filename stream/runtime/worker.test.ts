import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MillraceError } from "../../schema/index.ts";
import type { AlertBus } from "../ports/alert-bus.ts";
import type { HotStore } from "../ports/hot-store.ts";
import { OUTBOX_ITEMS_MAX } from "../sinks/outbox.ts";
import { READ_LIMITS } from "./task.ts";
import {
  NEVER_MS,
  probeRows,
  quiet,
  RuntimeHome,
  type TestWorkerOptions,
  type Topic,
  untilTrue,
} from "./testing/runtime-home.ts";
import type { Worker } from "./worker.ts";

/** A gate that work waits at until it is opened. */
function createGate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe("worker", () => {
  let home: RuntimeHome;
  /** What the log holds, in its order. */
  let records: [Topic, number][];
  beforeEach(async () => {
    home = await RuntimeHome.open();
    records = [];
  });
  afterEach(() => home.remove());

  async function append(topic: Topic, values: readonly number[]): Promise<void> {
    await home.append(topic, values);
    for (const value of values) records.push([topic, value]);
  }

  /** Opens a worker and runs it; `running` settles with its run. */
  async function start(options: TestWorkerOptions = {}) {
    const { worker, tasks } = home.createWorker(options);
    await worker.open();
    const running = worker.run();
    running.catch(() => undefined);
    return { worker, tasks, running };
  }

  async function drainAndStop({ worker, running }: { worker: Worker; running: Promise<void> }) {
    const drained = home.ends().then((ends) => worker.drained(ends));
    await Promise.race([drained, running]);
    worker.stop();
    await running;
  }

  /** A further worker finishes what is left; then the lake holds every row once. */
  async function expectAllOnceAfterRestart(): Promise<void> {
    await drainAndStop(await start({ nonce: "restarted", config: quiet }));
    expect(await home.published()).toEqual(probeRows(records));
    const expected = records.map(([, value]) => value).filter((value) => value % 10 === 0);
    expect((await home.alerts()).sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
  }

  describe("checkpoints", () => {
    test("when the interval is over, and not before", async () => {
      const run = await start({ config: { ...quiet, checkpointIntervalMs: 1000 } });
      await append("first", [1, 2, 3]);
      await untilTrue(() => run.tasks[0].recordsSinceCut === 3);
      home.nowMs += 999;
      await append("first", [4]);
      await untilTrue(() => run.tasks[0].recordsSinceCut === 4);
      expect(await home.newestEpoch()).toBe(0);
      home.nowMs += 1;
      await append("first", [5]);
      await untilTrue(async () => (await home.newestEpoch()) === 1);
      run.worker.stop();
      await run.running;
      expect(await home.published()).toEqual(probeRows(records));
    });

    test("not without records, however long nothing comes", async () => {
      const run = await start({ config: { checkpointIntervalMs: 10 } });
      await append("first", [1]);
      for (let i = 0; i < 5; i++) {
        home.nowMs += 1000;
        await run.tasks[0].wait(5);
      }
      await drainAndStop(run);
      expect(await home.newestEpoch()).toBe(1);
    });

    test("when enough records have come, whatever the interval", async () => {
      const run = await start({ config: { ...quiet, checkpointRecordsMax: 100 } });
      await append("first", range(0, 99));
      await untilTrue(() => run.tasks[0].recordsSinceCut === 99);
      expect(await home.newestEpoch()).toBe(0);
      await append("second", [1]);
      await untilTrue(async () => (await home.newestEpoch()) === 1);
      run.worker.stop();
      await run.running;
      expect(await home.newestEpoch()).toBe(1);
    });

    test("at the stop, so that the next start repeats nothing", async () => {
      const run = await start({ config: quiet });
      await append("first", range(0, 50));
      await untilTrue(() => run.tasks[0].recordsSinceCut === 50);
      run.worker.stop();
      await run.running;
      expect(await home.published()).toEqual(probeRows(records));
      const next = await start({ nonce: "next", config: quiet });
      expect(next.tasks[0].inputs()).toEqual(await home.ends());
      next.worker.stop();
      await next.running;
      expect(await home.newestEpoch(), "the last checkpoint, and the next start's claim").toBe(2);
    });

    test("one at a time: a full epoch waits for the one before it", async () => {
      const gate = createGate();
      const publish = home.publisher();
      let publishing = 0;
      let publishingMax = 0;
      const publisher = {
        publish: async (commits: Parameters<typeof publish.publish>[0]) => {
          publishingMax = Math.max(publishingMax, ++publishing);
          if (commits.length > 0) await gate.opened;
          await publish.publish(commits);
          publishing--;
        },
      };
      const run = await start({ config: { ...quiet, checkpointRecordsMax: 10 }, deps: { publisher } });
      for (let i = 0; i < 6; i++) {
        await append("first", range(i * 10, i * 10 + 10));
        // Lets the worker take each chunk by itself, where it is not held up.
        await run.tasks[0].wait(5);
      }
      await untilTrue(async () => (await home.newestEpoch()) === 1 && run.tasks[0].recordsSinceCut >= 10);
      // Behind the gate one epoch is being published and at most one more has been processed.
      expect(run.tasks[0].inputs()[0].offset).toBeLessThanOrEqual(60);
      expect(await home.newestEpoch()).toBe(1);
      gate.open();
      await drainAndStop(run);
      expect(publishingMax).toBe(1);
      expect(await home.published()).toEqual(probeRows(records));
    });

    test("all tasks of the worker together, in one snapshot per table", async () => {
      const published: string[] = [];
      const onPoint = (point: string): void => {
        if (point.startsWith("after-publish")) published.push(point);
      };
      const run = await start({ taskIds: ["a", "b", "c"], config: quiet, deps: { onPoint } });
      await append("first", range(0, 20));
      await drainAndStop(run);
      expect(published).toEqual(["after-publish:gold.order_probe"]);
      expect(await home.published()).toHaveLength(60);
      expect(run.worker.status(new Map([["first/0", 25]]), "running")).toMatchObject([
        { taskId: "a", epoch: 2, inputs: [{ position: 20, endOffset: 25, lag: 5 }, { lag: 0 }] },
        { taskId: "b", epoch: 2, checkpointedAt: home.nowMs },
        { taskId: "c", state: "running", events: { processed: 20 } },
      ]);
    });
  });

  describe("a drain", () => {
    test("resolves only when everything before its ends is published, with alerts and hot values", async () => {
      const points: string[] = [];
      const run = await start({ config: quiet, deps: { onPoint: (point) => points.push(point) } });
      await append("first", range(0, 30));
      await append("second", [20, 7]);
      await run.worker.drained(await home.ends());
      expect(points).toContain("after-publish:gold.order_probe");
      expect(points.at(-1)).toBe("after-offset-commit");
      expect(await home.published()).toEqual(probeRows(records));
      expect(await home.alerts()).toEqual([0, 10, 20, 20]);
      expect(await home.hotStore.get("probe", "last")).toBe("7");
      expect(await home.log.committedOffset("test", "first", 0)).toBe(30);
      run.worker.stop();
      await run.running;
    });

    test("waits for records that are still to come, and ignores topics of other workers", async () => {
      const run = await start({ config: quiet });
      let isDone = false;
      const drained = run.worker
        .drained([
          { topic: "second", partition: 0, offset: 2 },
          { topic: "second", partition: 7, offset: 1000 },
          { topic: "elsewhere", partition: 0, offset: 1000 },
        ])
        .then(() => {
          isDone = true;
        });
      await append("second", [1]);
      await untilTrue(() => run.tasks[0].recordsSinceCut === 1);
      expect(isDone).toBe(false);
      await append("second", [2]);
      await drained;
      expect(await home.published()).toEqual(probeRows(records));
      run.worker.stop();
      await run.running;
    });

    test("resolves when its ends are reached, though records behind them never cease", async () => {
      await append("first", range(0, 20_000));
      const committed: number[] = [];
      const { worker, tasks } = home.createWorker({
        config: quiet,
        deps: {
          // Every look at the clock ends the slice: no slice but the last finds nothing.
          clock: () => (home.nowMs += 10),
          onPoint: (point) => point === "after-offset-commit" && committed.push(tasks[0].inputs()[0].offset),
        },
      });
      await worker.open();
      const drained = worker.drained([{ topic: "first", partition: 0, offset: 1 }]);
      const running = worker.run();
      await Promise.race([drained, running]);
      expect(committed[0]).toBeLessThan(20_000);
      worker.stop();
      await running;
    });

    test("several at once resolve, one of them with nothing to do", async () => {
      const run = await start({ config: quiet });
      await run.worker.drained([]);
      await append("first", [1, 2]);
      await Promise.all([run.worker.drained(await home.ends()), run.worker.drained(await home.ends())]);
      expect(await home.published()).toEqual(probeRows(records));
      run.worker.stop();
      await run.running;
    });
  });

  describe("what fails ends the run with its error, and a restart leaves every row and alert once", () => {
    const boom = new MillraceError("it broke", { code: "broken", origin: "external" });

    test("the alert bus: nothing is prepared that its alerts belong to", async () => {
      const alertBus: AlertBus = Object.assign(Object.create(home.alertBus), {
        publish: () => Promise.reject(boom),
      });
      const run = await start({ config: quiet, outbox: { alertBus } });
      await append("first", range(1, 30));
      await expect(drainAndStop(run)).rejects.toBe(boom);
      expect(await home.newestEpoch()).toBe(0);
      await expectAllOnceAfterRestart();
    });

    test("the hot store", async () => {
      const hotStore: HotStore = Object.assign(Object.create(home.hotStore), {
        putMany: () => Promise.reject(boom),
      });
      const run = await start({ config: quiet, outbox: { hotStore } });
      await append("first", range(1, 30));
      await expect(drainAndStop(run)).rejects.toBe(boom);
      expect(await home.newestEpoch()).toBe(0);
      await expectAllOnceAfterRestart();
      expect(await home.hotStore.get("probe", "last")).toBe("29");
    });

    test("the object store, while it stages", async () => {
      const objects = Object.assign(Object.create(home.objects), { put: () => Promise.reject(boom) });
      const run = await start({ config: quiet, deps: { objects } });
      await append("first", range(1, 30));
      await expect(drainAndStop(run)).rejects.toBe(boom);
      expect(await home.newestEpoch()).toBe(0);
      await expectAllOnceAfterRestart();
    });

    test("the publisher, behind the commit point: the next start finishes its publishing", async () => {
      const publisher = {
        publish: (commits: readonly unknown[]) =>
          commits.length === 0 ? Promise.resolve() : Promise.reject(boom),
      };
      const run = await start({ config: quiet, deps: { publisher } });
      await append("first", range(1, 30));
      await expect(drainAndStop(run)).rejects.toBe(boom);
      expect(await home.newestEpoch()).toBe(1);
      expect(await home.published()).toEqual([]);
      const next = home.createWorker({ nonce: "next" });
      await next.worker.open();
      expect(await home.published()).toEqual(probeRows(records));
      for (const task of next.tasks) task.close();
      await expectAllOnceAfterRestart();
    });

    test("the processing, with a checkpoint under way: that one is finished before the run rejects", async () => {
      const gate = createGate();
      const publish = home.publisher();
      const publisher = {
        publish: async (commits: Parameters<typeof publish.publish>[0]) => {
          if (commits.length > 0) await gate.opened;
          await publish.publish(commits);
        },
      };
      const run = await start({ config: { ...quiet, checkpointRecordsMax: 10 }, deps: { publisher } });
      await append("first", range(0, 10));
      await untilTrue(async () => (await home.newestEpoch()) === 1);
      let isOver = false;
      const over = run.running.catch((error: Error) => {
        isOver = true;
        return error;
      });
      await home.append("second", [-1]);
      await untilTrue(() => home.log.offsets("second", 0).then(({ end }) => end === 1));
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(isOver).toBe(false);
      gate.open();
      expect(await over).toMatchObject({ message: "the probe cannot stand -1" });
      expect(await home.published()).toEqual(probeRows(records));
    });

    test.each(["stage", "publish"] as const)(
      "no epoch is prepared behind one that failed to %s, however fast records come",
      async (step) => {
        const publish = home.publisher();
        const fail = async (): Promise<never> => {
          // Time for the worker to fill the next epoch meanwhile.
          await append("second", range(1000, 1020));
          await new Promise((resolve) => setTimeout(resolve, 20));
          throw boom;
        };
        const publisher = {
          publish: (commits: Parameters<typeof publish.publish>[0]) =>
            commits.length > 0 ? fail() : publish.publish(commits),
        };
        const objects: typeof home.objects = Object.create(home.objects);
        objects.put = (key) => (key.includes("/data/") ? fail() : Promise.resolve());
        const config = { ...quiet, checkpointRecordsMax: 10 };
        const run = await start({ config, deps: step === "stage" ? { objects } : { publisher } });
        await append("first", range(0, 20));
        await expect(run.running).rejects.toBe(boom);
        expect(await home.newestEpoch()).toBe(step === "stage" ? 0 : 1);
        await expectAllOnceAfterRestart();
      },
    );
  });

  describe("two workers on one task", () => {
    test("one is fenced, and its work behind the other's checkpoint is not visible", async () => {
      const zombie = await start({ nonce: "zombie", config: quiet });
      const owner = await start({ nonce: "owner", config: quiet });
      await append("first", range(0, 25));
      await drainAndStop(owner);
      await expect(drainAndStop(zombie)).rejects.toMatchObject({ code: "task-fenced" });
      expect(await home.published()).toEqual(probeRows(records));
      await expectAllOnceAfterRestart();
    });

    test("a zombie that slept through many epochs publishes nothing and takes nothing away", async () => {
      await append("first", range(0, 10));
      const gate = createGate();
      let isAsleep = false;
      const objects: typeof home.objects = Object.create(home.objects);
      // It falls asleep while it stages epoch 1 and wakes up when the owner has come to epoch 5.
      objects.put = async (...args: Parameters<typeof home.objects.put>) => {
        isAsleep = true;
        await gate.opened;
        return home.objects.put(...args);
      };
      const zombie = await start({ nonce: "zombie", config: quiet, deps: { objects } });
      const zombieEnd = drainAndStop(zombie);
      zombieEnd.catch(() => undefined);
      await untilTrue(() => isAsleep);
      const owner = await start({ nonce: "owner", config: quiet });
      for (let epoch = 1; epoch <= 5; epoch++) {
        await append("second", range(epoch * 100, epoch * 100 + 10));
        await owner.worker.drained(await home.ends());
      }
      expect(await home.newestEpoch(), "five checkpoints, and the claim").toBe(6);
      const before = await home.published();
      gate.open();
      await expect(zombieEnd).rejects.toMatchObject({ code: "task-fenced" });
      expect(await home.published()).toEqual(before);
      await append("first", [17]);
      await drainAndStop(owner);
      expect(await home.published()).toEqual(probeRows(records));
      await expectAllOnceAfterRestart();
    });

    test("a zombie that was paused while others took over writes nothing, hot values neither", async () => {
      const zombie = await start({ nonce: "zombie", config: { ...quiet, hotFlushMs: 0 } });
      await append("first", [1]);
      await untilTrue(async () => (await home.hotStore.get("probe", "last")) === "1");
      const owner = await start({ nonce: "owner", config: quiet });
      await append("second", [2, 3]);
      await untilTrue(() => owner.tasks[0].recordsSinceCut === 3);
      await drainAndStop(owner);
      // The pause: to its owner, no time went by between two records.
      home.nowMs += 60_000;
      await append("first", [4]);
      await expect(zombie.running).rejects.toMatchObject({ code: "task-fenced" });
      expect(await home.hotStore.get("probe", "last")).toBe("3");
      await expectAllOnceAfterRestart();
    });

    test("a zombie that was paused within a checkpoint writes no hot value over the new owner's", async () => {
      const gate = createGate();
      let isAsleep = false;
      const checkpoints = home.checkpoints("zombie");
      const stageImage = checkpoints.stageImage.bind(checkpoints);
      checkpoints.stageImage = async (...args) => {
        isAsleep = true;
        await gate.opened;
        return stageImage(...args);
      };
      let hotWrites = 0;
      const hotStore: typeof home.hotStore = Object.create(home.hotStore);
      hotStore.putMany = async (batch) => {
        if (isAsleep) hotWrites++;
        await home.hotStore.putMany(batch);
      };
      await append("first", [1]);
      const config = { ...quiet, checkpointRecordsMax: 1 };
      const zombie = await start({ nonce: "zombie", config, deps: { checkpoints }, outbox: { hotStore } });
      zombie.running.catch(() => undefined);
      await untilTrue(() => isAsleep);
      // It has claimed the epoch that the zombie is about to prepare, and no other yet.
      const owner = await start({ nonce: "owner", config: quiet });
      await append("second", [2, 3]);
      await untilTrue(() => owner.tasks[0].recordsSinceCut === 3);
      home.nowMs += 60_000;
      gate.open();
      await expect(zombie.running).rejects.toMatchObject({ code: "task-fenced" });
      expect(hotWrites).toBe(0);
      await drainAndStop(owner);
      await expectAllOnceAfterRestart();
    });
  });

  test("tells the second stage once that its tasks are idle, and again after the next silence", async () => {
    const run = await start({ config: { ...quiet, idleAfterMs: 500 } });
    const markers = async () => (await home.log.offsets("panes", 0)).end;
    // A look at the inputs every 100 ms: one after a longer time says less of them.
    const passingTime = (count: number) => async () => {
      home.nowMs += 100;
      await run.tasks[0].wait(5);
      return (await markers()) === count;
    };
    await append("first", [1]);
    await untilTrue(() => run.tasks[0].recordsSinceCut === 1);
    expect(await markers()).toBe(0);
    await untilTrue(passingTime(1));
    home.nowMs += 1500;
    await append("first", [2]);
    await untilTrue(() => run.tasks[0].recordsSinceCut === 2);
    expect(await markers()).toBe(1);
    await untilTrue(passingTime(2));
    await drainAndStop(run);
    expect(await markers()).toBe(2);
  });

  test("a worker that never had a record marks nothing idle", async () => {
    const run = await start({ config: { ...quiet, idleAfterMs: 1 } });
    home.nowMs += 1000;
    await run.worker.drained([]);
    run.worker.stop();
    await run.running;
    expect((await home.log.offsets("panes", 0)).end).toBe(0);
  });

  test("stops reading while its outputs are not taken, and loses none of them", async () => {
    const gate = createGate();
    const alertBus: AlertBus = Object.create(home.alertBus);
    let published = 0;
    alertBus.publish = async (alerts) => {
      await gate.opened;
      published += alerts.length;
    };
    const chunks = Math.ceil(OUTBOX_ITEMS_MAX / READ_LIMITS.recordsMax) + 8;
    for (let chunk = 0; chunk < chunks; chunk++) {
      await home.append("first", new Array(READ_LIMITS.recordsMax).fill(10));
    }
    // Every look at the clock is a millisecond, so that a slice is a few batches.
    let ms = 0;
    const config = { ...quiet, hotFlushMs: NEVER_MS, hotFlushBacklogMs: NEVER_MS };
    const run = await start({ config, outbox: { alertBus }, deps: { clock: () => ms++ } });
    const task = run.tasks[0];
    await untilTrue(() => task.outbox.pending > OUTBOX_ITEMS_MAX);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const pending = task.outbox.pending;
    expect(pending).toBeLessThanOrEqual(OUTBOX_ITEMS_MAX + 5 * READ_LIMITS.recordsMax);
    expect(task.inputs()[0].offset).toBeLessThan(chunks * READ_LIMITS.recordsMax);
    gate.open();
    await drainAndStop(run);
    expect(task.outbox.pending).toBe(0);
    expect(published).toBe(chunks * READ_LIMITS.recordsMax);
  });
});
