import { beforeAll, describe, expect, test } from "vitest";
import {
  isRecommender,
  ListReference,
  type ModelCard,
  mlPlugins,
  RECOMMENDATION_REASONS,
  type RecommenderPlugin,
  type ServedModels,
  type VisitRecommender,
} from "../../ml/index.ts";
import { makeSessionLog, trainRecommender } from "../../ml/plugins/recommend/index.ts";
import { encodeProductRecommender } from "../../ml/plugins/recommend/product-model-file.ts";
import { ProductRecommender } from "../../ml/plugins/recommend/product-recommender.ts";
import {
  type CustomerEvent,
  type CustomerEventBatch,
  customerEventContract,
  type ProductBatch,
  productContract,
  StateSection,
} from "../../schema/index.ts";
import type { RecommendationsRecord, SimilarProductsRecord } from "../sinks/hot-records.ts";
import { defaultTimeConfig, WatermarkTracker } from "../time/index.ts";
import { createProductTable } from "./product-table.ts";
import { createRecommendProducts, defaultRecommendProductsConfig } from "./recommend-products.ts";
import { createSessionize, defaultSessionizeConfig } from "./sessionize.ts";
import {
  CollectedHot,
  CollectedOutputs,
  copyState,
  driveBatch,
  driveEnd,
  type OutputRow,
  randomCuts,
  seededRandom,
} from "./testing/drive.ts";
import { createKeys, makeBatch } from "./testing/make-batch.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const PRODUCTS = 60;
const plugin = mlPlugins.find(isRecommender) as RecommenderPlugin;
const untrained = plugin.load(plugin.defaultModel().weights, "untrained");
const eager = {
  ...defaultRecommendProductsConfig,
  spareCount: 0,
  listsAFlushMax: 1_000_000,
  eventsAList: 1,
  eventsAKeptList: 1,
};

type Event = Partial<CustomerEvent>;

function look(userId: string, product: number, at: number, changes: Event = {}): Event {
  return {
    eventId: `${userId}-${product}-${at}`,
    eventType: "item_view",
    userId,
    productId: `p${product}`,
    eventTime: NOON + at,
    ...changes,
  };
}

type Models = ServedModels<VisitRecommender>;

const alone = (champion: VisitRecommender): Models => ({ champion, card: null, challenger: null });
const untrainedAlone = alone(untrained);

function createRig(config = eager, newestModels: () => Models = () => untrainedAlone) {
  let nowMs = 0;
  const keys = createKeys();
  const outputs = new CollectedOutputs();
  const products = createProductTable({ keys });
  const operator = createRecommendProducts(config, {
    keys,
    outputs,
    products,
    createOnline: (section, categoryOf) => plugin.createOnline(section, categoryOf),
    plugin: plugin.name,
    partition: 0,
    stopwatch: () => (nowMs += 2),
    slot: {
      get models() {
        return newestModels();
      },
    },
  });
  const sessionize = createSessionize(defaultSessionizeConfig, {
    keys,
    outputs,
    time: defaultTimeConfig,
    onEnd: operator.endSession,
  });
  const tracker = new WatermarkTracker("watermark", defaultTimeConfig);
  const keySection = new StateSection("keys");
  for (const dictionary of Object.values(keys)) keySection.dictionary(dictionary);
  return {
    sections: [
      ...[keySection, tracker.state, products.state, sessionize.state],
      ...[operator.state, operator.healthState],
    ],
    feed(events: readonly Event[]): void {
      const batch = makeBatch<CustomerEventBatch>(customerEventContract, events as never, { keys });
      driveBatch(batch, batch.eventTime, tracker, [sessionize, operator]);
    },
    end: () => driveEnd<CustomerEventBatch>([sessionize, operator]),
    catalogue(rows: readonly Readonly<Record<string, string | number | boolean>>[]): void {
      const named = rows.map((row) => ({ eventId: row.productId, updateTime: NOON - 1000, ...row }));
      products.fold(makeBatch<ProductBatch>(productContract, named, { keys }));
    },
    flush(): { more: boolean; values: Map<string, string> } {
      const hot = new CollectedHot();
      return { more: operator.flushHot(hot), values: hot.values() };
    },
    list(userId: string): string[] {
      const value = this.flush().values.get(`recommendations/${userId}`) ?? '{"items":[]}';
      return (JSON.parse(value) as RecommendationsRecord).items.map(({ productId }) => productId);
    },
    outputs,
    rows: (): readonly OutputRow[] => outputs.table("gold.recommendations"),
    health: (): readonly OutputRow[] => outputs.table("gold.model_health"),
  };
}

