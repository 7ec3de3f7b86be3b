import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureTables } from "../../lakehouse/index.ts";
import { customerEventContract, encodeJson, MillraceError } from "../../schema/index.ts";
import { CheckpointStore, type TaskAssignment } from "../../stream/index.ts";
import { freshFolder, removeFolder, scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import { type Adapters, retryEnvironment } from "./adapters.ts";
import { openEmbeddedAdapters } from "./embedded-adapters.ts";
import { GroupWorker } from "./group-worker.ts";
import { lakeTables } from "./lake-tables.ts";
import { fenceTask } from "./testing/fence-task.ts";
import { platformTopics, tasksOfPartition } from "./topics.ts";

const POLL = { timeout: 30_000, interval: 50 };
const [TASK] = tasksOfPartition(0);

describe("a worker of a group that gives it a partition", () => {
  let home: string;
  let worker: GroupWorker;
  let told: string[];
  let readies: number;
  /** Ends the group, with the error where there is one. */
  let endGroup: PromiseWithResolvers<void>;
  /** The group takes the partition away, and gives it again once nothing runs. */
  let loseShare: PromiseWithResolvers<void>;
  let checkpointIntervalMs: number;
  let running: Promise<void>;
  beforeEach(async () => {
    home = freshFolder("group-worker");
    const adapters = openEmbeddedAdapters(home, Date.now);
    await adapters.log.createTopics(platformTopics(config()));
    const { catalog, objects: objectStore } = adapters;
    await ensureTables(lakeTables, { catalog, objectStore, ...retryEnvironment });
    await adapters.close();
    told = [];
    readies = 0;
    endGroup = Promise.withResolvers();
    loseShare = Promise.withResolvers();
    checkpointIntervalMs = 200;
  });
  afterEach(async () => {
    endGroup.resolve();
    await worker.stop();
    await running.catch(() => undefined);
    removeFolder(home);
  });

  const config = () =>
    scenarioConfig(home, { partitions: 1, workers: 1, warmSpare: false, checkpointIntervalMs });
  const times = (message: string): number => told.filter((each) => each === message).length;
  const works = (): number => times("works on its tasks");

  async function* assignments(): AsyncGenerator<TaskAssignment> {
    yield { generation: 1, partitions: [0] };
    const isLost = await Promise.race([endGroup.promise, loseShare.promise.then(() => true)]);
    if (isLost === true) {
      yield { generation: 1, partitions: [] };
      yield { generation: 2, partitions: [0] };
    }
    await endGroup.promise;
  }

  function run(): void {
    const tell = (_fields: object, message: string): void => void told.push(message);
    const logger = { info: tell, warn: tell, error: tell };
    worker = new GroupWorker(config(), logger, {
      join: () => ({
        assignments: assignments(),
        standBy: () => undefined,
        leave: () => Promise.resolve(endGroup.resolve()),
      }),
      owners: { ownedPartitions: () => Promise.resolve([]), close: () => undefined },
    });
    running = worker.run(() => readies++);
    running.catch(() => undefined);
  }

  async function withAdapters<T>(body: (adapters: Adapters) => Promise<T>): Promise<T> {
    const adapters = openEmbeddedAdapters(home, Date.now);
    try {
      return await body(adapters);
    } finally {
      await adapters.close();
    }
  }

  /** Of the newest checkpoint of the task. */
  const newestEpoch = (): Promise<number | undefined> =>
    withAdapters(async ({ objects }) => (await new CheckpointStore(objects, "test").newest(TASK))?.epoch);

  const append = (): Promise<unknown> =>
    withAdapters(({ log }) => {
      const event = { eventId: "e", eventType: "page_view", eventTime: Date.now(), userId: "u" };
      const bytes = encodeJson(customerEventContract, event as never);
      const [starts, ends] = [Int32Array.of(0), Int32Array.of(bytes.length)];
      return log.append([{ topic: "customer-events", partition: 0, count: 1, bytes, starts, ends }]);
    });

  test("stops its tasks before it tells that the group failed", async () => {
    run();
    expect(worker.waitingFor()).toEqual(["the group has not given it its share of the tasks yet"]);
    await expect.poll(works, POLL).toBe(1);
    const error = new MillraceError("the group failed", { code: "group-failed", origin: "external" });
    endGroup.reject(error);
    await expect(running).rejects.toBe(error);
    const epoch = await newestEpoch();
    await append();
    // Long enough for ten checkpoints of a worker that goes on.
    await setTimeout(2000);
    expect(await newestEpoch()).toBe(epoch);
  });

  test("tells that it is ready where only a later try to start has worked", async () => {
    const broken = join(home, "checkpoints", TASK, "000000000001.json");
    mkdirSync(dirname(broken), { recursive: true });
    writeFileSync(broken, "no checkpoint");
    run();
    await expect.poll(() => told.length > 1 && works() === 0, POLL).toBe(true);
    expect(worker.waitingFor()).toEqual(["its tasks of partition 0 do not work yet"]);
    expect(worker.taskIds).toHaveLength(2);
    rmSync(broken);
    await expect.poll(works, POLL).toBe(1);
    expect(readies).toBe(1);
    expect(worker.waitingFor()).toEqual([]);
    await worker.stop();
    expect(worker.waitingFor()).toEqual(["it stops"]);
  });

  test("goes on with what it is given where the last checkpoint of what it had has failed", async () => {
    checkpointIntervalMs = 60_000;
    await append();
    run();
    await expect.poll(() => times("has caught up with its tasks"), POLL).toBe(1);
    await withAdapters(({ objects }) => fenceTask(objects, TASK));
    loseShare.resolve();
    await expect.poll(works, POLL).toBe(2);
    expect(told).toContainEqual(expect.stringMatching(/^stopped without a last checkpoint.*task-fenced/));
    endGroup.resolve();
    await running;
  });
});
