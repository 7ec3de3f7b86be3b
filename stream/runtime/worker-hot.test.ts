import { afterEach, beforeEach, expect, test } from "vitest";
import type { AlertBus } from "../ports/alert-bus.ts";
import type { HotStore } from "../ports/hot-store.ts";
import { type HotOutputs, hotBatchOf } from "../sinks/hot-batch-writer.ts";
import { HOT_MARKERS } from "./hot-keeper.ts";
import type { Task } from "./task.ts";
import { restore } from "./testing/restore.ts";
import { NEVER_MS, quiet, RuntimeHome, type TestWorkerOptions, untilTrue } from "./testing/runtime-home.ts";

let home: RuntimeHome;
beforeEach(async () => {
  home = await RuntimeHome.open();
});
afterEach(() => home.remove());

const newest = () => home.hotStore.get("probe", "last");

async function start(options: TestWorkerOptions) {
  const { worker, tasks } = home.createWorker(options);
  await worker.open();
  const running = worker.run();
  return {
    task: tasks[0],
    async stop() {
      worker.stop();
      await running;
    },
  };
}

test("the hot value of a record that came within the millisecond of the last write is written", async () => {
  const run = await start({ config: { ...quiet, hotFlushMs: 10 } });
  home.nowMs += 10;
  await home.append("first", [1]);
  await untilTrue(async () => (await newest()) === "1");
  await home.append("first", [2]);
  await untilTrue(() => run.task.inputs()[0].offset === 2);
  expect(await newest()).toBe("1");
  home.nowMs += 10;
  await untilTrue(async () => (await newest()) === "2");
  await run.stop();
});

test("records are processed while alerts are being written, and hot values written behind these", async () => {
  const gate = Promise.withResolvers<void>();
  const alertBus: AlertBus = Object.create(home.alertBus);
  let asked = 0;
  alertBus.publish = async (alerts) => {
    asked++;
    await gate.promise;
    await home.alertBus.publish(alerts);
  };
  const run = await start({ config: { ...quiet, hotFlushMs: 0 }, outbox: { alertBus } });
  for (const value of [10, 20, 30]) {
    await home.append("first", [value]);
    await untilTrue(() => asked === value / 10);
  }
  expect(await newest()).toBe(null);
  gate.resolve();
  await untilTrue(async () => (await newest()) === "30");
  await run.stop();
  expect(await home.alerts()).toEqual([10, 20, 30]);
});

test("a hot store that is slow is asked for one turn's values at a time, and has the last ones in the end", async () => {
  const gate = Promise.withResolvers<void>();
  const hotStore: HotStore = Object.create(home.hotStore);
  let underWay = 0;
  let underWayMost = 0;
  hotStore.putMany = async (batch) => {
    underWayMost = Math.max(underWayMost, ++underWay);
    await gate.promise;
    await home.hotStore.putMany(batch);
    underWay--;
  };
  const run = await start({ config: { ...quiet, hotFlushMs: 0 }, outbox: { hotStore } });
  for (let value = 1; value <= 9; value++) {
    await home.append("first", [value]);
    await untilTrue(() => run.task.recordsSinceCut === value);
  }
  gate.resolve();
  await untilTrue(async () => (await newest()) === "9");
  expect(underWayMost).toBe(1);
  await run.stop();
});

test("a value that changes without end is written once in each time of waiting, and lost ones come back meanwhile", async () => {
  const hotStore: HotStore = Object.create(home.hotStore);
  let written = 0;
  hotStore.putMany = async (batch) => {
    if (batch.namespace === "probe") written++;
    await home.hotStore.putMany(batch);
  };
  const { worker, tasks } = home.createWorker({ config: { ...quiet, hotFlushMs: 50 }, outbox: { hotStore } });
  const [task] = tasks;
  const { flushHot } = task.pipeline;
  // As a pipeline under load does: some other key has changed by the time that these are handed over.
  task.pipeline.flushHot = (hot, keys) => {
    if (keys > 0) flushHot(hot, keys);
    return keys > 0;
  };
  await worker.open();
  const running = worker.run();
  let value = 0;
  const feed = async (): Promise<void> => {
    await home.append("first", [++value]);
    await untilTrue(() => task.recordsSinceCut === value);
  };
  for (let round = 1; round <= 3; round++) {
    home.nowMs += 50;
    while (written < round) await feed();
    for (let k = 0; k < 5; k++) await feed();
    expect(written).toBe(round);
  }
  await loseEverything();
  home.nowMs += LOOK_EVERY_MS;
  while ((await newest()) === null || (await marker()) !== "whole") {
    home.nowMs += 50;
    await feed();
  }
  worker.stop();
  await running;
});