/** Visits that mostly walk one product on, of users who come back. */
function walks(visits: number, seed: number, users = 40): Event[] {
  const random = seededRandom(seed);
  const events: Event[] = [];
  for (let v = 0; v < visits; v++) {
    let product = Math.floor(PRODUCTS * random());
    const user = `u${Math.floor(users * random())}`;
    for (let k = 0; k < 4; k++) {
      events.push(look(user, product, v * 60_000 + k * 1000));
      product = random() < 0.7 ? (product + 1) % PRODUCTS : Math.floor(PRODUCTS * random());
    }
  }
  return events;
}

function trainedModel(): ProductRecommender {
  const random = seededRandom(9);
  const sessions = Array.from({ length: 1500 }, () => {
    const first = Math.floor(PRODUCTS * random());
    return Array.from({ length: 5 }, (_, k) =>
      random() < 0.8 ? (first + 2 * k) % PRODUCTS : Math.floor(PRODUCTS * random()),
    );
  });
  const recommender = trainRecommender(makeSessionLog(sessions), { seed: 1 });
  const productIds = Array.from({ length: PRODUCTS }, (_, k) => `p${k}`);
  return new ProductRecommender(recommender, { productIds, categoryIds: [] }, "v1");
}

let batch: ProductRecommender;
beforeAll(() => {
  batch = trainedModel();
});

describe("lists by a trained model", () => {
  let served: Models;
  beforeAll(() => {
    served = alone(plugin.load(encodeProductRecommender(batch), "v1"));
  });

  test("equal those of the batch recommender for the same visit", () => {
    const rig = createRig(eager, () => served);
    // Ids of the task are in another order than positions of the model.
    rig.feed([look("other", 50, 0), look("other", 3, 1)]);
    const random = seededRandom(4);
    for (let v = 0; v < 50; v++) {
      const visit = Array.from({ length: 1 + Math.floor(9 * random()) }, () =>
        Math.floor(PRODUCTS * random()),
      );
      rig.feed(visit.map((product, k) => look(`u${v}`, product, v * 10_000 + k)));
      const current = visit.at(-1);
      const expected = batch.recommender
        .recommend(visit, { count: 10, mode: "all", filter: (product) => product !== current })
        .map((product) => `p${product}`);
      expect(rig.list(`u${v}`)).toEqual(expected);
    }
  });

  test("say the model, the parts of each score, and the products most like those of the visit", () => {
    const rig = createRig(eager, () => served);
    rig.feed([look("u", 7, 0), look("u", 9, 1000)]);
    const { values } = rig.flush();
    const record = JSON.parse(values.get("recommendations/u") ?? "") as RecommendationsRecord;
    expect(record).toMatchObject({ userId: "u", modelVersion: "v1", eventTime: NOON + 1000 });
    for (const { score, reasons } of record.items) {
      expect(Object.keys(reasons).every((name) => RECOMMENDATION_REASONS.includes(name as never))).toBe(true);
      const sum = Object.values(reasons).reduce((total, part) => total + part, 0);
      expect(Math.abs(sum - score)).toBeLessThan(5e-6);
    }
    const similar = JSON.parse(values.get("similar-products/p9") ?? "") as SimilarProductsRecord;
    expect(similar.items.map(({ productId }) => productId)).toEqual(
      batch.recommender.similarItems(9, 10).map((product) => `p${product}`),
    );
    rig.feed([look("u", 9, 2000)]);
    expect([...rig.flush().values.keys()]).toEqual(["recommendations/u"]);
    rig.feed([look("u", 9, eager.hotTtlMs)]);
    expect([...rig.flush().values.keys()]).toContain("similar-products/p9");
  });

  test("go on behind what is shown, in place of what is sold out when they are read", () => {
    const visit = [look("u", 7, 0), look("u", 9, 1000)];
    const shown = createRig(eager, () => served);
    const longer = createRig({ ...eager, spareCount: 5 }, () => served);
    for (const rig of [shown, longer]) rig.feed(visit);
    const list = longer.list("u");
    expect(list).toHaveLength(15);
    expect(list.slice(0, 10)).toEqual(shown.list("u"));
    longer.end();
    expect(longer.rows()).toHaveLength(10);
  });

  test("go on by what the stream learned where the model knows nothing of the visit", () => {
    let models = untrainedAlone;
    const rig = createRig(eager, () => models);
    rig.feed([look("a", 100, 0), look("a", 101, 1), look("a", 5, 2), look("b", 100, 3)]);
    expect(rig.list("b").slice(0, 2)).toEqual(["p101", "p5"]);
    models = served;
    rig.feed([look("b", 100, 4)]);
    expect(rig.list("b").slice(0, 2)).toEqual(["p101", "p5"]);
    rig.feed([look("b", 5, 5)]);
    const { values } = rig.flush();
    expect(JSON.parse(values.get("recommendations/b") ?? "")).toMatchObject({ modelVersion: "v1" });
  });
});

