import { describe, expect, test } from "vitest";
import {
  createFeatureSet,
  type FeatureKeys,
  type FeatureSet,
  type Scorer,
  type ServedModels,
  type SessionScorerPlugin,
  sessionScorers,
} from "../../ml/index.ts";
import {
  type CustomerEvent,
  type CustomerEventBatch,
  customerEventContract,
  RowFlag,
  StateSection,
} from "../../schema/index.ts";
import type { PropensityRecord, UserRecord } from "../sinks/hot-records.ts";
import { defaultTimeConfig, WatermarkTracker } from "../time/index.ts";
import { propensityReport } from "./crossing-reports.ts";
import { createScoreSessions } from "./score-sessions.ts";
import {
  CollectedHot,
  CollectedOutputs,
  copyState,
  driveBatch,
  type OutputRow,
  randomCuts,
  seededRandom,
} from "./testing/drive.ts";
import { createKeys, makeBatch } from "./testing/make-batch.ts";
import { randomEvents } from "./testing/random-events.ts";
import { UserRecords } from "./user-records.ts";

const CONFIG = {
  threshold: 0.6,
  rearmBelow: 0.4,
  sessionGapMs: 1_800_000,
  health: {
    sampleEvery: 16,
    windowMs: 3_600_000,
    driftIndex: 0.25,
    driftRowsMin: 50,
    calibrationErrorMax: 0.1,
  },
};
const NOON = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;
const plugin = sessionScorers.find(
  ({ name }) => name === "propensity",
) as SessionScorerPlugin<CustomerEventBatch>;
const propensity = () => {
  const { weights, version } = plugin.defaultModel();
  return plugin.load(weights, version);
};

/** One feature, the price of the user's newest event in minor units: a test says each score itself. */
function priceFeatures(keys: FeatureKeys): FeatureSet<CustomerEventBatch> {
  const section = new StateSection("price");
  const prices = section.float64("prices");
  return {
    featureNames: ["price"],
    timeBound: [],
    sections: [section],
    ensure: () => prices.ensure(keys.userId.size),
    readAhead: () => undefined,
    fold(batch, row) {
      prices.values[batch.userId.ids[row]] = batch.priceMinor.values[row];
      prices.mark(batch.userId.ids[row]);
    },
    read(user, _nowMs, out, base) {
      out[base] = prices.values[user];
    },
  };
}

const percent: Scorer = {
  modelVersion: 'percent "1"',
  featureNames: ["price"],
  bias: 0,
  score(vectors, count, out) {
    for (let i = 0; i < count; i++) out[i] = vectors[i] / 100;
  },
  contributions: (vector, out) => out.set(vector),
  explain: (vector) => ({ bias: 0, price: vector[0] }),
};

function servedBy(champion: Scorer, challenger: Scorer | null = null): ServedModels {
  return { champion, card: null, challenger };
}

function createRig(options: { readonly real?: boolean } = {}) {
  const keys = createKeys();
  const outputs = new CollectedOutputs();
  const features = options.real ? createFeatureSet(plugin, keys) : priceFeatures(keys);
  const slot = { models: servedBy(options.real ? propensity() : percent) };
  const userRecords = new UserRecords(keys.userId, 60_000);
  const operator = createScoreSessions(CONFIG, {
    keys,
    outputs,
    partition: 3,
    features,
    plugin,
    slot,
    userRecords,
    report: propensityReport,
    stopwatch: () => 0,
  });
  const tracker = new WatermarkTracker("watermark", defaultTimeConfig);
  const keySection = new StateSection("keys");
  for (const dictionary of Object.values(keys)) keySection.dictionary(dictionary);
  return {
    keys,
    outputs,
    operator,
    slot,
    tracker,
    sections: [keySection, tracker.state, operator.state, ...features.sections],
    feed(events: readonly Partial<CustomerEvent>[], baseOffset = 0): void {
      const batch = makeBatch<CustomerEventBatch>(customerEventContract, events as never, {
        keys,
        baseOffset,
        partition: 3,
      });
      driveBatch(batch, batch.eventTime, tracker, [operator]);
    },
    rows: () => outputs.table("gold.propensity_scores"),
    hot(): (PropensityRecord & { readonly userId: string })[] {
      const hot = new CollectedHot();
      userRecords.flush(hot, Number.POSITIVE_INFINITY);
      return [...hot.values().values()].map((value) => {
        const { userId, propensity } = JSON.parse(value) as Required<UserRecord>;
        return { userId, ...propensity };
      });
    },
  };
}

