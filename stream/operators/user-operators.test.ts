import { describe, expect, it } from "vitest";
import { type CustomerEvent, type CustomerEventBatch, customerEventContract } from "../../schema/index.ts";
import { defaultTimeConfig, WatermarkTracker } from "../time/index.ts";
import { createDedupe, defaultDedupeConfig } from "./dedupe.ts";
import { createPageViewsByUser, defaultPageViewsByUserConfig } from "./page-views-by-user.ts";
import { createSessionize, defaultSessionizeConfig } from "./sessionize.ts";
import {
  CollectedHot,
  CollectedOutputs,
  copyState,
  driveBatch,
  driveEnd,
  finalRevisions,
  type OutputRow,
  randomCuts,
  seededRandom,
} from "./testing/drive.ts";
import { createKeys, makeBatch } from "./testing/make-batch.ts";
import { Oracle } from "./testing/oracle.ts";
import { randomEvents } from "./testing/random-events.ts";
import { UserRecords } from "./user-records.ts";

const SEEDS = [1, 2, 3, 4];

function createRig() {
  const keys = createKeys();
  const outputs = new CollectedOutputs();
  const time = defaultTimeConfig;
  const tracker = new WatermarkTracker("watermark", time);
  const dedupe = createDedupe<CustomerEventBatch>(defaultDedupeConfig, {
    time,
    eventId: (batch) => batch.eventId,
    eventTime: (batch) => batch.eventTime,
  });
  const userRecords = new UserRecords(keys.userId, 60_000);
  const views = createPageViewsByUser(defaultPageViewsByUserConfig, {
    keys,
    outputs,
    time,
    userRecords,
  });
  const sessions = createSessionize(defaultSessionizeConfig, { keys, outputs, time });
  const operators = [dedupe, views, sessions];
  for (const dictionary of Object.values(keys)) dedupe.state.dictionary(dictionary);
  const sections = [tracker.state, ...operators.map((operator) => operator.state)];
  const hot = new Map<string, string>();
  return {
    outputs,
    sections,
    hot,
    dedupe,
    tracker,
    feed(events: readonly CustomerEvent[], baseOffset: number): CustomerEventBatch {
      const batch = makeBatch<CustomerEventBatch>(customerEventContract, events as never, {
        keys,
        baseOffset,
      });
      driveBatch(batch, batch.eventTime, tracker, operators);
      return batch;
    },
    end: () => driveEnd(operators),
    flushHot(): void {
      const collected = new CollectedHot();
      userRecords.flush(collected, Number.POSITIVE_INFINITY);
      for (const [key, value] of collected.values()) hot.set(key.slice("users/".length), value);
    },
    afterRestore(): void {
      tracker.afterRestore();
      for (const operator of operators) operator.afterRestore?.();
    },
  };
}

function run(events: readonly CustomerEvent[], cuts: readonly number[], restoreAt: readonly number[] = []) {
  let rig = createRig();
  const rows = new Map<string, OutputRow[]>();
  const hot = new Map<string, string>();
  const collect = (): void => {
    rig.flushHot();
    for (const name of rig.outputs.rows.keys()) {
      rows.set(name, [...(rows.get(name) ?? []), ...rig.outputs.table(name)]);
    }
    for (const [key, value] of rig.hot) hot.set(key, value);
  };
  for (let i = 1; i < cuts.length; i++) {
    rig.feed(events.slice(cuts[i - 1], cuts[i]), cuts[i - 1]);
    if (!restoreAt.includes(i)) continue;
    collect();
    const next = createRig();
    copyState(rig.sections, next.sections);
    next.afterRestore();
    rig = next;
  }
  rig.end();
  collect();
  return {
    rows,
    hot,
    duplicates: rig.dedupe.duplicates(),
    late: rig.tracker.late,
    tooLate: rig.tracker.tooLate,
  };
}

function sorted(rows: readonly OutputRow[], key: readonly string[]): OutputRow[] {
  const id = (row: OutputRow): string => key.map((name) => row[name]).join("\u0000");
  return [...rows].sort((a, b) => (id(a) < id(b) ? -1 : 1));
}

function withoutRevision(rows: readonly OutputRow[]): OutputRow[] {
  return rows.map(({ revision: _, ...row }) => row);
}

