import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Worker as Thread } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureTables } from "../../lakehouse/index.ts";
import { customerEventContract, encodeJson } from "../../schema/index.ts";
import type { WorkReport } from "../../stream/index.ts";
import { freshFolder, removeFolder, scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import { type Adapters, retryEnvironment } from "./adapters.ts";
import { consumerGroupsOf } from "./consumer-groups.ts";
import { openEmbeddedAdapters } from "./embedded-adapters.ts";
import type { InputEnd } from "./input-ends.ts";
import { lakeTables } from "./lake-tables.ts";
import { platformConfig } from "./platform-config.ts";
import { SpareThread } from "./spare-thread.ts";
import type { StepTimes } from "./step-times.ts";
import { Supervisor } from "./supervisor.ts";
import { fenceTask } from "./testing/fence-task.ts";
import { assignTasks, platformTopics } from "./topics.ts";

const RESTART_DELAY_MS = 10;
const POLL = { timeout: 30_000, interval: 50 };
const NOON = Date.UTC(2026, 0, 5, 12);

interface Failure {
  readonly worker: number;
  readonly message: string;
  readonly final: boolean;
  readonly code: string;
}

describe("supervisor", () => {
  let home: string;
  let adapters: Adapters;
  let supervisor: Supervisor | null;
  let failures: Failure[];
  let work: WorkReport[];
  /** Why last checkpoints failed. */
  let stopFailures: string[];
  /** Of each worker's start, by its first task. */
  let stepsOf: Record<string, string[]>;
  /** The workers that have told so, in that order. */
  let caughtUp: number[];
  let checkpointIntervalMs: number;
  beforeEach(async () => {
    home = freshFolder("supervisor");
    adapters = openEmbeddedAdapters(home, Date.now);
    supervisor = null;
    failures = [];
    work = [];
    stopFailures = [];
    stepsOf = {};
    caughtUp = [];
    checkpointIntervalMs = 10_000;
    await adapters.log.createTopics(platformTopics(config()));
    const { catalog, objects: objectStore } = adapters;
    await ensureTables(lakeTables, { catalog, objectStore, ...retryEnvironment });
  });
  afterEach(async () => {
    await supervisor?.stop();
    await adapters.close();
    removeFolder(home);
  });

  const config = () => scenarioConfig(home, { partitions: 2, workers: 2, checkpointIntervalMs });

  function createSupervisor(spare: SpareThread | null = null, assigned = assignTasks(2, 2)): Supervisor {
    const data = assigned.map((taskIds, workerIndex) => ({
      config: platformConfig(config()),
      taskIds,
      workerIndex,
    }));
    const events = {
      onWarning: () => undefined,
      onReady(_worker: number, [task]: readonly string[], ms: StepTimes) {
        stepsOf[task] = Object.keys(ms);
      },
      onCaughtUp: (worker: number) => caughtUp.push(worker),
      onWork: (_worker: number, report: WorkReport) => work.push(report),
      onFailure: (worker: number, message: string, final: boolean, code: string) =>
        failures.push({ worker, message, final, code }),
      onStopFailure: (_worker: number, message: string) => stopFailures.push(message),
    };
    supervisor = new Supervisor(data, Date.now, events, { restartDelayMs: RESTART_DELAY_MS, spare });
    return supervisor;
  }

  /** Appends events to both partitions, behind so many; resolves to their ends. */
  async function append(count: number, from = 0): Promise<InputEnd[]> {
    const ends: InputEnd[] = [];
    for (const partition of [0, 1]) {
      const records = Array.from({ length: count }, (_, i) =>
        encodeJson(customerEventContract, {
          eventId: `e-${partition}-${from + i}`,
          eventType: "page_view",
          eventTime: NOON + i,
          userId: `u${i % 7}`,
        } as never),
      );
      const lengths = records.map(({ length }) => length);
      const valueEnds = Int32Array.from(
        lengths,
        (
          (at) => (length) =>
            (at += length)
        )(0),
      );
      const starts = Int32Array.from(lengths, (length, i) => valueEnds[i] - length);
      const topic = "customer-events";
      const bytes = Buffer.concat(records);
      await adapters.log.append([{ topic, partition, count, bytes, starts, ends: valueEnds }]);
      ends.push({ topic, partition, offset: from + count });
    }
    return ends;
  }

  async function silverRows(): Promise<unknown> {
    const engine = adapters.openQueryEngine();
    try {
      const { rows } = await engine.query(
        "SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM {silver.events}",
        [],
      );
      return rows[0];
    } finally {
      await engine.close();
    }
  }

  /** Groups that retention waits for and that have never committed: they would keep the log for ever. */
  async function groupsWithoutOffset(): Promise<string[]> {
    const groupsOf = consumerGroupsOf(config());
    const found: string[] = [];
    for (const { name, partitions } of await adapters.log.topics()) {
      for (let partition = 0; partition < partitions; partition++) {
        for (const group of groupsOf(name, partition)) {
          const offset = await adapters.log.committedOffset(group, name, partition);
          if (offset === null) found.push(`${group} ${name}/${partition}`);
        }
      }
    }
    return found;
  }

  const brokenKey = "checkpoints/events-1/000000000001.json";
  const states = (some: Supervisor) =>
    Object.fromEntries(some.tasks().map((task) => [task.taskId, task.state]));

  test("runs every task, and a drain resolves when their records are published", async () => {
    const some = createSupervisor();
    expect(states(some)).toEqual({
      "events-0": "starting",
      "events-1": "starting",
      "insights-0": "starting",
    });
    await some.start();
    await some.drain(await append(50));
    expect(await silverRows()).toEqual({ n: 100, ids: 100 });
    expect(states(some)).toEqual({ "events-0": "running", "events-1": "running", "insights-0": "running" });
    await some.stop();
    expect(states(some)).toEqual({ "events-0": "stopped", "events-1": "stopped", "insights-0": "stopped" });
    expect(some.tasks().map(({ inputs }) => inputs.length)).not.toContain(0);
    expect(await groupsWithoutOffset()).toEqual([]);
    expect(failures).toEqual([]);
  });

  test("workers that give way put their checkpoints off until they need not any more", async () => {
    checkpointIntervalMs = 200;
    const some = createSupervisor();
    const events = () => some.tasks().filter(({ taskId }) => taskId.startsWith("events-"));
    const epochs = () => events().map(({ epoch }) => epoch);
    const processed = () => events().reduce((sum, task) => sum + task.events.processed, 0);
    await some.start();
    await expect.poll(() => caughtUp.toSorted(), POLL).toEqual([0, 1]);
    some.giveWay(Date.now() + 600_000);
    // Messages are taken in turn: behind this one, that is known.
    await some.drain([]);
    await append(50);
    await expect.poll(processed, POLL).toBe(100);
    const before = epochs();
    // Statuses come every half second.
    await setTimeout(1_500);
    expect(epochs()).toEqual(before);
    some.giveWay(0);
    await expect.poll(epochs, POLL).toEqual(before.map((epoch) => epoch + 1));
    expect(caughtUp.toSorted()).toEqual([0, 1]);
  });

  test("starts a worker again that failed, and its drain resolves after it has caught up", async () => {
    const some = createSupervisor();
    await some.start();
    await fenceTask(adapters.objects, "events-0");
    await some.drain(await append(50));
    expect(failures).toMatchObject([{ worker: 0, final: false, code: "task-fenced" }]);
    const failed = { name: "checkpointFailures", labels: ["task-fenced"], count: 1 };
    expect(work.flatMap(({ counts }) => counts)).toContainEqual(failed);
    expect(failures[0].message).toContain("task-fenced");
    expect(await silverRows()).toEqual({ n: 100, ids: 100 });
    expect(some.tasks().find(({ taskId }) => taskId === "events-0")).toMatchObject({
      state: "running",
      error: null,
      epoch: 4,
    });
  });

  test("tells what the threads have done, and how busy those are that run", async () => {
    const some = createSupervisor();
    expect(some.loads()).toEqual([]);
    await some.start();
    await some.drain(await append(50));
    const records = () =>
      work
        .flatMap(({ counts }) => counts)
        .filter(({ name, labels }) => name === "records" && labels[0] === "customer-events")
        .reduce((sum, { count }) => sum + count, 0);
    await expect.poll(records, POLL).toBe(100);
    // One of each worker.
    const checkpoints = () => work.flatMap(({ checkpointMs }) => checkpointMs).length;
    await expect.poll(checkpoints, POLL).toBeGreaterThanOrEqual(2);
    await expect.poll(() => some.loads().length, POLL).toBe(2);
    for (const { busy } of some.loads()) expect(busy).toBeLessThanOrEqual(1);
    await some.stop();
    expect(some.loads()).toEqual([]);
    expect(records()).toBe(100);
  });

  test("a last checkpoint that fails is told as that, and not as a worker that is given up", async () => {
    const some = createSupervisor();
    await some.start();
    await append(50);
    const processed = () => some.tasks().reduce((sum, task) => sum + task.events.processed, 0);
    await expect.poll(processed, POLL).toBeGreaterThanOrEqual(100);
    await fenceTask(adapters.objects, "events-0");
    await some.stop();
    expect(stopFailures).toEqual([expect.stringContaining("task-fenced")]);
    expect(failures).toEqual([]);
  });

  test("a worker takes the spare thread, warm or not, and the next one starts its own", async () => {
    const warm = Promise.withResolvers<void>();
    const spare = new SpareThread(platformConfig(config()), { onWarm: warm.resolve });
    spare.start();
    await warm.promise;
    const some = createSupervisor(spare);
    await some.start();
    expect(stepsOf["events-0"]).toContain("spare thread taken");
    expect(stepsOf["events-1"]).toContain("thread started");
    expect(spare.take()).toBeNull();
    await spare.close();
    await some.drain(await append(50));
    expect(await silverRows()).toEqual({ n: 100, ids: 100 });
    await some.stop();
    expect(states(some)).toEqual({ "events-0": "stopped", "events-1": "stopped", "insights-0": "stopped" });
    expect(failures).toEqual([]);
  });

  test("a spare thread is taken while it warms up, and stopped right behind that", async () => {
    const onWarm = () => expect.unreachable("it was not warm yet");
    const spare = new SpareThread(platformConfig(config()), { onWarm });
    spare.start();
    await setTimeout(50);
    const some = createSupervisor(spare);
    const started = some.start();
    await some.stop();
    // It may have been ready first.
    await started.catch((error: unknown) => expect(error).toMatchObject({ code: "worker-stopped" }));
    await spare.close();
    expect(failures).toEqual([]);
  });

  test("a spare thread that fails tells why, and is started again when tasks begin", async () => {
    const noFolder = join(home, "no-folder");
    writeFileSync(noFolder, "");
    const warm = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<string>();
    const spare = new SpareThread(platformConfig({ ...config(), home: noFolder }), {
      onWarm: warm.resolve,
      onFailure: failed.resolve,
    });
    spare.start();
    expect(await failed.promise).toContain(noFolder);
    await expect.poll(() => spare.isGettingReady).toBe(false);
    rmSync(noFolder);
    // By itself it would be tried in a minute.
    spare.startSoon(1);
    await warm.promise;
    await spare.close();
  }, 45_000);

  test("a spare thread that has failed is not taken any more while it closes what it opened", async () => {
    const failed = Promise.withResolvers<void>();
    const noFolder = join(home, "file");
    writeFileSync(noFolder, "");
    const spare = new SpareThread(platformConfig({ ...config(), home: noFolder }), {
      onFailure: () => {
        taken = spare.take();
        failed.resolve();
      },
    });
    let taken: unknown = "not asked";
    spare.start();
    await failed.promise;
    expect(taken).toBeNull();
    await spare.close();
  });

  test("a thread that ends by itself, without a word, is started again", async () => {
    const silent = new Thread('setTimeout(() => require("node:worker_threads").parentPort.close(), 50)', {
      eval: true,
    });
    let given = false;
    const spare = {
      take() {
        if (given) return null;
        given = true;
        return silent;
      },
    } as unknown as SpareThread;
    // With the listener that keeps a thread's port open, as a worker has one.
    const some = createSupervisor(spare);
    await expect(some.start()).rejects.toMatchObject({ code: "worker-failed" });
    expect(failures[0]).toMatchObject({ message: expect.stringContaining("ended by itself"), final: false });
    await expect.poll(() => some.tasks().every(({ state }) => state === "running"), POLL).toBe(true);
  });

  test("a spare thread has the state of tasks that others run, and goes on with them", async () => {
    const followed = ["events-0", "events-1", "insights-0"];
    const standingBy = Promise.withResolvers<readonly string[]>();
    const spare = new SpareThread(platformConfig(config()), { onStandingBy: standingBy.resolve });
    const some = createSupervisor();
    await some.start();
    await some.drain(await append(50));
    spare.follow(followed);
    spare.start();
    expect(spare.isGettingReady).toBe(true);
    expect(await standingBy.promise).toEqual(followed);
    expect(spare.isGettingReady).toBe(false);
    await some.drain(await append(50, 50));
    await some.stop();
    const next = createSupervisor(spare, [followed]);
    await next.start();
    await next.drain(await append(50, 100));
    expect(await silverRows()).toEqual({ n: 300, ids: 300 });
    await next.stop();
    await spare.close();
    expect(failures).toEqual([]);
  }, 45_000);

  test("a spare thread that nobody takes ends when it is closed", async () => {
    const spare = new SpareThread(platformConfig(config()));
    spare.start();
    await setTimeout(50);
    await spare.close();
    expect(spare.take()).toBeNull();
  });

  test("the start rejects where a worker cannot restore, and goes on trying behind it", async () => {
    await adapters.objects.put(brokenKey, Buffer.from("{"));
    const some = createSupervisor();
    await expect(some.start()).rejects.toMatchObject({ code: "worker-failed" });
    const drained = append(10).then((ends) => some.drain(ends));
    expect(states(some)["events-1"]).toBe("recovering");
    rmSync(join(home, brokenKey));
    await drained;
    expect(await silverRows()).toEqual({ n: 20, ids: 20 });
    expect(failures.every(({ worker, final }) => worker === 1 && !final)).toBe(true);
  });

  test("gives up after five restarts in a row: its tasks have failed, drains reject, others run on", async () => {
    await adapters.objects.put(brokenKey, Buffer.from("{"));
    const some = createSupervisor();
    await expect(some.start()).rejects.toMatchObject({ code: "worker-failed" });
    const ends = await append(10);
    await expect(some.drain(ends)).rejects.toMatchObject({ code: "worker-failed" });
    expect(failures.map(({ final }) => final)).toEqual([false, false, false, false, false, true]);
    expect(states(some)).toMatchObject({ "events-1": "failed", "insights-0": "failed" });
    expect(some.tasks().find(({ taskId }) => taskId === "events-1")?.error).toContain("JSON");
    await expect(some.drain(ends)).rejects.toMatchObject({ code: "worker-failed" });
    const log = adapters.log;
    const own = () => log.committedOffset("millrace", "customer-events", 0);
    while (((await own()) ?? 0) < 10) await setTimeout(10);
    expect(await silverRows()).toEqual({ n: 10, ids: 10 });
  });

  test("a start that is stopped before the worker is ready settles", async () => {
    await adapters.objects.put(brokenKey, Buffer.from("{"));
    const some = createSupervisor();
    const outcome = expect(some.start()).rejects.toMatchObject({ code: "worker-stopped" });
    await some.stop();
    await outcome;
  });

  test("stopping right behind a drain is no failure: statuses on their way are sent first", async () => {
    const some = createSupervisor();
    await some.start();
    await some.drain(await append(10));
    const drained = some.drain(await append(10)).catch(() => undefined);
    await some.stop();
    await drained;
    expect(failures).toEqual([]);
  });

  test("a drain that waits for what never comes rejects when the workers stop", async () => {
    const some = createSupervisor();
    await some.start();
    const drained = some.drain([{ topic: "customer-events", partition: 0, offset: 1_000_000 }]);
    const outcome = expect(drained).rejects.toMatchObject({ code: "worker-stopped" });
    await some.stop();
    await outcome;
  });
});