/** An event of a user with a score, in per cent. */
function scored(userId: string, score: number, eventTime = NOON): Partial<CustomerEvent> {
  return { eventId: `${userId}-${eventTime}`, eventType: "page_view", userId, eventTime, priceMinor: score };
}

describe("crossings of the threshold", () => {
  function kinds(scores: readonly number[]): unknown[] {
    const rig = createRig();
    rig.feed(scores.map((score, i) => scored("u", score, NOON + i)));
    return rig.rows().map(({ kind, _offset }) => [kind, _offset]);
  }

  test("reaching it counts, staying just below it does not", () => {
    expect(kinds([59.999, 59.999])).toEqual([]);
    expect(kinds([60])).toEqual([["crossed", 0]]);
  });

  test("a score above it is reported once, until it fell below the lower threshold", () => {
    expect(kinds([70, 90, 59, 41, 40, 60, 99])).toEqual([["crossed", 0]]);
    expect(kinds([70, 39.999, 59, 60, 10, 20, 80])).toEqual([
      ["crossed", 0],
      ["fell", 1],
      ["crossed", 3],
      ["fell", 4],
      ["crossed", 6],
    ]);
  });

  test("each crossing raises one alert with an id of its place in the log; falling raises none", () => {
    const rig = createRig();
    rig.feed([{ ...scored("u", 70), productId: "p1" }, scored("u", 10, NOON + 1), scored("v", 60)], 40);
    expect(rig.outputs.alerts).toMatchObject([
      { id: "high-propensity:3:40", userId: "u", productId: "p1", eventTime: NOON, figures: { score: 0.7 } },
      {
        id: "high-propensity:3:42",
        userId: "v",
        productId: null,
        title: "v is likely to buy in this session (60 %)",
      },
    ]);
  });

  test("users do not touch each other, whatever their number in a batch", () => {
    const rig = createRig();
    const users = Array.from({ length: 700 }, (_, i) => `u${i}`);
    rig.feed(users.map((user, i) => scored(user, i % 2 === 0 ? 80 : 20)));
    expect(rig.rows().map(({ user_id }) => user_id)).toEqual(users.filter((_, i) => i % 2 === 0));
  });

  test("duplicates are neither folded nor scored", () => {
    const rig = createRig();
    const batch = makeBatch<CustomerEventBatch>(
      customerEventContract,
      [scored("u", 10), scored("u", 90)] as never,
      {
        keys: rig.keys,
      },
    );
    batch.flags[1] = RowFlag.duplicate;
    rig.operator.process(batch, 0, 2, rig.tracker.progress);
    expect(rig.rows()).toEqual([]);
    expect(rig.hot()).toMatchObject([{ userId: "u", score: 0.1, offset: 0 }]);
  });
});

describe("the start of a session", () => {
  test("is the first event after a gap over the limit; a gap of just the limit goes on", () => {
    const rig = createRig();
    const second = NOON + CONFIG.sessionGapMs;
    rig.feed([scored("u", 10), scored("u", 70, second)]);
    expect(rig.rows()).toMatchObject([{ session_start: NOON, event_time: second }]);
    const third = second + CONFIG.sessionGapMs + 1;
    rig.feed([scored("u", 10, third), scored("u", 70, third + 1)]);
    expect(rig.rows().slice(1)).toMatchObject([
      { kind: "crossed", session_start: third, event_time: third + 1 },
    ]);
  });

  test("forgets that the session before was above: each session's crossing is reported", () => {
    const rig = createRig();
    const second = NOON + CONFIG.sessionGapMs + 1;
    const third = second + 2 * CONFIG.sessionGapMs;
    rig.feed([scored("u", 70), scored("u", 80, second), scored("u", 10, third), scored("u", 90, third + 1)]);
    expect(rig.rows()).toMatchObject([
      { kind: "crossed", session_start: NOON, _offset: 0 },
      { kind: "crossed", session_start: second, _offset: 1 },
      { kind: "crossed", session_start: third, _offset: 3 },
    ]);
  });

  test("is not moved by an event that came late", () => {
    const rig = createRig();
    rig.feed([scored("u", 10), scored("u", 10, NOON + MINUTE), scored("u", 70, NOON - 5 * MINUTE)]);
    expect(rig.rows()).toMatchObject([{ session_start: NOON, event_time: NOON - 5 * MINUTE }]);
    expect(rig.hot()).toMatchObject([{ sessionStart: NOON, eventTime: NOON + MINUTE, offset: 2 }]);
  });

  test("is the row's own, where the next session begins in the same batch", () => {
    const rig = createRig();
    const early = NOON - 2 * CONFIG.sessionGapMs;
    // The watermark stands at noon already: both rows of u are of one tick.
    rig.feed([scored("v", 10), scored("u", 70, early), scored("u", 80, NOON)]);
    expect(rig.rows()).toMatchObject([
      { kind: "crossed", session_start: early },
      { kind: "crossed", session_start: NOON },
    ]);
  });
});