/** Non-duplicate rows in log order, with the time before which the ring may have dropped views. */
const ADMITTED_ROWS = `
  SELECT log_offset, too_late, close_ms FROM (
    SELECT *, (max(event_time_ms) OVER (ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
      - out_of_orderness_ms) // tick_ms * tick_ms - allowed_lateness_ms AS close_ms
    FROM admitted, settings)
  WHERE NOT duplicate ORDER BY log_offset`;

/**
 * The records by the definition: views in the five minutes up to the user's newest event in time; none
 * where only events too late came since views may have been dropped.
 */
function expectedActivity(events: readonly CustomerEvent[], rows: readonly OutputRow[]): Map<string, string> {
  const byUser = new Map<string, { readonly events: CustomerEvent[]; newest: number }>();
  for (const { log_offset, too_late, close_ms } of rows) {
    const event = events[Number(log_offset)];
    const user = byUser.get(event.userId) ?? { events: [], newest: 0 };
    byUser.set(event.userId, user);
    if (too_late !== true) {
      user.events.push(event);
      user.newest = Math.max(user.newest, event.eventTime);
    } else if (user.newest < Number(close_ms)) {
      user.events.length = 0;
      user.newest = 0;
    }
  }
  const records = new Map<string, string>();
  for (const [userId, { events: own, newest }] of byUser) {
    const recent = own
      .reverse()
      .filter(({ eventTime, eventType }) => eventTime > newest - 300_000 && /view/.test(eventType));
    const list = recent
      .toSorted((a, b) => b.eventTime - a.eventTime)
      .slice(0, 20)
      .map(({ eventTime, eventType, productId }) => [eventTime, eventType, productId ?? null]);
    const activity = { views5m: recent.length, eventTime: newest, recent: list };
    records.set(userId, JSON.stringify(newest === 0 ? { userId } : { userId, activity }));
  }
  return records;
}

describe.each(SEEDS)("user operators on random events, seed %i", (seed) => {
  const events = randomEvents({ seed, count: 6000, stepMs: 900 });
  const straight = run(events, [0, events.length]);

  it("equal the oracle over the raw events", async () => {
    const oracle = await Oracle.open([events]);
    const views = finalRevisions(straight.rows.get("gold.page_views_by_user") ?? [], [
      "user_id",
      "window_start",
    ]);
    const expected = await oracle.rows("page-views-by-user");
    expect(withoutRevision(views)).toEqual(sorted(expected, ["user_id", "window_start"]));
    const sessions = straight.rows.get("silver.sessions") ?? [];
    expect(sorted(sessions, ["session_key"])).toEqual(sorted(await oracle.rows("sessions"), ["session_key"]));
    const admitted = await oracle.query(ADMITTED_ROWS);
    expect(new Map([...straight.hot].sort())).toEqual(
      new Map([...expectedActivity(events, admitted)].sort()),
    );
    const [flags] = await oracle.query(
      "SELECT count(*) FILTER (duplicate) AS duplicates, count(*) FILTER (late) AS late, count(*) FILTER (too_late) AS too_late FROM admitted",
    );
    expect(flags).toEqual({
      duplicates: straight.duplicates,
      late: straight.late,
      too_late: straight.tooLate,
    });
    expect(straight.late).toBeGreaterThan(100);
    expect(straight.tooLate).toBeGreaterThan(50);
    oracle.close();
  });

  it("write the same rows in the same order however the log is cut into batches", () => {
    const random = seededRandom(seed * 7919);
    const cut = run(events, randomCuts(events.length, 300, random));
    expect(cut.rows).toEqual(straight.rows);
    expect(cut.hot).toEqual(straight.hot);
  });

  it("write the same rows and hot records when restored from images in between", () => {
    const random = seededRandom(seed * 104_729);
    const resumed = run(events, randomCuts(events.length, 40, random), [3, 11, 12, 27]);
    expect(resumed.rows).toEqual(straight.rows);
    expect(resumed.hot).toEqual(straight.hot);
  });
});

it("an event of the first minute of 1970, in front of others, is a session like them", () => {
  const times = [0, 61_000, Date.UTC(2026, 0, 1)];
  const events = times.map((eventTime, i) => ({
    ...{ eventId: `e${i}`, eventType: "item_view", eventTime },
    ...{ userId: "u", productId: "p" },
  }));
  const { rows } = run(events as unknown as CustomerEvent[], [0, 1, 2, 3]);
  expect(
    rows.get("silver.sessions")?.map(({ session_start, events: count }) => [session_start, count]),
  ).toEqual([
    [0, 2],
    [times[2], 1],
  ]);
});
