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
