import { afterEach, beforeEach, expect, test } from "vitest";
import { Task } from "./task.ts";
import { NEVER_MS, RuntimeHome, untilTrue } from "./testing/runtime-home.ts";

const IDLE_AFTER_MS = 500;
const LOOK_MS = IDLE_AFTER_MS / 5;

let home: RuntimeHome;
beforeEach(async () => {
  home = await RuntimeHome.open();
});
afterEach(() => home.remove());

/** A probe that reads one topic alone. */
function createReader(taskId: string, topic: string): Task {
  const { pipeline, outbox } = home.createTask(taskId);
  return new Task({ ...pipeline, inputs: [{ ...pipeline.inputs[0], topic }] }, outbox);
}

/** Runs a worker with these tasks until the function that it gives is called. */
async function run(tasks: readonly Task[]) {
  const config = {
    checkpointIntervalMs: NEVER_MS,
    checkpointRecordsMax: NEVER_MS,
    idleAfterMs: IDLE_AFTER_MS,
  };
  const { worker } = home.createWorker({ tasks, config });
  await worker.open();
  const running = worker.run();
  return async () => {
    worker.stop();
    await running;
  };
}

const marks = async () => (await home.log.offsets("panes", 0)).end;

test("a task that falls silent is told of beside one that does not", async () => {
  const silent = createReader("silent", "first");
  const busy = createReader("busy", "second");
  const stop = await run([silent, busy]);
  await home.append("first", [1]);
  await untilTrue(() => silent.recordsSinceCut === 1);
  for (let i = 1; i <= 8; i++) {
    home.nowMs += LOOK_MS;
    await home.append("second", [i]);
    await untilTrue(() => busy.recordsSinceCut === i);
  }
  await untilTrue(async () => (await marks()) === 1);
  await stop();
  expect(await marks()).toBe(1);
});

test("reading that others are silent does not end their silence: an idle worker comes to rest", async () => {
  const silent = createReader("silent", "first");
  const second = home.createTask("second");
  let read = 0;
  const process = ({ count }: { readonly count: number }): void => {
    read += count;
  };
  const reader = new Task(
    { ...second.pipeline, inputs: [{ topic: "panes", partition: 0, process }], markIdle: () => undefined },
    second.outbox,
  );
  const stop = await run([silent, reader]);
  await home.append("first", [1]);
  await untilTrue(() => silent.recordsSinceCut === 1);
  await untilTrue(async () => {
    home.nowMs += LOOK_MS;
    await reader.wait(5);
    return read === 1;
  });
  for (let i = 0; i < 20; i++) {
    home.nowMs += LOOK_MS;
    await reader.wait(5);
  }
  await stop();
  expect(await marks()).toBe(1);
});
