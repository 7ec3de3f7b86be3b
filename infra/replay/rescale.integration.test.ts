import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bronzeDeadLetters, goldModelHealth, type TableSpec, tableName } from "../../schema/index.ts";
import { createShopEvents, type EventLog, endOfInput, SHOP_TOPICS } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import { SHOP } from "../scenarios/testing/crash-input.ts";
import { newestRows } from "../scenarios/testing/final-rows.ts";
import { copyOf, LakeReader } from "../scenarios/testing/lake-reader.ts";
import {
  freshFolder,
  removeFolder,
  scenarioConfig,
  withPlatform,
} from "../scenarios/testing/scenario-home.ts";
import { spreadAnew } from "./rescale.ts";

const NO_DIFFERENCE = { lost: 0, surplus: 0, examples: [] };
/** As a producer would: the records of a second or two at once, so that ingest times keep their order. */
const CHUNK_RECORDS = 4;
const EVENTS = 4_000;
/** The old home gets this share of the chunks. */
const FIRST_CHUNKS = 600;
/** How models fare is said by sums of doubles, which differ in the last bits with the order. */
const COMPARED = lakeTables.filter((table) => table !== bronzeDeadLetters && table !== goldModelHealth);
/** Where a record lay, and when it was taken, is not the same in two runs. */
const PLACES = ["_partition", "_offset", "_ingested_at"];

/** Appends chunks [from, to) of the shop, which is the same whatever the partitions. */
async function feed(log: EventLog, partitions: number, [from, to]: readonly [number, number]): Promise<void> {
  // In time and without repeats: what is late or known before is a matter of one partition's records.
  const inOrder = { duplicateShare: 0, outOfOrderShare: 0, lateShare: 0, tooLateShare: 0, malformedShare: 0 };
  const shop = createShopEvents({ ...SHOP, ...inOrder, customerEventsMax: EVENTS }, () => partitions);
  for (let chunk = 0; ; chunk++) {
    const batches = shop.until(Number.POSITIVE_INFINITY, CHUNK_RECORDS);
    if (batches === null) break;
    if (chunk < from || chunk >= to || batches.length === 0) continue;
    await log.append(batches);
    // Of what the log took in one millisecond, bronze does not know which topic came first.
    await sleep(2);
  }
  if (to < Number.POSITIVE_INFINITY) return;
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  await log.append(SHOP_TOPICS.flatMap((topic) => all.map((partition) => endOfInput(topic, partition))));
}

describe.each([
  { before: 2, after: 4 },
  { before: 3, after: 1 },
])("a home of $before partitions, spread over $after", { timeout: 600_000 }, ({ before, after }) => {
  const folder = freshFolder("rescale");
  const configOf = (name: string, partitions: number): Config =>
    scenarioConfig(join(folder, name), {
      partitions,
      checkpointIntervalMs: 1000,
      // Nobody kept the order of two partitions to each other: no event is late for another's sake.
      outOfOrdernessMs: 10_000,
      // A source that nobody hears of is waited for: idleness is a matter of the wall clock.
      idleAfterMs: 3_600_000,
    });
  const old = configOf("old", before);
  const rescaled = configOf("rescaled", after);
  const fresh = configOf("fresh", after);
  let reader: LakeReader;

  beforeAll(async () => {
    reader = await LakeReader.open();
    await withPlatform(fresh, async (platform) => {
      await feed(platform.log, after, [0, Number.POSITIVE_INFINITY]);
      await platform.waitUntilProcessed();
    });
    await withPlatform(old, async (platform) => {
      await feed(platform.log, before, [0, FIRST_CHUNKS]);
      await platform.waitUntilProcessed();
    });
  }, 600_000);
  afterAll(() => {
    reader?.close();
    removeFolder(folder);
  });

  async function spread(stopAfter = Number.POSITIVE_INFINITY): Promise<number | null> {
    const source = openEmbeddedAdapters(old.home, Date.now);
    const engine = source.openQueryEngine();
    const controller = new AbortController();
    try {
      return await spreadAnew({
        engine,
        objects: source.objects,
        target: rescaled,
        signal: controller.signal,
        onProgress: (records) => records >= stopAfter && controller.abort(),
      });
    } finally {
      await engine.close();
      await source.close();
    }
  }

  it("goes on as if it had had so many from the beginning", async () => {
    // Interrupted once on the way.
    expect(await spread(1000)).toBeNull();
    expect(await spread()).toBeGreaterThan(2000);
    await withPlatform(rescaled, async (platform) => {
      await platform.waitUntilProcessed();
      await feed(platform.log, after, [FIRST_CHUNKS, Number.POSITIVE_INFINITY]);
      await platform.waitUntilProcessed();
    });
    await reader.copyLake(fresh, "fresh", COMPARED);
    await reader.copyLake(rescaled, "rescaled", COMPARED);
    for (const table of COMPARED) {
      const difference = await reader.difference(rowsOf("fresh", table), rowsOf("rescaled", table));
      expect({ table: tableName(table), ...difference }).toEqual({
        table: tableName(table),
        ...NO_DIFFERENCE,
      });
    }
    expect(await reader.count("FROM rescaled.silver_sessions")).toBeGreaterThan(100);
  });
});

function rowsOf(schema: string, table: TableSpec): string {
  const names = table.columns.map(({ name }) => name);
  const rows = names.includes("revision") ? newestRows(schema, table) : `FROM ${copyOf(schema, table)}`;
  const places = names.filter((name) => PLACES.includes(name));
  return places.length === 0 ? rows : `SELECT * EXCLUDE (${places.join(", ")}) FROM (${rows})`;
}
