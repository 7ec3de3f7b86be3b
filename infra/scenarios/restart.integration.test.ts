import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tableName } from "../../schema/index.ts";
import { loadInto, writeNdjson } from "../../stream/index.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import type { Platform } from "../platform/platform.ts";
import { compareHomes, readReference } from "./testing/compare-homes.ts";
import { LakeReader } from "./testing/lake-reader.ts";
import { runChild } from "./testing/run-child.ts";
import { freshFolder, removeFolder, scenarioConfig, withPlatform } from "./testing/scenario-home.ts";

const PARTITIONS = 2;
const PARTS = 4;
const START = Date.UTC(2024, 6, 1, 9);
const MINUTE_MS = 60_000;
const NO_DIFFERENCE = { lost: 0, doubled: 0, problems: [] };

describe("a platform that is stopped and started again", () => {
  const folder = freshFolder("restart");
  let parts: string[];
  let reader: LakeReader;

  beforeAll(async () => {
    reader = await LakeReader.open();
    parts = await writeParts(folder);
  });
  afterAll(() => {
    reader?.close();
    removeFolder(folder);
  });

  const config = (name: string) =>
    // A source that nobody hears of is waited for: idleness is a matter of the wall clock.
    scenarioConfig(join(folder, name), { partitions: PARTITIONS, idleAfterMs: 3_600_000 });

  async function load(platform: Platform, part: string): Promise<void> {
    await loadInto(platform.log, "ndjson", part, { now: Date.now, endOfInput: part === parts.at(-1) });
    await platform.waitUntilProcessed();
  }

  const snapshots = async (platform: Platform): Promise<readonly (string | undefined)[]> =>
    Promise.all(lakeTables.map(async (table) => (await platform.queryEngine.snapshot(table))?.id));

  it("goes on as if it had not been stopped: nothing twice, nothing lost, no state forgotten", async () => {
    await withPlatform(config("through"), async (platform) => {
      for (const part of parts) await load(platform, part);
    });
    for (const part of parts) await withPlatform(config("stopped"), (platform) => load(platform, part));
    const reference = await readReference(reader, config("through"));
    expect(await compareHomes(reader, reference, config("stopped"))).toEqual(NO_DIFFERENCE);
    expect(reference.rows.get("silver.sessions")).toBeGreaterThan(100);
    const sessions = await reader.rows(
      "SELECT session_start, session_end, events FROM restarted.silver_sessions WHERE user_id = 'steady' ORDER BY ALL",
    );
    // One event in each part, 20 minutes apart: one session over three restarts.
    const minutes = (PARTS - 1) * 20;
    expect(sessions).toEqual([
      {
        session_start: String(START + 5 * MINUTE_MS),
        session_end: String(START + (5 + minutes) * MINUTE_MS),
        events: PARTS,
      },
    ]);
  });

  it("writes nothing where there is nothing new", async () => {
    const before = await withPlatform(config("stopped"), snapshots);
    const ended = await withPlatform(config("stopped"), async (platform) => {
      await platform.waitUntilProcessed();
      return platform.tasks().map(({ taskId, epoch }) => `${taskId}: ${epoch > 0}`);
    });
    expect(ended.sort()).toEqual(["events-0: true", "events-1: true", "insights-0: true"]);
    const after = await withPlatform(config("stopped"), snapshots);
    const names = lakeTables.map(tableName);
    expect(after.map((id, i) => [names[i], id])).toEqual(before.map((id, i) => [names[i], id]));
  });

  it("loads a file once, however often it is asked to", async () => {
    const repeats = await withPlatform(config("stopped"), async (platform) => {
      const reports = [];
      for (const part of parts) reports.push(await loadInto(platform.log, "ndjson", part, { now: Date.now }));
      return reports.map(({ repeat }) => repeat);
    });
    expect(repeats).toEqual(parts.map(() => true));
  });

  it("refuses a second one on its home with home-in-use, and is not disturbed by it", async () => {
    const { home } = config("shared");
    await withPlatform(config("shared"), async (platform) => {
      await load(platform, parts[0]);
      await expect(runChild({ home, settings: { partitions: PARTITIONS } })).rejects.toThrow(
        /home-in-use|is run by process/,
      );
      await load(platform, parts[1]);
      const [{ n }] = (await platform.queryEngine.query("SELECT count(*) AS n FROM {silver.events}", []))
        .rows;
      const lines = [0, 1].map((i) => readFileSync(parts[i], "utf8").trim().split("\n").length);
      expect(Number(n)).toBe(lines[0] + lines[1]);
    });
  });
});

/** An hour of a shop without faults, cut into parts by time, and in each part one event of the user `steady`. */
async function writeParts(folder: string): Promise<string[]> {
  const whole = join(folder, "whole.ndjson");
  await writeNdjson(whole, {
    seed: 5,
    startTime: START,
    eventsPerSecond: 2,
    customerEventsMax: 10_000,
    users: 300,
    products: 100,
    categories: 8,
    malformedShare: 0,
    duplicateShare: 0,
    lateShare: 0,
    tooLateShare: 0,
    flashSaleEveryMs: 600_000,
  });
  const lines = readFileSync(whole, "utf8").trim().split("\n");
  const timeOf = (line: string): number => (JSON.parse(line) as { eventTime: number }).eventTime;
  return Array.from({ length: PARTS }, (_, i) => {
    const from = START + i * 20 * MINUTE_MS;
    const to = i === PARTS - 1 ? Number.POSITIVE_INFINITY : from + 20 * MINUTE_MS;
    const mine = lines.filter((line) => timeOf(line) >= from && timeOf(line) < to);
    const steady = {
      eventId: `steady-${i}`,
      eventType: "page_view",
      eventTime: from + 5 * MINUTE_MS,
      userId: "steady",
    };
    const at = mine.findIndex((line) => timeOf(line) > steady.eventTime);
    mine.splice(at, 0, JSON.stringify(steady));
    const path = join(folder, `part-${i}.ndjson`);
    writeFileSync(path, `${mine.join("\n")}\n`);
    return path;
  });
}
