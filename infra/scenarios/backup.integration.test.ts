import { cpSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOT_MARKERS } from "../../stream/index.ts";
import { type Backup, backUpHome } from "../backup/back-up-home.ts";
import { Platform } from "../platform/platform.ts";
import { compareHomes, type Reference, readReference } from "./testing/compare-homes.ts";
import { CrashFeed } from "./testing/crash-feed.ts";
import { LakeReader } from "./testing/lake-reader.ts";
import {
  CollectedLog,
  freshFolder,
  removeFolder,
  scenarioConfig,
  withPlatform,
} from "./testing/scenario-home.ts";

const PARTITIONS = 2;
const EVENTS = 3_000;
/** Backups, each while the second half of a share of the input comes. */
const SHARES = [800, 800, 800] as const;
const CHUNK_EVERY_MS = 10;
const NO_DIFFERENCE = { lost: 0, doubled: 0, problems: [] };

describe("a home that was backed up while events came and tables were compacted", () => {
  const folder = freshFolder("backup");
  // Many small epochs. A source that nobody hears of is waited for: idleness is a matter of the wall clock.
  const config = (name: string) =>
    scenarioConfig(join(folder, name), {
      partitions: PARTITIONS,
      workers: 2,
      checkpointIntervalMs: 200,
      checkpointRecordsMax: 1500,
      idleAfterMs: 3_600_000,
    });
  const live = config("live");
  const backups: Backup[] = [];
  let reader: LakeReader;
  let reference: Reference;

  const feedOf = ({ log }: Platform) =>
    new CrashFeed(log, { partitions: PARTITIONS, events: EVENTS, productsSeen: async () => undefined });

  beforeAll(async () => {
    reader = await LakeReader.open();
    await withPlatform(config("through"), async (platform) => {
      await feedOf(platform).finish();
      await platform.waitUntilProcessed();
    });
    reference = await readReference(reader, config("through"));
    await withPlatform(live, async (platform) => {
      const feed = feedOf(platform);
      for (const [i, records] of SHARES.entries()) {
        // Something is published before the first copy, and between one and the next.
        await feed.append(records / 2, CHUNK_EVERY_MS);
        await platform.waitUntilProcessed();
        const [backup] = await Promise.all([
          // Behind the first chunks, and before the last.
          sleep(CHUNK_EVERY_MS * 3).then(() =>
            backUpHome({ home: live.home, into: join(folder, `copy-${i}`), clock: Date.now }),
          ),
          feed.append(records / 2, CHUNK_EVERY_MS),
          platform.adapters.maintainLake({ full: true }),
        ]);
        backups.push(backup);
        // So that each copy is some epochs behind the next.
        await platform.waitUntilProcessed();
      }
      await feed.finish();
      await platform.waitUntilProcessed();
    });
  });
  afterAll(() => {
    reader?.close();
    removeFolder(folder);
  });

  /** The platform goes on in the place of the home, with the copy; producers send what its log does not have. */
  async function goOnWith(copy: string): Promise<void> {
    removeFolder(live.home);
    cpSync(join(folder, copy), live.home, { recursive: true });
    await withPlatform(live, async (platform) => {
      await feedOf(platform).finish();
      await platform.waitUntilProcessed();
      await hotValuesWhole(platform);
    });
  }

  test("is not disturbed by it", async () => {
    cpSync(live.home, config("whole").home, { recursive: true });
    expect(await compareHomes(reader, reference, live)).toEqual(NO_DIFFERENCE);
    expect(readdirSync(live.home)).not.toContain("backup-links");
  });

  test("had come a part of the way at each, none of it from the one before", () => {
    const epochs = backups.map(({ tasks }) => Object.values(tasks).reduce((sum, epoch) => sum + epoch, 0));
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
    expect(new Set(epochs).size).toBe(SHARES.length);
  });

  test.each([0, 2])(
    "goes on from the copy %i as if nothing had happened: nothing lost, nothing twice",
    async (i) => {
      await goOnWith(`copy-${i}`);
      const found = await compareHomes(reader, reference, live, { hotValues: "as far as kept" });
      expect(found).toEqual(NO_DIFFERENCE);
    },
  );

  test("goes on from a copy over its own log, where that was saved: without a producer that sends again", async () => {
    for (const saved of ["log", "alerts"]) {
      removeFolder(join(folder, "copy-1", saved));
      cpSync(join(config("whole").home, saved), join(folder, "copy-1", saved), { recursive: true });
    }
    removeFolder(live.home);
    cpSync(join(folder, "copy-1"), live.home, { recursive: true });
    await withPlatform(live, async (platform) => {
      await platform.waitUntilProcessed();
      await hotValuesWhole(platform);
    });
    const found = await compareHomes(reader, reference, live, { hotValues: "as far as kept" });
    expect(found).toEqual(NO_DIFFERENCE);
  });

  test.each([
    ["a lake newer than the checkpoints", { checkpoints: "copy-0", lake: "copy-2" }, "lake-ahead"],
    ["a lake older than the checkpoints", { checkpoints: "copy-2", lake: "copy-0" }, "lake-behind"],
  ])("refuses to start on %s", async (_, { checkpoints, lake }, code) => {
    const mixed = config(`mixed-${code}`);
    cpSync(join(folder, checkpoints), mixed.home, { recursive: true });
    removeFolder(join(mixed.home, "lake"));
    cpSync(join(folder, lake, "lake"), join(mixed.home, "lake"), { recursive: true });
    const opening = Platform.open(mixed, new CollectedLog()).then((platform) => platform.close());
    await expect(opening).rejects.toMatchObject({ code });
  });

  test("refuses to start on a log older than the checkpoints", async () => {
    const mixed = config("mixed-log");
    cpSync(join(folder, "copy-2"), mixed.home, { recursive: true });
    removeFolder(join(mixed.home, "log"));
    renameSync(join(folder, "copy-0", "log"), join(mixed.home, "log"));
    const platform = await Platform.open(mixed, new CollectedLog());
    try {
      await expect(platform.startWorkers()).rejects.toMatchObject({
        message: expect.stringMatching(/the log ends at \d+.*older than the checkpoints/) as string,
      });
    } finally {
      await platform.close();
    }
  });
});

/** Resolves when no task has hot values to write again: a copy has none. */
async function hotValuesWhole(platform: Platform): Promise<void> {
  const ids = platform.tasks().map(({ taskId }) => taskId);
  while (!(await platform.hotStore.getMany(HOT_MARKERS, ids)).every((marker) => marker === "whole"))
    await sleep(50);
}