/** A task whose hot values are of many keys, which it keeps as the users' records are kept. */
function createTaskOfKeys(): { readonly task: Task; readonly waiting: string[] } {
  const task = home.createTask();
  const waiting: string[] = [];
  Object.assign(task.pipeline, {
    hotWaiting: () => waiting.length,
    flushHot(hot: HotOutputs, keys: number) {
      for (const key of waiting.splice(0, keys)) hot.namespace("probe", NEVER_MS).put(key, "written");
      return waiting.length > 0;
    },
    arrangeHot: (keys: number) => void waiting.unshift(...waiting.splice(0, keys).sort()),
  });
  return { task, waiting };
}

const keysOf = (prefix: string, count: number) => Array.from({ length: count }, (_, k) => `${prefix}${k}`);
const missing = async (keys: readonly string[]) =>
  (await home.hotStore.getMany("probe", keys)).filter((value) => value === null).length;

test("what waited at a cut is written with it, though a round began with newer values of smaller keys", async () => {
  const { task, waiting } = createTaskOfKeys();
  const ofCut = keysOf("z", 200);
  waiting.push(...ofCut);
  const { hotWaiting } = task.cut();
  waiting.push(...keysOf("a", 200));
  task.beginHotRound();
  await task.writeHot(hotWaiting, false, async () => undefined);
  expect(await missing(ofCut)).toBe(0);
});

test("what waited when a round began is written when it ends, though a cut wrote newer values of smaller keys", async () => {
  const { task, waiting } = createTaskOfKeys();
  await restore(task, home.log, home.checkpoints());
  const ofRound = keysOf("z", 200);
  waiting.push(...ofRound);
  task.beginHotRound();
  await home.append("first", [1]);
  expect(task.step()).toBe(true);
  const behind = keysOf("a", 2_000);
  waiting.push(...behind);
  const { hotWaiting } = task.cut();
  const writing = task.writeHot(hotWaiting, false, async () => undefined);
  while (task.flushHot());
  expect(waiting.length).toBeGreaterThan(0);
  expect(waiting.filter((key) => ofRound.includes(key))).toEqual([]);
  await writing;
  expect(await missing([...ofRound, ...behind])).toBe(0);
  task.close();
});

const LOOK_EVERY_MS = 5_000;
const marker = () => home.hotStore.get(HOT_MARKERS, "probe");

/** What a store without persistence holds behind a restart, or one that was flushed. */
async function loseEverything(): Promise<void> {
  await home.hotStore.delete(HOT_MARKERS, ["probe"]);
  await home.hotStore.delete("probe", ["last"]);
}

test("values that the hot store has lost come back by themselves, without a new record", async () => {
  const run = await start({ config: { ...quiet, hotFlushMs: 0 } });
  await home.append("first", [7]);
  await untilTrue(async () => (await newest()) === "7" && (await marker()) === "whole");
  for (let time = 0; time < 2; time++) {
    await loseEverything();
    home.nowMs += LOOK_EVERY_MS;
    await untilTrue(async () => (await newest()) === "7" && (await marker()) === "whole");
  }
  await run.stop();
});

test("a task that dies before it has looked for the first time does not take its values for lost", async () => {
  const hotStore: HotStore = Object.create(home.hotStore);
  const asked: string[] = [];
  hotStore.putMany = async (batch) => {
    asked.push(batch.namespace);
    await home.hotStore.putMany(batch);
  };
  const { worker } = home.createWorker({ deps: { hotStore } });
  await worker.open();
  expect(await marker()).toBe("whole");
  const next = await start({ deps: { hotStore }, nonce: "next" });
  await home.append("first", [7]);
  await untilTrue(() => next.task.recordsSinceCut === 1);
  await next.stop();
  expect(asked).toEqual([HOT_MARKERS]);
});

