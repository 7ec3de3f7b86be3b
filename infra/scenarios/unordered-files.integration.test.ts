import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { goldPageViewsByUser, silverEvents, silverSessions } from "../../schema/index.ts";
import { loadInto } from "../../stream/index.ts";
import { newestRows } from "./testing/final-rows.ts";
import { copyOf, LakeReader } from "./testing/lake-reader.ts";
import {
  dataFile,
  freshFolder,
  removeFolder,
  scenarioConfig,
  withPlatform,
} from "./testing/scenario-home.ts";

const YOOCHOOSE = "clickstream/yoochoose-clicks-100k.tsv.gz";
const NO_DIFFERENCE = { lost: 0, surplus: 0, examples: [] };
const folder = freshFolder("unordered");
let reader: LakeReader;

/** The clicks lie by session in the file, so that nearly each is days older than one in front of it. */
beforeAll(async () => {
  const file = dataFile(YOOCHOOSE);
  const config = scenarioConfig(join(folder, "home"));
  await withPlatform(config, async (platform) => {
    await loadInto(platform.log, "yoochoose", file, { now: Date.now, endOfInput: true });
    await platform.waitUntilProcessed();
  });
  reader = await LakeReader.open();
  await reader.copyLake(config, "lake", [silverEvents, silverSessions, goldPageViewsByUser]);
  await reader.run(`CREATE TABLE clicks AS SELECT SessionId AS user_id,
      (CAST(Time AS DECIMAL(30, 3)) * 1000)::BIGINT AS at_ms
    FROM read_csv('${file}', delim = '\t', header = true, all_varchar = true)`);
});
afterAll(() => {
  reader?.close();
  removeFolder(folder);
});

it("no event of a file that is sorted by session comes late", async () => {
  const silver = copyOf("lake", silverEvents);
  expect(
    await reader.rows(
      `SELECT count(*)::INTEGER AS events, count(*) FILTER (is_late)::INTEGER AS late FROM ${silver}`,
    ),
  ).toEqual([{ events: 70_278, late: 0 }]);
});

it("its sessions are those of SQL over the raw file", async () => {
  const expected = `
    WITH gaps AS (
      SELECT user_id, at_ms, at_ms - lag(at_ms) OVER (PARTITION BY user_id ORDER BY at_ms) > 1800000 AS is_new FROM clicks
    ), numbered AS (
      SELECT *, count(*) FILTER (is_new) OVER (PARTITION BY user_id ORDER BY at_ms RANGE UNBOUNDED PRECEDING) AS number FROM gaps
    )
    SELECT user_id, min(at_ms) AS session_start, max(at_ms) AS session_end, count(*) AS page_views
    FROM numbered GROUP BY user_id, number`;
  expect(await reader.difference(expected, `FROM ${copyOf("lake", silverSessions)}`)).toEqual(NO_DIFFERENCE);
});

it("its page views by user and window are those of SQL over the raw file", async () => {
  const expected = `SELECT user_id, at_ms // 30000 * 30000 - hop * 30000 AS window_start, count(*) AS views
    FROM clicks, unnest(range(2)) hops(hop) GROUP BY ALL`;
  expect(await reader.difference(expected, newestRows("lake", goldPageViewsByUser))).toEqual(NO_DIFFERENCE);
});
