import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import { LmdbEventLog } from "../../stream/adapters/index.ts";
import { CheckpointStore } from "../../stream/index.ts";
import { CheckpointStatus, STATUS_AGE_MS_MAX } from "./checkpoint-status.ts";

it("tasks are unknown once nothing was learnt of them for too long, and known again after", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-status-"));
  const log = new LmdbEventLog({ path: join(folder, "log"), clock: Date.now });
  onTestFinished(async () => {
    await log.close();
    await rm(folder, { recursive: true });
  });
  let now = 1_000_000;
  let down = false;
  const status = new CheckpointStatus({
    log,
    checkpoints: new CheckpointStore(new LocalObjectStore(folder), "reader"),
    group: "shop",
    inputs: new Map([["events-0", []]]),
    ownedTasks: async () => {
      if (down) throw new Error("no broker answers");
      return new Set(["events-0"]);
    },
    clock: () => now,
  });
  const states = () => status.tasks().map(({ state }) => state);
  expect(states()).toEqual(["starting"]);
  await status.refresh();
  expect(states()).toEqual(["running"]);
  down = true;
  now += STATUS_AGE_MS_MAX;
  await expect(status.refresh()).rejects.toThrow("no broker");
  expect(states()).toEqual(["running"]);
  now += 1;
  expect(states()).toEqual(["unknown"]);
  expect(status.statusAgeMs()).toBe(STATUS_AGE_MS_MAX + 1);
  down = false;
  await status.refresh();
  expect(states()).toEqual(["running"]);
  expect(status.statusAgeMs()).toBe(0);
});

it("a task whose offsets have passed what is no record has no lag, although no checkpoint says so", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-status-"));
  const log = new LmdbEventLog({ path: join(folder, "log"), clock: Date.now });
  onTestFinished(async () => {
    await log.close();
    await rm(folder, { recursive: true });
  });
  const topics = ["orders", "products"];
  await log.createTopics(
    topics.map((name) => ({ name, partitions: 1, retentionMs: null, retentionBytes: null })),
  );
  for (const topic of topics) {
    const places = Int32Array.of(0, 0, 0);
    const bytes = new Uint8Array();
    await log.append([{ topic, partition: 0, count: 3, bytes, starts: places, ends: places }]);
  }
  const checkpoints = new CheckpointStore(new LocalObjectStore(folder), "writer");
  await checkpoints.prepare({
    taskId: "events-0",
    epoch: 1,
    inputs: topics.map((topic) => ({ topic, partition: 0, offset: 2 })),
    files: [],
    stateImages: [],
    createdAt: 0,
    watermarkMs: null,
    events: { processed: 2, refused: 0, duplicates: 0, late: 0, tooLate: 0 },
  });
  const status = new CheckpointStatus({
    log,
    checkpoints,
    group: "shop",
    inputs: new Map([
      [
        "events-0",
        [
          { topic: "orders", partition: 0 },
          { topic: "products", partition: 0, readsAlong: true },
        ],
      ],
    ]),
    ownedTasks: async () => new Set(["events-0"]),
    clock: () => 0,
  });
  const lags = async (): Promise<number[]> => {
    await status.refresh();
    return status.tasks()[0].inputs.map(({ lag }) => lag);
  };
  expect(await lags()).toEqual([1, 1]);
  await log.commitOffsets("shop", [{ topic: "orders", partition: 0, offset: 3 }]);
  expect(await lags()).toEqual([0, 1]);
  await log.commitOffsets("shop/events-0", [{ topic: "products", partition: 0, offset: 3 }]);
  expect(await lags()).toEqual([0, 0]);
});
