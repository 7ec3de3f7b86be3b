import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DuckDbQueryEngine, FileCatalog, LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import { bronzeDeadLetters, type TableSpec, tableName } from "../../schema/index.ts";
import type { Config } from "../config/index.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import { openStreamModels } from "../platform/stream-models.ts";
import { CrashFeed } from "../scenarios/testing/crash-feed.ts";
import { newestRows } from "../scenarios/testing/final-rows.ts";
import { copyOf, LakeReader } from "../scenarios/testing/lake-reader.ts";
import {
  freshFolder,
  removeFolder,
  scenarioConfig,
  withPlatform,
} from "../scenarios/testing/scenario-home.ts";
import { replayBronze } from "./replay-bronze.ts";

const NO_DIFFERENCE = { lost: 0, surplus: 0, examples: [] };
/** A million by `MILLRACE_REPLAY_EVENTS=1000000`. */
const EVENTS = Number(process.env.MILLRACE_REPLAY_EVENTS ?? 20_000);
/** Tables of what happened while the stream ran, not of the events. */
const COMPARED = lakeTables.filter((table) => table !== bronzeDeadLetters);

describe(`a replay of ${EVENTS} events out of bronze`, () => {
  const folder = freshFolder("replay-bronze");
  const home = (name: string) => join(folder, name);
  let config: Config;
  let reader: LakeReader;
  beforeAll(async () => {
    config = scenarioConfig(home("live"), {
      partitions: 2,
      checkpointIntervalMs: 1000,
      orderAmountMinorMax: 50_000,
    });
    await withPlatform(config, async (platform) => {
      const productsSeen = async () => undefined;
      await new CrashFeed(platform.log, { partitions: 2, events: EVENTS, productsSeen }).finish();
      await platform.waitUntilProcessed();
    });
    reader = await LakeReader.open();
    await reader.copyLake(config, "live", COMPARED);
  }, 600_000);
  afterAll(() => {
    reader?.close();
    removeFolder(folder);
  });

  async function replayInto(name: string, range: { from: number | null; to: number | null }): Promise<void> {
    const objectStore = new LocalObjectStore(config.home);
    const engine = new DuckDbQueryEngine({
      catalog: new FileCatalog({ objectStore, clock: Date.now }),
      objectStore,
    });
    const adapters = openEmbeddedAdapters(config.home, Date.now);
    try {
      const models = await openStreamModels({ adapters, clock: Date.now, warn: () => undefined });
      const replayed = await replayBronze({
        engine,
        config,
        range,
        models,
        home: home(name),
        clock: Date.now,
        stopwatch: () => performance.now(),
      });
      expect(replayed.complete).toBe(true);
    } finally {
      await adapters.close();
      await engine.close();
    }
    await reader.copyLake({ ...config, home: home(name) }, name, COMPARED);
  }

  /** How many corrections came before the newest depends on which topic was read first. */
  const rowsOf = (schema: string, table: TableSpec): string =>
    table.columns.some(({ name }) => name === "revision")
      ? newestRows(schema, table)
      : `FROM ${copyOf(schema, table)}`;

  it("gives every row that the live run gave, byte for byte, and no other", async () => {
    await replayInto("replayed", { from: null, to: null });
    for (const table of COMPARED) {
      const difference = await reader.difference(rowsOf("live", table), rowsOf("replayed", table));
      expect({ table: tableName(table), ...difference }).toEqual({
        table: tableName(table),
        ...NO_DIFFERENCE,
      });
    }
  }, 600_000);
});
