import { describe, expect, test } from "vitest";
import {
  type FeatureSet,
  type ModelCard,
  referenceBins,
  type Scorer,
  type ServedModels,
} from "../../ml/index.ts";
import {
  type CustomerEvent,
  type CustomerEventBatch,
  columnValue,
  customerEventContract,
  StateSection,
} from "../../schema/index.ts";
import type { PropensityRecord, UserRecord } from "../sinks/hot-records.ts";
import { defaultTimeConfig, WatermarkTracker } from "../time/index.ts";
import { propensityReport } from "./crossing-reports.ts";
import { createScoreSessions } from "./score-sessions.ts";
import { CollectedHot, CollectedOutputs, copyState, driveBatch, seededRandom } from "./testing/drive.ts";
import { createKeys, makeBatch } from "./testing/make-batch.ts";
import { UserRecords } from "./user-records.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;
const GAP = 30 * MINUTE;
const SAMPLE_EVERY = 16;
const CONFIG = {
  threshold: 0.6,
  rearmBelow: 0.4,
  sessionGapMs: GAP,
  health: {
    sampleEvery: 16,
    windowMs: 60 * MINUTE,
    driftIndex: 0.25,
    driftRowsMin: 50,
    calibrationErrorMax: 0.1,
  },
};

/** Scores the price of the event, in per cent, times a factor. */
function percent(modelVersion: string, factor = 1): Scorer {
  return {
    modelVersion,
    featureNames: ["price"],
    bias: 0,
    score(vectors, count, out) {
      for (let i = 0; i < count; i++) out[i] = (vectors[i] / 100) * factor;
    },
    contributions: (vector, out) => out.set(vector),
    explain: (vector) => ({ bias: 0, price: vector[0] }),
  };
}

function cardOf(version: string, prices: Float64Array): ModelCard {
  const reference = {
    score: referenceBins(prices.map((price) => price / 100)),
    features: { price: referenceBins(prices) },
  };
  return { version, reference } as unknown as ModelCard;
}

