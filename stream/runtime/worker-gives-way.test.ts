import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EventLog, LogReader } from "../ports/event-log.ts";
import { eventLoopScheduling, type Scheduling } from "./scheduling.ts";
import type { Task } from "./task.ts";
import { quiet, RuntimeHome, untilTrue } from "./testing/runtime-home.ts";
import type { Worker } from "./worker.ts";
import type { WorkerConfig } from "./worker-config.ts";

const REST_MS = 50;

describe("a worker beside one that takes tasks up", () => {
  let home: RuntimeHome;
  let worker: Worker;
  let task: Task;
  let running: Promise<void>;
  /** Rests that the worker has begun, each with what ends it. */
  let rests: (() => void)[];
  beforeEach(async () => {
    home = await RuntimeHome.open();
    rests = [];
  });
  afterEach(async () => {
    worker.stop();
    const ending = setInterval(() => rests.at(-1)?.());
    await running;
    clearInterval(ending);
    await home.remove();
  });

  const scheduling: Scheduling = {
    ...eventLoopScheduling,
    after(ms, callback) {
      if (ms !== REST_MS) return eventLoopScheduling.after(ms, callback);
      rests.push(callback);
      return () => undefined;
    },
  };

  async function start(config: Partial<WorkerConfig>, log: EventLog = home.log): Promise<void> {
    const created = home.createWorker({ config, deps: { scheduling, log } });
    worker = created.worker;
    task = created.tasks[0];
    await worker.open();
  }

  /** Has it give way from its start on, for so long. */
  async function startResting(ms: number, config: Partial<WorkerConfig> = quiet): Promise<void> {
    await start(config);
    worker.giveWay(home.nowMs + ms);
    run();
    await untilTrue(() => rests.length === 1);
  }

  function run(): void {
    running = worker.run();
    running.catch(() => undefined);
  }

  /** Long enough for a worker that does not rest to have seen what was appended. */
  const longEnough = () => new Promise((resolve) => setTimeout(resolve, 100));

  test("rests wherever it finds no record, and no longer than it was told", async () => {
    await startResting(1000);
    await home.append("first", [1, 2]);
    await home.append("first", [3]);
    await longEnough();
    expect(task.recordsSinceCut, "while it rests").toBe(0);
    rests[0]();
    await untilTrue(() => task.recordsSinceCut === 3);
    await untilTrue(() => rests.length === 2);
    home.nowMs += 1000;
    rests[1]();
    await home.append("second", [4]);
    await untilTrue(() => task.recordsSinceCut === 4);
    await longEnough();
    expect(rests).toHaveLength(2);
  });

  test("is awake again when it is told to be", async () => {
    await startResting(1000);
    worker.giveWay(0);
    rests[0]();
    await home.append("first", [1]);
    await untilTrue(() => task.recordsSinceCut === 1);
    await longEnough();
    expect(rests).toHaveLength(1);
  });

  test("begins no checkpoint, but one of a full epoch", async () => {
    await startResting(5000, { ...quiet, checkpointIntervalMs: 1000, checkpointRecordsMax: 100 });
    await home.append("first", [1]);
    home.nowMs += 2000;
    rests[0]();
    await untilTrue(() => task.recordsSinceCut === 1 && rests.length === 2);
    rests[1]();
    await untilTrue(() => rests.length === 3);
    await longEnough();
    expect(await home.newestEpoch()).toBe(0);
    await home.append(
      "first",
      Array.from({ length: 99 }, (_, i) => i),
    );
    rests[2]();
    await untilTrue(async () => (await home.newestEpoch()) === 1);
    await home.append("first", [1]);
    home.nowMs += 3000;
    rests.at(-1)?.();
    await untilTrue(async () => (await home.newestEpoch()) === 2);
  });

  test("it tells once that it has caught up: when nothing waits, nor is awaited from the log", async () => {
    let isBehind = true;
    let told = 0;
    const log: EventLog = Object.create(home.log, {
      reader: {
        value: async (...at: Parameters<EventLog["reader"]>): Promise<LogReader> =>
          Object.defineProperty(await home.log.reader(...at), "isBehind", { get: () => isBehind }),
      },
    });
    await home.append("first", [1, 2, 3]);
    home.nowMs += 10_000;
    await start(quiet, log);
    worker.whenCaughtUp(() => {
      told++;
    });
    run();
    await longEnough();
    expect(told, "while the log has more").toBe(0);
    isBehind = false;
    await untilTrue(() => told > 0);
    expect(task.recordsSinceCut).toBe(3);
    await home.append("first", [4]);
    await untilTrue(() => task.recordsSinceCut === 4);
    await longEnough();
    expect(told).toBe(1);
  });
});