describe("hot records", () => {
  test("are the newest of each user that changed, in the order of the keys, once", () => {
    const rig = createRig();
    rig.feed([scored("ub", 10), scored("ua", 20), scored("ub", 30, NOON + 1)]);
    expect(rig.hot()).toMatchObject([
      { userId: "ua", score: 0.2, eventTime: NOON, offset: 1 },
      { userId: "ub", score: 0.3, eventTime: NOON + 1, offset: 2, partition: 3 },
    ]);
    expect(rig.hot()).toEqual([]);
    rig.feed([scored("ub", 40, NOON + 2)], 3);
    expect(rig.hot()).toMatchObject([{ userId: "ub", score: 0.4, offset: 3 }]);
  });

  test("are valid JSON of the record, whatever stands in ids and model versions", () => {
    const rig = createRig();
    const hostile = 'u"\\\n\u0007é語😀';
    rig.feed([scored(hostile, 50)]);
    const [record] = rig.hot();
    expect(record).toEqual({
      userId: hostile,
      score: 0.5,
      modelVersion: 'percent "1"',
      eventTime: NOON,
      sessionStart: NOON,
      contributions: { price: 50 },
      partition: 3,
      offset: 0,
    });
  });

  test("show the contributions that move the score most, with the score of the newest event", () => {
    const rig = createRig({ real: true });
    rig.feed(randomEvents({ seed: 5, count: 300, stepMs: 900 }));
    const scorer = propensity();
    const records = rig.hot();
    expect(records.length).toBeGreaterThan(20);
    for (const { score, contributions, modelVersion } of records) {
      expect(modelVersion).toBe(scorer.modelVersion);
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThan(1);
      const values = Object.values(contributions).map(Math.abs);
      expect(values).toHaveLength(3);
      expect(values).toEqual([...values].sort((a, b) => b - a));
    }
  });
});

describe("with the propensity model", () => {
  const events = randomEvents({ seed: 9, count: 4000, stepMs: 900 });

  test("the contributions in gold and the bias add up to the log-odds of the score", () => {
    const rig = createRig({ real: true });
    rig.feed(events);
    const rows = rig.rows();
    expect(rows.length).toBeGreaterThan(5);
    for (const { contributions, score, features } of rows) {
      const parts = Object.values(JSON.parse(String(contributions)) as Record<string, number>);
      const logOdds = parts.reduce((sum, part) => sum + part, 0);
      expect(parts).toHaveLength(JSON.parse(String(features)).length + 1);
      expect(1 / (1 + Math.exp(-logOdds))).toBeCloseTo(Number(score), 4);
    }
  });

  function run(cuts: readonly number[], restoreAt: readonly number[]) {
    let rig = createRig({ real: true });
    const rows: OutputRow[] = [];
    const hot = new Map<string, unknown>();
    const collect = (): void => {
      rows.push(...rig.rows());
      for (const record of rig.hot()) hot.set(record.userId, record);
    };
    for (let i = 1; i < cuts.length; i++) {
      rig.feed(events.slice(cuts[i - 1], cuts[i]), cuts[i - 1]);
      if (!restoreAt.includes(i)) continue;
      collect();
      const next = createRig({ real: true });
      copyState(rig.sections, next.sections);
      next.tracker.afterRestore();
      next.operator.afterRestore?.();
      rig = next;
    }
    collect();
    return { rows, hot: [...hot].sort() };
  }

  test("rows and hot records are those of a straight run, cut and restored anywhere", () => {
    const straight = run([0, events.length], []);
    expect(run(randomCuts(events.length, 200, seededRandom(1)), [])).toEqual(straight);
    expect(run(randomCuts(events.length, 40, seededRandom(2)), [2, 3, 17, 30])).toEqual(straight);
  });
});