describe("the health of the lists", () => {
  const HOUR = 3_600_000;
  const watched = { ...eager, monitor: { ...eager.monitor, sampleEvery: 1 } };
  const lastMs = (events: readonly Event[]): number => Number(events.at(-1)?.eventTime) - NOON;

  /** Visits of a user each, over the products of the model; each look is the one that the function gives. */
  function visits(count: number, next: (product: number, random: () => number) => number): Event[] {
    const random = seededRandom(7);
    return Array.from({ length: count }, (_, v) => {
      const first = Math.floor(PRODUCTS * random());
      const second = next(first, random);
      return [look(`v${v}`, first, 10 * v), look(`v${v}`, second, 10 * v + 5)];
    }).flat();
  }

  test("is the share of the next looks that were shown, and of what was shown that was looked at", () => {
    const models = alone(plugin.load(encodeProductRecommender(batch), "v1"));
    const rig = createRig(watched, () => models);
    // The model learned steps of two; half of the looks take them, the others go anywhere.
    const events = visits(400, (product, random) =>
      random() < 0.5 ? (product + 2) % PRODUCTS : Math.floor(PRODUCTS * random()),
    );
    rig.feed(events);
    rig.feed([look("late", 1, HOUR + 600_000)]);
    let [labels, hits] = [0, 0];
    for (let at = 0; at < events.length; at += 2) {
      const [from, to] = [events[at], events[at + 1]].map(({ productId }) => Number(productId?.slice(1)));
      if (from === to) continue;
      labels++;
      const filter = (product: number): boolean => product !== from;
      const shown = batch.recommender.recommend([from], { count: 10, mode: "all", filter });
      if (shown.includes(to)) hits++;
    }
    expect(hits).toBeGreaterThan(150);
    const [row] = rig.health();
    expect(row).toMatchObject({
      ...{ plugin: "recommend", model_version: "v1", window_start: NOON, window_end: NOON + HOUR },
      ...{ scores: labels, labels, positives: labels, true_positives: hits },
      ...{ calibration_error: null, challenger_version: null, score_stability: null },
    });
    expect(row.recall).toBeCloseTo(hits / labels);
    expect(row.precision).toBeCloseTo(hits / (10 * labels));
    expect(lastMs(events)).toBeLessThan(HOUR);
  });

  test("has the challenger's lists beside it, with the place of the next look and the time of both", () => {
    const champion = plugin.load(encodeProductRecommender(batch), "v1");
    const challenger = plugin.load(encodeProductRecommender(batch), "v2");
    const models = { champion, card: null, challenger };
    const rig = createRig(watched, () => models);
    rig.feed([look("u", 7, 0), look("u", 9, 10), look("u", 9, 20)]);
    rig.feed([look("late", 1, HOUR + 600_000)]);
    const shadow = rig.outputs.table("gold.shadow_scores");
    expect(shadow).toMatchObject([
      {
        ...{ plugin: "recommend", entity: "u", event_time: NOON + 10, _offset: 1 },
        ...{ champion_version: "v1", challenger_version: "v2", champion_score: 1, challenger_score: 1 },
      },
    ]);
    expect(rig.health()).toMatchObject([{ challenger_version: "v2", champion_micros: 2000 }]);
    expect(shadow[0].challenger_micros).toBe(2000);
    // The lists that are shown are the champion's.
    expect(JSON.parse(rig.flush().values.get("recommendations/u") ?? "").modelVersion).toBe("v1");
  });

  test("drifts where visits are not those of the model's training", () => {
    const champion = plugin.load(encodeProductRecommender(batch), "v1");
    const reference = new ListReference();
    for (let product = 0; product < PRODUCTS; product++) {
      const allows = (other: number): boolean => other !== product;
      const request = { visit: Int32Array.of(product), length: 1, count: 10, category: -1, allows };
      reference.add(champion.recommend(request), { length: 1, known: 1 });
    }
    const card = { reference: reference.read() } as ModelCard;
    const models = { champion, card, challenger: null };
    const config = {
      ...watched,
      monitor: { ...watched.monitor, health: { ...watched.monitor.health, driftRowsMin: 200 } },
    };
    const usual = createRig(config, () => models);
    usual.feed(visits(300, (product) => (product + 2) % PRODUCTS));
    usual.feed([look("late", 1, HOUR + 600_000)]);
    expect(usual.outputs.alerts).toEqual([]);
    const strange = createRig(config, () => models);
    strange.feed(
      visits(300, (product) => (product + 2) % PRODUCTS).map((event) => ({
        ...event,
        productId: `x${event.productId}`,
      })),
    );
    strange.feed([look("late", 1, HOUR + 600_000)]);
    expect(strange.outputs.alerts).toMatchObject([
      { kind: "model-drift", figures: { plugin: "recommend", modelVersion: "v1" } },
    ]);
  });
});

