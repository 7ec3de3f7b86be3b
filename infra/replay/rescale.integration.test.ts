import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Config } from "../config/index.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { Platform } from "../platform/platform.ts";
import { LakeReader } from "../scenarios/testing/lake-reader.ts";
import {
  CollectedLog,
  freshFolder,
  removeFolder,
  scenarioConfig,
  withPlatform,
} from "../scenarios/testing/scenario-home.ts";
import { spreadAnew } from "./rescale.ts";
import { endShop, expectSameRows, FIRST_CHUNKS, feedShop, RESCALE_SETTINGS } from "./testing/rescale-shop.ts";

describe.each([
  { before: 2, after: 4 },
  { before: 3, after: 1 },
])("a home of $before partitions, spread over $after", { timeout: 600_000 }, ({ before, after }) => {
  const folder = freshFolder("rescale");
  const configOf = (name: string, partitions: number): Config =>
    scenarioConfig(join(folder, name), { partitions, ...RESCALE_SETTINGS });
  const old = configOf("old", before);
  const rescaled = configOf("rescaled", after);
  const fresh = configOf("fresh", after);
  let reader: LakeReader;

  beforeAll(async () => {
    reader = await LakeReader.open();
    await withPlatform(fresh, async (platform) => {
      await feedShop(platform.log, after);
      await endShop(platform.log, after);
      await platform.waitUntilProcessed();
    });
    await withPlatform(old, async (platform) => {
      await feedShop(platform.log, before, { to: FIRST_CHUNKS });
      await platform.waitUntilProcessed();
    });
  }, 600_000);
  afterAll(() => {
    reader?.close();
    removeFolder(folder);
  });

  async function spread({
    from = old,
    into = rescaled,
    stopAfter = Number.POSITIVE_INFINITY,
  } = {}): Promise<number | null> {
    const source = openEmbeddedAdapters(from.home, Date.now);
    const engine = source.openQueryEngine();
    const controller = new AbortController();
    try {
      return await spreadAnew({
        engine,
        objects: source.objects,
        target: into,
        signal: controller.signal,
        appendRecords: 500,
        onProgress: (records) => records >= stopAfter && controller.abort(),
      });
    } finally {
      await engine.close();
      await source.close();
    }
  }

  it("goes on as if it had had so many from the beginning", async () => {
    expect(await spread({ stopAfter: 1000 })).toBeNull();
    // Half of it is there: nothing runs on that, and no other history is mixed in.
    const open = Platform.open(rescaled, new CollectedLog());
    await expect(open).rejects.toMatchObject({ code: "rescale-unfinished" });
    await expect(spread({ from: fresh })).rejects.toMatchObject({
      code: "rescale-target-taken",
      message: expect.stringContaining("begun from other records") as string,
    });
    expect(await spread()).toBeGreaterThan(2000);
    await withPlatform(rescaled, async (platform) => {
      await platform.waitUntilProcessed();
      await feedShop(platform.log, after, { from: FIRST_CHUNKS });
      await endShop(platform.log, after);
      await platform.waitUntilProcessed();
    });
    await expectSameRows(reader, fresh, rescaled);
    // What is done stays so; what has other tables is no place for it.
    expect(await spread()).toBeGreaterThan(2000);
    await expect(spread({ into: fresh })).rejects.toMatchObject({
      code: "rescale-target-taken",
      message: expect.stringContaining("not empty") as string,
    });
  });
});
