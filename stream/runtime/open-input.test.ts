import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EventLog } from "../ports/event-log.ts";
import type { Checkpoint } from "./checkpoint-store.ts";
import type { LostInput } from "./open-input.ts";
import type { Task } from "./task.ts";
import { RuntimeHome } from "./testing/runtime-home.ts";

describe("a task whose next records are gone from the log", () => {
  let home: RuntimeHome;
  let skipped: string[];
  beforeEach(async () => {
    home = await RuntimeHome.open();
    skipped = [];
  });
  afterEach(() => home.remove());

  const lostInput = (action: LostInput["action"]): LostInput => ({
    action,
    onSkipped: (message) => skipped.push(message),
  });

  /** The home's log, whose topic `first` was made with that id. */
  function logWithId(id: string): EventLog {
    const log = Object.create(home.log) as EventLog;
    log.topicId = async (topic) => (topic === "first" ? id : `id-${topic}`);
    return log;
  }

  /** A checkpoint of the next offset, as {@link Task.claim} writes it. */
  function checkpointAt(offset: number, topicIds?: Checkpoint["topicIds"]): Checkpoint {
    const inputs = [
      { topic: "first", partition: 0, offset },
      { topic: "second", partition: 0, offset: 0 },
    ];
    return {
      taskId: "probe",
      epoch: 1,
      inputs,
      ...(topicIds && { topicIds }),
      files: [],
      stateImages: [],
      createdAt: 0,
      watermarkMs: null,
      events: { processed: 0, refused: 0, duplicates: 0, late: 0, tooLate: 0 },
    };
  }

  async function restored(action: LostInput["action"], log: EventLog, checkpoint: Checkpoint): Promise<Task> {
    const task = home.createTask("probe", { lostInput: lostInput(action) });
    await task.restore(log, home.checkpoints(), checkpoint);
    return task;
  }

  const positionOf = (task: Task): number | undefined =>
    task.inputs().find(({ topic }) => topic === "first")?.offset;

  test("because the topic was made again stops, also where the new one has the offset", async () => {
    await home.append("first", [1, 2, 3, 4, 5]);
    const checkpoint = checkpointAt(3, { first: "old", second: "id-second" });
    await expect(restored("stop", logWithId("new"), checkpoint)).rejects.toMatchObject({
      code: "input-lost",
      message: expect.stringMatching(
        /first\[0\].*offset 3.*deleted and made again.*lostInput=skip/,
      ) as string,
    });
  });

  test("because the topic was made again begins it from the start, where it may skip, and says so", async () => {
    await home.append("first", [1, 2, 3, 4, 5]);
    const checkpoint = checkpointAt(3, { first: "old", second: "id-second" });
    const task = await restored("skip", logWithId("new"), checkpoint);
    expect(positionOf(task)).toBe(0);
    expect(skipped).toEqual([expect.stringMatching(/first\[0\].*made again.*going on at offset 0/)]);
    while (task.step());
    expect(task.cut()).toMatchObject({ topicIds: { first: "new", second: "id-second" }, lostRecords: 0 });
    task.close();
  });

  test("goes on where the topic is the same, and where an older version has not noted which it was", async () => {
    await home.append("first", [1, 2, 3, 4, 5]);
    for (const ids of [{ first: "same", second: "id-second" }, undefined]) {
      const task = await restored("stop", logWithId("same"), checkpointAt(3, ids));
      expect(positionOf(task)).toBe(3);
      expect(task.cut().topicIds).toEqual({ first: "same", second: "id-second" });
      task.close();
    }
    expect(skipped).toEqual([]);
  });

  test("because retention was faster stops, or skips and counts them for good", async () => {
    await home.append("first", [1, 2, 3]);
    home.nowMs += 10_000;
    await home.append("first", [4, 5]);
    await dropOlderThan(5_000);
    expect((await home.log.offsets("first", 0)).begin).toBe(3);
    await expect(restored("stop", home.log, checkpointAt(1))).rejects.toMatchObject({
      code: "input-lost",
      message: expect.stringMatching(
        /offset 1.*from 3 on: 2 were dropped before they were processed/,
      ) as string,
    });
    const task = await restored("skip", home.log, checkpointAt(1));
    expect(positionOf(task)).toBe(3);
    expect(task.status(new Map(), "running")).toMatchObject({ lostRecords: 2 });
    expect(skipped).toEqual([expect.stringMatching(/going on at offset 3/)]);
    task.close();
    const next = await restored("stop", home.log, {
      ...checkpointAt(4),
      lostRecords: task.cut().lostRecords,
    });
    expect(next.cut().lostRecords).toBe(2);
    next.close();
  });

  test("because brokers lost their newest stops, or goes on at the log's end: all of it was processed", async () => {
    await home.append("first", [1, 2, 3]);
    await expect(restored("stop", home.log, checkpointAt(7))).rejects.toMatchObject({
      code: "input-lost",
      message: expect.stringMatching(/offset 7.*ends at 3/) as string,
    });
    const task = await restored("skip", home.log, checkpointAt(7));
    expect(positionOf(task)).toBe(3);
    expect(task.cut().lostRecords).toBe(0);
    task.close();
  });

  /** By retention, which spares nothing that nobody has to process. */
  async function dropOlderThan(retentionMs: number): Promise<void> {
    await home.log.createTopics([{ name: "first", partitions: 1, retentionMs, retentionBytes: null }]);
    await home.log.enforceRetention(home.nowMs, () => []);
  }
});