describe("business rules", () => {
  test("what was bought, is looked at, or cannot be bought is not shown", () => {
    const rig = createRig();
    rig.feed(walks(400, 1));
    rig.feed([look("u", 20, 1e8)]);
    const before = rig.list("u");
    expect(before).toHaveLength(10);
    expect(before[0]).toBe("p21");
    expect(before).not.toContain("p20");
    rig.catalogue([
      { productId: "p21", active: false },
      { productId: before[1], active: true },
    ]);
    rig.feed([
      look("u", 20, 1e8 + 1),
      look("u", Number(before[2].slice(1)), 1e8 + 2, { eventType: "purchase" }),
    ]);
    const after = rig.list("u");
    expect(after).not.toContain("p21");
    expect(after).not.toContain(before[2]);
    expect(after[0]).toBe(before[1]);
    expect(after).toHaveLength(10);
  });

  test("a product that nobody went on from is followed by what is popular in its category", () => {
    const rig = createRig();
    rig.feed([0, 1, 2, 3].flatMap((k) => [look(`x${k}`, 30, k * 10), look(`y${k}`, 31 + (k % 2), k * 10)]));
    rig.feed([look("z", 40, 100, { categoryId: "shoes" }), look("w", 41, 101, { categoryId: "shoes" })]);
    expect(rig.list("w").slice(0, 4)).toEqual(["p40", "p30", "p32", "p31"]);
    rig.catalogue([
      { productId: "p41", categoryId: "hats" },
      { productId: "p32", categoryId: "hats" },
    ]);
    rig.feed([look("x9", 32, 102), look("w", 41, 103)]);
    expect(rig.list("w")[0]).toBe("p32");
  });
});