test("values are written again by the next owner of a task whose last one died in the middle of it", async () => {
  const first = await start({ config: { ...quiet, hotFlushMs: 0 } });
  await home.append("first", [7]);
  await untilTrue(async () => (await newest()) === "7" && (await marker()) === "whole");
  await first.stop();
  await loseEverything();
  await home.hotStore.putMany(hotBatchOf(HOT_MARKERS, { probe: "rewriting" }, NEVER_MS));
  const second = await start({ config: { ...quiet, hotFlushMs: 0 }, nonce: "second" });
  await untilTrue(async () => (await newest()) === "7" && (await marker()) === "whole");
  await second.stop();
});

test("a loss while values are written again is not taken for their end", async () => {
  const hotStore: HotStore = Object.create(home.hotStore);
  let losses = 0;
  hotStore.putMany = async (batch) => {
    await home.hotStore.putMany(batch);
    // Behind the value, and before the marker says that it is there.
    if (batch.namespace === "probe" && losses++ < 2) await loseEverything();
  };
  const run = await start({ config: { ...quiet, hotFlushMs: 0 }, outbox: { hotStore } });
  await home.append("first", [7]);
  await untilTrue(async () => {
    home.nowMs += LOOK_EVERY_MS;
    return losses === 3 && (await newest()) === "7" && (await marker()) === "whole";
  });
  await run.stop();
});

test("a worker that slept between its look and the hot values of a cut writes none over those of the new owner", async () => {
  const asleep = Promise.withResolvers<void>();
  const wake = Promise.withResolvers<void>();
  const checkpoints = home.checkpoints("a");
  const look = checkpoints.requireNewest.bind(checkpoints);
  let sleeps = false;
  checkpoints.requireNewest = async (taskId, epoch) => {
    await look(taskId, epoch);
    if (!sleeps) return;
    sleeps = false;
    asleep.resolve();
    await wake.promise;
  };
  // It reads nothing while it sleeps.
  const log = Object.create(home.log);
  let frozen = false;
  log.reader = async (...of: Parameters<typeof home.log.reader>) => {
    const reader = await home.log.reader(...of);
    const { read, wait } = reader;
    reader.read = (bytes) => (frozen ? null : read.call(reader, bytes));
    reader.wait = (ms) => (frozen ? new Promise((done) => setTimeout(done, 20)) : wait.call(reader, ms));
    return reader;
  };
  const config = { ...quiet, hotFlushMs: 1e9, checkpointRecordsMax: 1 };
  const sleeper = home.createWorker({ nonce: "a", config, deps: { checkpoints, log } });
  await sleeper.worker.open();
  sleeps = true;
  const ended = sleeper.worker.run().then(
    () => "stopped",
    ({ code }) => code,
  );
  await home.append("first", [1]);
  await asleep.promise;
  frozen = true;
  const owner = home.createWorker({
    nonce: "b",
    config: { ...quiet, hotFlushMs: 10, checkpointRecordsMax: 1 },
  });
  await owner.worker.open();
  const running = owner.worker.run();
  await home.append("first", [2]);
  home.nowMs += 10_000;
  await untilTrue(async () => (await newest()) === "2" && (await home.newestEpoch()) > 0);
  wake.resolve();
  expect(await ended).toBe("task-fenced");
  expect(await newest()).toBe("2");
  owner.worker.stop();
  await running;
});

test("a clock that is set back holds neither hot values nor checkpoints up", async () => {
  const run = await start({ config: { ...quiet, checkpointIntervalMs: 300, hotFlushMs: 50 } });
  home.nowMs += 1_000;
  await home.append("first", [1]);
  await untilTrue(async () => (await newest()) === "1" && (await home.newestEpoch()) === 1);
  home.nowMs -= 3_600_000;
  await home.append("first", [2]);
  await untilTrue(() => run.task.inputs()[0].offset === 2);
  home.nowMs += 1_000;
  await untilTrue(async () => (await newest()) === "2" && (await home.newestEpoch()) === 2);
  await run.stop();
});