function createRig(models: ServedModels) {
  const keys = createKeys();
  const outputs = new CollectedOutputs();
  const section = new StateSection("price");
  const prices = section.float64("prices");
  const features: FeatureSet<CustomerEventBatch> = {
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
  const slot = { models };
  const userRecords = new UserRecords(keys.userId, 60_000);
  let ticks = 0;
  const operator = createScoreSessions(CONFIG, {
    keys,
    outputs,
    partition: 3,
    userRecords,
    features,
    slot,
    plugin: {
      name: "p",
      labels: {
        gapMs: GAP,
        entity: (batch, row) => (batch as CustomerEventBatch).userId.ids[row],
        time: (batch, row) => (batch as CustomerEventBatch).eventTime.values[row],
        isOutcome: (batch, row) => (batch as CustomerEventBatch).eventType.codes[row] === 7,
        outcomeKey: (batch, row) => Number(columnValue((batch as CustomerEventBatch).orderId, row) ?? 0),
      },
    },
    report: propensityReport,
    stopwatch: () => ticks++,
  });
  const tracker = new WatermarkTracker("watermark", defaultTimeConfig);
  const keySection = new StateSection("keys");
  for (const dictionary of Object.values(keys)) keySection.dictionary(dictionary);
  return {
    outputs,
    operator,
    slot,
    tracker,
    sections: [keySection, tracker.state, operator.state, section],
    feed(events: readonly Partial<CustomerEvent>[], baseOffset = 0): void {
      const options = { keys, baseOffset, partition: 3 };
      const batch = makeBatch<CustomerEventBatch>(customerEventContract, events as never, options);
      driveBatch(batch, batch.eventTime, tracker, [operator]);
    },
    end: () => operator.advance(tracker.endOfInput()),
    hot(): (PropensityRecord & { readonly userId: string })[] {
      const hot = new CollectedHot();
      userRecords.flush(hot, Number.POSITIVE_INFINITY);
      return [...hot.values().values()].map((value) => {
        const { userId, p } = JSON.parse(value) as UserRecord & { readonly p: PropensityRecord };
        return { userId, ...p };
      });
    },
  };
}

function event(
  userId: string,
  score: number,
  eventTime: number,
  eventType: CustomerEvent["eventType"] = "page_view",
): Partial<CustomerEvent> {
  return { eventId: `${userId}-${eventTime}`, eventType, userId, eventTime, priceMinor: score };
}

describe("a new champion", () => {
  test("scores from the next batch on, crossings and hot records alike", () => {
    const rig = createRig({ champion: percent("one"), card: null, challenger: null });
    rig.feed([event("u", 70, NOON)]);
    rig.slot.models = { champion: percent("two", 0.5), card: null, challenger: null };
    rig.feed([event("v", 80, NOON + 1)], 1);
    // The record of u waited: it is the new model's as a whole, and the next of u's events would be, too.
    expect(rig.hot()).toMatchObject([
      { userId: "u", score: 0.35, modelVersion: "two" },
      { userId: "v", score: 0.4, modelVersion: "two" },
    ]);
    expect(rig.outputs.table("gold.propensity_scores")).toMatchObject([
      { user_id: "u", kind: "crossed", score: 0.7, model_version: "one" },
    ]);
  });
});

describe("a challenger", () => {
  const events = Array.from({ length: 400 }, (_, i) => event(`u${i % 40}`, i % 50, NOON + i * 1000));

  test("scores a sample in shadow, with its time, and nothing follows from its scores", () => {
    const rig = createRig({ champion: percent("one"), card: null, challenger: percent("two", 10) });
    rig.feed(events);
    const rows = rig.outputs.table("gold.shadow_scores");
    expect(rows.map((row) => row._offset)).toEqual(
      Array.from({ length: 400 / SAMPLE_EVERY }, (_, i) => i * SAMPLE_EVERY),
    );
    for (const row of rows) {
      const { userId, priceMinor, eventTime } = events[Number(row._offset)];
      expect(row).toMatchObject({
        plugin: "p",
        entity: userId,
        event_time: eventTime,
        champion_version: "one",
        champion_score: Number(priceMinor) / 100,
        challenger_version: "two",
        challenger_score: (Number(priceMinor) / 100) * 10,
        _partition: 3,
      });
      expect(row.challenger_micros).toBeGreaterThan(0);
    }
    expect(rig.outputs.table("gold.propensity_scores")).toEqual([]);
    expect(rig.outputs.alerts).toEqual([]);
    expect(rig.operator.status()).toMatchObject({ champion: "one", challenger: "two" });
    expect(rig.operator.status().challengerMicros).toBeGreaterThan(0);
  });

  test("costs nothing where there is none", () => {
    const rig = createRig({ champion: percent("one"), card: null, challenger: null });
    rig.feed(events);
    expect(rig.outputs.table("gold.shadow_scores")).toEqual([]);
    expect(rig.operator.status()).toMatchObject({ challenger: null, challengerMicros: null });
  });
});

describe("labels joined back", () => {
  /** Visits of three events a minute apart; every third ends with a purchase. */
  function visits(count: number): Partial<CustomerEvent>[] {
    const random = seededRandom(5);
    const events = Array.from({ length: count }, (_, i) => {
      const start = NOON + i * 3 * MINUTE;
      const user = `u${i}`;
      const last = i % 3 === 0 ? "purchase" : "page_view";
      return [
        event(user, Math.floor(random() * 100), start),
        event(user, Math.floor(random() * 100), start + MINUTE),
        event(user, Math.floor(random() * 100), start + 2 * MINUTE, last),
      ];
    }).flat();
    return events.sort((a, b) => Number(a.eventTime) - Number(b.eventTime));
  }

  /** Every sampled score but those on a purchase itself, with whether the visit had its purchase behind it. */
  function expected(events: readonly Partial<CustomerEvent>[]) {
    const followed = new Set<string>();
    return events.flatMap(({ userId, priceMinor, eventTime }, offset) => {
      if (offset % SAMPLE_EVERY !== 0 || followed.has(String(userId))) return [];
      followed.add(String(userId));
      const bought = events.some(
        (other) =>
          other.userId === userId &&
          other.eventType === "purchase" &&
          Number(other.eventTime) > Number(eventTime),
      );
      return [{ score: Number(priceMinor) / 100, label: bought ? 1 : 0 }];
    });
  }

  const sum = (rows: readonly Readonly<Record<string, unknown>>[], name: string): number =>
    rows.reduce((total, row) => total + Number(row[name]), 0);

  test("say precision and recall of what was scored, window by window", () => {
    const events = visits(800);
    const rig = createRig({ champion: percent("one"), card: null, challenger: null });
    rig.feed(events);
    rig.end();
    const rows = rig.outputs.table("gold.model_health");
    const truth = expected(events);
    expect(rows.length).toBeGreaterThan(20);
    expect(sum(rows, "scores")).toBe(Math.ceil(events.length / SAMPLE_EVERY));
    expect(sum(rows, "labels")).toBe(truth.length);
    expect(sum(rows, "positives")).toBe(truth.filter(({ label }) => label === 1).length);
    const above = truth.filter(({ score }) => score >= CONFIG.threshold);
    expect(sum(rows, "true_positives")).toBe(above.filter(({ label }) => label === 1).length);
    expect(sum(rows, "false_positives")).toBe(above.filter(({ label }) => label === 0).length);
    for (const [i, row] of rows.entries()) {
      expect(Number(row.window_start) % CONFIG.health.windowMs).toBe(0);
      if (i > 0) expect(row.window_start).toBeGreaterThanOrEqual(Number(rows[i - 1].window_end));
      expect(row).toMatchObject({ plugin: "p", model_version: "one", score_stability: null, _partition: 3 });
    }
  });

  test("are those of a straight run where the task is restored between", () => {
    const events = visits(300);
    const straight = createRig({ champion: percent("one"), card: null, challenger: null });
    straight.feed(events);
    straight.end();
    let rig = createRig({ champion: percent("one"), card: null, challenger: null });
    const rows: unknown[] = [];
    for (let from = 0; from < events.length; from += 97) {
      rig.feed(events.slice(from, from + 97), from);
      rows.push(...rig.outputs.table("gold.model_health"));
      const next = createRig({ champion: percent("one"), card: null, challenger: null });
      copyState(rig.sections, next.sections);
      next.tracker.afterRestore();
      next.operator.afterRestore?.();
      rig = next;
    }
    rig.end();
    rows.push(...rig.outputs.table("gold.model_health"));
    expect(rows).toEqual(straight.outputs.table("gold.model_health"));
  });

  test("are no purchases of the same order: its lines are one", () => {
    const rig = createRig({ champion: percent("one"), card: null, challenger: null });
    // Of each visit the first line is a sample; the second one is of the same order, but for every fourth visit.
    const lineOf = (user: number, order: string, at: number): Partial<CustomerEvent> => ({
      ...event(`u${user}`, 90, at, "purchase"),
      eventId: `${user}-${order}-${at}`,
      orderId: order,
    });
    for (let user = 0; user < 40; user++) {
      const other = user % 4 === 0 ? "2" : "1";
      rig.feed([lineOf(user, "1", NOON + user)], user * SAMPLE_EVERY);
      rig.feed([lineOf(user, other, NOON + user + 1)], user * SAMPLE_EVERY + 1);
    }
    rig.end();
    const rows = rig.outputs.table("gold.model_health");
    expect([sum(rows, "labels"), sum(rows, "positives")]).toEqual([40, 10]);
  });

  test("stay with the model that scored: a window ends where another takes over", () => {
    const rig = createRig({ champion: percent("one"), card: null, challenger: null });
    const events = visits(200);
    rig.feed(events.slice(0, 300));
    rig.hot();
    rig.slot.models = { champion: percent("two"), card: null, challenger: null };
    rig.feed(events.slice(300), 300);
    rig.end();
    const rows = rig.outputs.table("gold.model_health");
    const versions = rows.map((row) => row.model_version);
    expect(versions).toEqual([...versions].sort());
    expect(new Set(versions)).toEqual(new Set(["one", "two"]));
    const keys = rows.map((row) => `${row.model_version} ${row.window_start}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(sum(rows, "scores")).toBe(Math.ceil(events.length / SAMPLE_EVERY));
  });
});

describe("drift", () => {
  const random = seededRandom(3);
  const training = Float64Array.from({ length: 2000 }, () => random() * 50);

  function alertsOf(price: () => number) {
    const champion = percent("one");
    const rig = createRig({ champion, card: cardOf("one", training), challenger: null });
    rig.feed(
      Array.from({ length: SAMPLE_EVERY * 400 }, (_, i) => event(`u${i % 400}`, price(), NOON + i * 400)),
    );
    rig.end();
    const { health } = rig.operator.status();
    return {
      alerts: rig.outputs.alerts,
      rows: rig.outputs.table("gold.model_health"),
      drifted: health?.drifted,
    };
  }

  test("raises no alert where traffic is as in training", () => {
    const { alerts, rows, drifted } = alertsOf(() => random() * 50);
    expect(drifted).toBe(false);
    expect(alerts.filter(({ kind }) => kind === "model-drift")).toEqual([]);
    expect(rows[0].score_stability).toBeLessThan(0.1);
  });

  test("raises one alert a window where it is not, with the feature and its index", () => {
    const found = alertsOf(() => 30 + random() * 25);
    const { rows } = found;
    expect(found.drifted).toBe(true);
    const alerts = found.alerts.filter(({ kind }) => kind === "model-drift");
    expect(alerts).toHaveLength(rows.length);
    expect(alerts[0]).toMatchObject({
      id: `model-drift:p:one:${NOON}`,
      kind: "model-drift",
      windowStart: NOON,
      windowEnd: NOON + CONFIG.health.windowMs,
      figures: { plugin: "p", modelVersion: "one", feature: "price" },
    });
    expect(rows[0].score_stability).toBeGreaterThan(0.25);
    expect(JSON.parse(String(rows[0].feature_stability)).price).toBeGreaterThan(0.25);
  });
});

describe("calibration", () => {
  const HOURS = 4;
  const VISITS = 8000;

  /** Alerts about a model over visits of a shopper each, which end in a purchase with the price's chance. */
  function alertsOf(champion: Scorer) {
    const random = seededRandom(11);
    const rig = createRig({ champion, card: null, challenger: null });
    const events = Array.from({ length: VISITS }, (_, v) => {
      const at = NOON + (v * HOURS * 60 * MINUTE) / VISITS;
      const chance = random();
      const view = event(`u${v}`, 100 * chance, at);
      return random() < chance ? [view, event(`u${v}`, 0, at + 500, "purchase")] : [view];
    });
    rig.feed(events.flat().sort((a, b) => Number(a.eventTime) - Number(b.eventTime)));
    rig.end();
    return rig.outputs.alerts.filter(({ kind }) => kind === "model-calibration");
  }

  test("raises no alert where as much comes as was foretold", () => {
    expect(alertsOf(percent("good"))).toEqual([]);
  });

  test("raises one a window where it does not, once what did not come is known, too", () => {
    const alerts = alertsOf(percent("low", 0.5));
    // Not of the first window, whose labels are mostly those that came true.
    const hour = 60 * MINUTE;
    expect(alerts.map(({ windowStart }) => windowStart)).toEqual([1, 2, 3].map((k) => NOON + k * hour));
    expect(alerts[0]).toMatchObject({
      id: `model-calibration:p:low:${NOON + hour}`,
      figures: { plugin: "p", modelVersion: "low" },
    });
    expect(alerts[0].figures.calibrationError).toBeGreaterThan(0.12);
  });
});