describe("what is written", () => {
  test("a few lists a flush while events come, then the rest at once", () => {
    const rig = createRig({ ...eager, listsAFlushMax: 2 });
    rig.feed(Array.from({ length: 7 }, (_, k) => look(`u${k}`, k, k)));
    const users = (values: Map<string, string>): string[] =>
      [...values.keys()].filter((key) => key.startsWith("recommendations/"));
    const first = rig.flush();
    expect(first.more).toBe(false);
    expect(users(first.values)).toEqual(["recommendations/u0", "recommendations/u1"]);
    const second = rig.flush();
    expect(second.more).toBe(true);
    expect(users(second.values)).toEqual(["recommendations/u2", "recommendations/u3"]);
    expect([rig.flush().more, rig.flush().more]).toEqual([true, false]);
  });

  test("one list for so many events while they come, however often hot values are flushed", () => {
    const rig = createRig({ ...eager, eventsAList: 3 });
    const listsAfter = (from: number, to: number): number => {
      rig.feed(Array.from({ length: to - from }, (_, k) => look(`u${from + k}`, from + k, from + k)));
      return [...rig.flush().values.keys()].filter((key) => key.startsWith("recommendations/")).length;
    };
    expect([listsAfter(0, 2), listsAfter(2, 4), listsAfter(4, 5), listsAfter(5, 9)]).toEqual([0, 1, 0, 2]);
    rig.flush();
    expect(rig.flush().more).toBe(false);
  });

  test("the lake keeps the list of each ended visit, but no more than its share of the events", () => {
    const events = walks(200, 2);
    const all = createRig();
    all.feed(events);
    all.end();
    const visits = new Set(all.rows().map(({ user_id, visit_end }) => `${user_id} ${visit_end}`));
    expect(visits.size).toBeGreaterThan(30);
    for (const row of all.rows().filter(({ user_id }) => user_id === "u1")) {
      const looks = events.filter(({ userId, eventTime }) => userId === "u1" && eventTime === row.visit_end);
      expect(looks).toHaveLength(1);
    }
    const few = createRig({ ...eager, eventsAKeptList: 200 });
    few.feed(events);
    few.end();
    expect(new Set(few.rows().map(({ visit_end }) => visit_end)).size).toBeLessThanOrEqual(
      events.length / 200,
    );
    expect(few.rows().length).toBeGreaterThan(0);
  });

  test("rows are the same however the log was cut, hot lists were made, and state was restored", () => {
    const events = walks(300, 3);
    const config = { ...eager, eventsAKeptList: 8, learnLooksMax: 100, eventsALearnedLook: 4 };
    const whole = createRig(config);
    whole.feed(events);
    whole.end();
    const cuts = randomCuts(events.length, 9, seededRandom(5));
    let rig = createRig(config);
    const rows: OutputRow[] = [];
    for (let i = 0; i + 1 < cuts.length; i++) {
      rig.feed(events.slice(cuts[i], cuts[i + 1]));
      rig.flush();
      if (i % 3 !== 2) continue;
      rows.push(...rig.rows());
      const next = createRig(config);
      copyState(rig.sections, next.sections);
      rig = next;
    }
    rig.end();
    rows.push(...rig.rows());
    expect(rows.length).toBeGreaterThan(100);
    expect(rows).toEqual(whole.rows());
  });
});
